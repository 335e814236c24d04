// The nn function under construction.
#include "Graph.h"

#include "mlir/IR/Verifier.h"
#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

Graph::Graph(Reporter &reporter, StringRef modelName, Location location)
    : reporter(reporter), builder(&reporter.getContext()),
      module(ModuleOp::create(builder, location)) {
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, location, modelName,
                                  builder.getFunctionType({}, {}));
  function->setAttr(nn::names::model, builder.getStringAttr(modelName));
  body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
}

RankedTensorType Graph::makeType(ArrayRef<int64_t> shape, Location location, Type element) {
  for (int64_t extent : shape) {
    if (extent < 1) {
      reporter.error(location) << "extent " << extent << " of shape "
                               << nn::formatShape(shape) << " is not positive";
      return {};
    }
  }
  auto type = RankedTensorType::get(shape, element ? element : builder.getF32Type());
  return checkElements(type, location) ? type : RankedTensorType();
}

bool Graph::checkElements(RankedTensorType type, Location location) {
  int64_t elements = 1;
  for (int64_t extent : type.getShape()) {
    if (llvm::MulOverflow(elements, extent, elements) ||
        elements > maxElements) {
      reporter.error(location)
          << "a tensor of shape " << nn::formatShape(type.getShape())
          << " would have more than 2^40 elements";
      return false;
    }
  }
  return true;
}

bool Graph::checkOperation(TypeRange results, Location location) {
  for (Type type : results)
    if (!checkElements(cast<RankedTensorType>(type), location))
      return false;
  if (++operations <= maxOperations)
    return true;
  reporter.error(location) << "the model has more than " << maxOperations
                           << " operations";
  return false;
}

Value Graph::addArgument(RankedTensorType type, Location location,
                         ArrayRef<NamedAttribute> attributes) {
  argumentAttributes.push_back(builder.getDictionaryAttr(attributes));
  return body->addArgument(type, location);
}

Value Graph::addInput(StringRef name, RankedTensorType type,
                      Location location) {
  return addArgument(type, location,
                     builder.getNamedAttr(nn::names::input,
                                          builder.getStringAttr(name)));
}

Value Graph::addParameter(StringRef name, RankedTensorType type, Attribute init,
                          Location location) {
  auto [it, isNew] = parameters.try_emplace(name);
  if (!isNew) {
    reporter.error(location) << "parameter '" << name << "' exists already";
    return {};
  }
  return it->second = addArgument(
             type, location,
             {builder.getNamedAttr(nn::names::parameter,
                                   builder.getStringAttr(name)),
              builder.getNamedAttr(nn::names::init, init)});
}

Value Graph::addStatistic(StringRef name, RankedTensorType type, Attribute init,
                          Location location) {
  return addArgument(
      type, location,
      {builder.getNamedAttr(nn::names::state, builder.getStringAttr(name)),
       builder.getNamedAttr(nn::names::statistic, builder.getUnitAttr()),
       builder.getNamedAttr(nn::names::init, init)});
}

Value Graph::findParameter(StringRef name) const {
  return parameters.lookup(name);
}

SmallVector<StringRef> Graph::parameterNames() const {
  return llvm::to_vector(parameters.keys());
}

Value Graph::constant(double value, Location location) {
  auto narrow = static_cast<float>(value);
  if (!std::isfinite(narrow)) {
    reporter.error(location) << "the number " << value << " is too large for f32";
    return {};
  }
  auto type = RankedTensorType::get({}, builder.getF32Type());
  return create<nn::ConstantOp>(location, type,
                                DenseElementsAttr::get(type, narrow));
}

/// A layer whose result nobody reads is a slip of the pen more often than not,
/// and its parameters would never learn.
void Graph::warnAboutUnused() {
  for (Operation &op : *body)
    if (op.use_empty() && !op.hasTrait<OpTrait::IsTerminator>())
      emitWarning(op.getLoc()) << "the result of this layer is never used";
  for (BlockArgument argument : body->getArguments())
    if (argument.use_empty())
      emitWarning(argument.getLoc())
          << "this "
          << (cast<DictionaryAttr>(argumentAttributes[argument.getArgNumber()])
                      .contains(nn::names::input)
                  ? "input"
                  : "parameter")
          << " is never used";
}

OwningOpRef<ModuleOp>
Graph::finish(ArrayRef<std::pair<StringRef, Value>> outputs, Attribute recipe) {
  SmallVector<Value> values;
  SmallVector<Attribute> resultAttributes;
  for (auto [name, value] : outputs) {
    values.push_back(value);
    resultAttributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(
        nn::names::output, builder.getStringAttr(name))));
  }
  func::ReturnOp::create(builder, function.getLoc(), values);
  function.setFunctionType(builder.getFunctionType(body->getArgumentTypes(),
                                                   ValueRange(values).getTypes()));
  function.setArgAttrsAttr(builder.getArrayAttr(argumentAttributes));
  function.setResAttrsAttr(builder.getArrayAttr(resultAttributes));
  if (recipe)
    function->setAttr(nn::names::recipe, recipe);
  warnAboutUnused();
  if (failed(verify(*module))) {
    reporter.countError();
    return {};
  }
  return std::move(module);
}
