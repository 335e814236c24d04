// Attributes of the nn dialect: checks of their values.
#include "dialects/NN/NN.h"
#include "dialects/NN/OptimizerSyntax.h"

#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>

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

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

LogicalResult CrossEntropyAttr::verify(EmitError emitError, int64_t, std::optional<int64_t> ignoreIndex, Real labelSmoothing,
                                       ArrayRef<Real> classWeights, bool) {
  if (ignoreIndex == std::numeric_limits<int64_t>::min())
    return emitError() << "ignore_index must be above -2^63";
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    return emitError() << "label_smoothing must be in [0, 1], not " << double(labelSmoothing);
  bool anyCounts = classWeights.empty();
  for (auto [id, weight] : llvm::enumerate(classWeights)) {
    if (!std::isfinite(weight) || weight < 0)
      return emitError() << "the weight of class " << id << " must be finite and at least 0, not " << double(weight);
    anyCounts |= weight > 0;
  }
  if (!anyCounts)
    return emitError() << "all class weights are 0: nothing counts";
  return success();
}

Attribute CrossEntropyAttr::parse(AsmParser &parser, Type) {
  int64_t classAxis = -1;
  std::optional<int64_t> ignoreIndex;
  double labelSmoothing = 0;
  SmallVector<Real> classWeights;
  bool sum = false;
  SMLoc begin = parser.getCurrentLocation();
  auto parseMember = [&]() -> ParseResult {
    SMLoc place = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    if (name == "sum") {
      sum = true;
      return success();
    }
    if (parser.parseEqual())
      return failure();
    if (name == "class_axis")
      return parser.parseInteger(classAxis);
    if (name == "ignore_index")
      return parser.parseInteger(ignoreIndex.emplace());
    if (name == "label_smoothing")
      return parser.parseFloat(labelSmoothing);
    if (name == "class_weights")
      return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        double weight;
        if (parser.parseFloat(weight))
          return failure();
        classWeights.push_back(Real(weight));
        return success();
      });
    return parser.emitError(place) << "'" << name << "' is nothing of a cross-entropy, which has class_axis, ignore_index, label_smoothing, "
                                      "class_weights and sum";
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalLessGreater, parseMember))
    return {};
  return parser.getChecked<CrossEntropyAttr>(begin, parser.getContext(), classAxis, ignoreIndex, Real(labelSmoothing),
                                             ArrayRef<Real>(classWeights), sum);
}

/// What is as usual is left out.
void CrossEntropyAttr::print(AsmPrinter &printer) const {
  SmallVector<std::function<void()>> members;
  if (getClassAxis() != -1)
    members.push_back([&] { printer << "class_axis = " << getClassAxis(); });
  if (getIgnoreIndex())
    members.push_back([&] { printer << "ignore_index = " << *getIgnoreIndex(); });
  if (getLabelSmoothing() != 0)
    members.push_back([&] { printer << "label_smoothing = " << getLabelSmoothing(); });
  if (!getClassWeights().empty())
    members.push_back([&] {
      printer << "class_weights = [";
      llvm::interleaveComma(getClassWeights(), printer.getStream(), [&](Real weight) { printer << weight; });
      printer << "]";
    });
  if (getSum())
    members.push_back([&] { printer << "sum"; });
  if (members.empty())
    return;
  printer << '<';
  llvm::interleave(members, [](const auto &member) { member(); }, [&] { printer << ", "; });
  printer << '>';
}

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

LogicalResult OptimizerAttr::verify(EmitError emitError, const dtc::Optimizer *entry, ArrayRef<Real> values, Real rateScale) {
  if (!std::isfinite(rateScale) || rateScale < 0)
    return emitError() << "the scale of the learning rate must be finite and at least 0, not " << double(rateScale);
  SmallVector<double> numbers(values.begin(), values.end());
  if (std::string wrong = dtc::OptimizerSettings(*entry, numbers).check(); !wrong.empty())
    return emitError() << wrong;
  return success();
}

OptimizerAttr OptimizerAttr::forParameter(double scale, bool decays) const {
  SmallVector<Real> values(getValues());
  if (int index = getEntry()->indexOf("weight_decay"); !decays && index >= 0)
    values[index] = Real(0);
  return get(getContext(), getEntry(), values, Real(scale * getRateScale()));
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
    entry->second = dtc::sizeOf(dtc::OptimizerSettings(*getEntry(), numbers, getRateScale()), *getContext());
  }
  return entry->second;
}

/// Behind the settings; no optimizer has one of this name.
static constexpr StringRef rateScaleName = "rate_scale";

/// `<lr = 1.0e-3, nesterov = true, rate_scale = 0.1>`
OptimizerAttr dtc::nn::parseSettings(AsmParser &parser, const dtc::Optimizer &entry) {
  SmallVector<Real> values;
  for (double value : entry.defaults())
    values.push_back(Real(value));
  double rateScale = 1;
  SMLoc begin = parser.getCurrentLocation();
  llvm::SmallDenseSet<int> given;
  auto parseSetting = [&]() -> ParseResult {
    SMLoc place = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name))
      return failure();
    if (name == rateScaleName)
      return failure(parser.parseEqual() || parser.parseFloat(rateScale));
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
  return parser.getChecked<OptimizerAttr>(begin, parser.getContext(), &entry, ArrayRef<Real>(values), Real(rateScale));
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
  if (optimizer.getRateScale() != 1)
    printer << separator << rateScaleName << " = " << optimizer.getRateScale();
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
