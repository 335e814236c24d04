// Attributes of the nn dialect: checks of their values.
#include "dialects/NN/NN.h"
#include "dialects/NN/OptimizerSyntax.h"

#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace dtc::nn;

#include "dialects/NN/NNEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/NN/NNAttrs.cpp.inc"

void NNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/NN/NNAttrs.cpp.inc"
      >();
}

using EmitError = llvm::function_ref<InFlightDiagnostic()>;

static LogicalResult verifyRange(EmitError emitError, StringRef name,
                                 double value, double low, double high) {
  if (std::isfinite(value) && value >= low && value < high)
    return success();
  InFlightDiagnostic diagnostic = emitError() << name << " must be ";
  if (std::isinf(high))
    return diagnostic << "finite and at least " << low << ", not " << value;
  return diagnostic << "in [" << low << ", " << high << "), not " << value;
}

static constexpr double unbounded = HUGE_VAL;

LogicalResult UniformAttr::verify(EmitError emitError, Real bound) {
  return verifyRange(emitError, "bound", bound, 0, unbounded);
}

LogicalResult NormalAttr::verify(EmitError emitError, Real mean,
                                 Real stddev) {
  return verifyRange(emitError, "stddev", stddev, 0, unbounded);
}

//===----------------------------------------------------------------------===//
// Optimizers
//===----------------------------------------------------------------------===//

LogicalResult OptimizerAttr::verify(EmitError emitError, const dtc::Optimizer *entry, ArrayRef<Real> values) {
  SmallVector<double> numbers(values.begin(), values.end());
  if (std::string wrong = dtc::OptimizerSettings(*entry, numbers).check(); !wrong.empty())
    return emitError() << wrong;
  return success();
}

std::vector<const dtc::OptimizerState *> OptimizerAttr::getStates() const {
  return dtc::OptimizerSettings(*getEntry(), getNumbers()).states();
}

Attribute OptimizerAttr::getInit(const dtc::OptimizerState &state) const {
  SmallVector<double> numbers = getNumbers();
  double value = state.init ? state.init(dtc::OptimizerSettings(*getEntry(), numbers)) : 0;
  return ConstantInitAttr::get(getContext(), Real(value));
}

dtc::FormulaSize OptimizerAttr::getFormulaSize() const {
  auto &known = static_cast<NNDialect &>(getDialect()).formulaSizes;
  std::lock_guard<std::mutex> lock(known.mutex);
  auto [entry, isNew] = known.sizes.try_emplace(*this);
  if (isNew) {
    SmallVector<double> numbers = getNumbers();
    entry->second = dtc::sizeOf(dtc::OptimizerSettings(*getEntry(), numbers), *getContext());
  }
  return entry->second;
}

/// `<lr = 1.0e-3, nesterov = true>`
OptimizerAttr dtc::nn::parseSettings(AsmParser &parser, const dtc::Optimizer &entry) {
  SmallVector<Real> values;
  for (double value : entry.defaults())
    values.push_back(Real(value));
  SMLoc begin = parser.getCurrentLocation();
  llvm::SmallDenseSet<int> given;
  auto parseSetting = [&]() -> ParseResult {
    SMLoc place = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    int index = entry.indexOf(name);
    if (index < 0) {
      InFlightDiagnostic error = parser.emitError(place) << "'" << name << "' is no setting of " << entry.name << ", which has ";
      llvm::interleaveComma(entry.settings, error, [&](const dtc::OptimizerSetting &setting) { error << setting.name; });
      return error;
    }
    if (!given.insert(index).second)
      return parser.emitError(place) << "'" << name << "' is given twice";
    if (parser.parseEqual())
      return failure();
    if (!entry.settings[index].isFlag()) {
      double value;
      if (parser.parseFloat(value))
        return failure();
      values[index] = Real(value);
      return success();
    }
    StringRef flag;
    if (parser.parseKeyword(&flag) || (flag != "true" && flag != "false"))
      return parser.emitError(place) << "'" << name << "' is true or false";
    values[index] = Real(flag == "true");
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalLessGreater, parseSetting))
    return {};
  return parser.getChecked<OptimizerAttr>(begin, parser.getContext(), &entry, ArrayRef<Real>(values));
}

Attribute NNDialect::parseAttribute(DialectAsmParser &parser, Type type) const {
  SMLoc place = parser.getCurrentLocation();
  StringRef mnemonic;
  Attribute attribute;
  OptionalParseResult parsed = generatedAttributeParser(parser, &mnemonic, type, attribute);
  if (parsed.has_value())
    return attribute;
  if (const dtc::Optimizer *entry = dtc::findOptimizer(mnemonic))
    return parseSettings(parser, *entry);
  parser.emitError(place) << "unknown attribute `" << mnemonic << "` in dialect `nn`";
  return {};
}

void dtc::nn::printSettings(AsmPrinter &printer, OptimizerAttr optimizer) {
  const dtc::Optimizer &entry = *optimizer.getEntry();
  printer << entry.name << '<';
  std::string separator;
  for (auto [setting, value] : llvm::zip_equal(entry.settings, optimizer.getValues())) {
    if (value == Real(setting.byDefault) && setting.name != "lr")
      continue;
    printer << separator << setting.name << " = ";
    if (setting.isFlag())
      printer << (value != 0 ? "true" : "false");
    else
      printer << value;
    separator = ", ";
  }
  printer << '>';
}

void NNDialect::printAttribute(Attribute attribute, DialectAsmPrinter &printer) const {
  if (auto optimizer = dyn_cast<OptimizerAttr>(attribute))
    printSettings(printer, optimizer);
  else
    (void)generatedAttributePrinter(attribute, printer);
}

//===----------------------------------------------------------------------===//
// Recipe
//===----------------------------------------------------------------------===//

LogicalResult RecipeAttr::verify(EmitError emitError, Attribute loss,
                                 Attribute optimizer, int64_t batch) {
  if (batch < 1)
    return emitError() << "batch must be at least 1, not " << batch;
  return success();
}

double RecipeAttr::getLearningRate() const {
  auto optimizer = dyn_cast<OptimizerAttr>(getOptimizer());
  return optimizer ? optimizer.getLearningRate() : 0;
}
