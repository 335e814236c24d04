// The nn dialect's registration and the checks on its attributes' places.
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace dtc::nn;

#include "dialects/NN/NNDialect.cpp.inc"

void NNDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/NN/NNOps.cpp.inc"
      >();
}

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location location) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, location, type, elements);
}

LogicalResult NNDialect::verifyOperationAttribute(Operation *op,
                                                  NamedAttribute attribute) {
  StringRef name = attribute.getName();
  if (name == names::recipe) {
    if (!isa<RecipeAttr>(attribute.getValue()))
      return op->emitError() << "'" << name << "' must be a #nn.recipe";
    return success();
  }
  if (name == names::model || name == names::phase || name == names::precision ||
      name == names::wholeBatches) {
    if (!isa<StringAttr>(attribute.getValue()))
      return op->emitError() << "'" << name << "' must be a string";
    return success();
  }
  return op->emitError() << "unknown attribute '" << name
                         << "' of the nn dialect on an operation";
}

static LogicalResult verifyPlaceAttribute(Operation *op, Type type,
                                          NamedAttribute attribute,
                                          ArrayRef<StringRef> named,
                                          ArrayRef<StringRef> flags,
                                          StringRef place) {
  StringRef name = attribute.getName();
  if (!isa<RankedTensorType>(type))
    return op->emitError() << "'" << name << "' on a " << place
                           << " that is no ranked tensor but " << type;
  if (llvm::is_contained(named, name)) {
    auto text = dyn_cast<StringAttr>(attribute.getValue());
    if (!text || text.getValue().empty())
      return op->emitError() << "'" << name << "' must be a non-empty string";
    return success();
  }
  if (llvm::is_contained(flags, name)) {
    if (!isa<UnitAttr>(attribute.getValue()))
      return op->emitError() << "'" << name << "' takes no value";
    return success();
  }
  return op->emitError() << "unknown attribute '" << name
                         << "' of the nn dialect on a " << place;
}

LogicalResult NNDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                  unsigned argument,
                                                  NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  Type type = function.getArgumentTypes()[argument];
  if (attribute.getName() == names::init) {
    Attribute value = attribute.getValue();
    if (isa<UniformAttr, NormalAttr, ConstantInitAttr>(value))
      return success();
    auto elements = dyn_cast<ElementsAttr>(value);
    if (!elements)
      return op->emitError()
             << "'nn.init' must be #nn.uniform, #nn.normal, #nn.constant or "
                "the elements themselves";
    // A rank that holds a part of a parameter (dist.shares) takes it from the elements of the whole.
    bool isPart = function.getArgAttr(argument, "dist.shares") != nullptr;
    if (!isPart && elements.getType() != type)
      return op->emitError() << "'nn.init' has type " << elements.getType()
                             << " but its argument has type " << type;
    return success();
  }
  if (attribute.getName() == names::classes) {
    auto classes = dyn_cast<IntegerAttr>(attribute.getValue());
    if (!classes || classes.getInt() < 1)
      return op->emitError() << "'nn.classes' must be a positive integer";
    return success();
  }
  if (attribute.getName() == names::rateScale) {
    auto scale = dyn_cast<FloatAttr>(attribute.getValue());
    if (!scale || !scale.getType().isF64())
      return op->emitError() << "'" << names::rateScale << "' must be an f64 number";
    return success();
  }
  return verifyPlaceAttribute(
      op, type, attribute,
      {names::input, names::parameter, names::state, names::constantUse},
      {names::label, names::sampleWeight, names::lossWeight, names::sampleIndex, names::step, names::learningRate, names::statistic,
       names::frozen, names::noDecay},
      "function argument");
}

LogicalResult NNDialect::verifyRegionResultAttribute(Operation *op, unsigned,
                                                     unsigned result,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  if (attribute.getName() == names::ownLoss) {
    if (!isa<CrossEntropyAttr>(attribute.getValue()))
      return op->emitError() << "'" << names::ownLoss << "' must be a loss";
    return success();
  }
  return verifyPlaceAttribute(op, function.getResultTypes()[result], attribute,
                              {names::output, names::parameter, names::state, names::label},
                              {names::loss, names::correct}, "function result");
}
