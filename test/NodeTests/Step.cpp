// Makes the step of a model that is not trained.
#include "Step.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace dtc;
namespace names = dtc::nn::names;

namespace {

/// Arguments and results that come one by one.
class StepBuilder {
public:
  explicit StepBuilder(func::FuncOp model)
      : function(func::FuncOp::create(model.getLoc(), "train", FunctionType::get(model.getContext(), {}, {}))), block(function.addEntryBlock()),
        builder(model.getLoc(), OpBuilder::atBlockEnd(block)) {}

  Value addArgument(Type type, ArrayRef<NamedAttribute> attributes) {
    argumentAttributes.push_back(builder.getDictionaryAttr(attributes));
    return block->addArgument(type, builder.getLoc());
  }
  Value addState(Type type, StringRef name) {
    return addArgument(type, {builder.getNamedAttr(names::state, builder.getStringAttr(name)),
                              builder.getNamedAttr(names::init, nn::ConstantInitAttr::get(builder.getContext(), nn::Real(0)))});
  }
  void addResult(Value value, StringRef role, Attribute attribute) {
    results.push_back(value);
    resultAttributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(role, attribute)));
  }
  func::FuncOp finish() {
    builder.setLoc(function.getLoc());
    func::ReturnOp::create(builder, results);
    function.setFunctionType(builder.getFunctionType(block->getArgumentTypes(), ValueRange(results).getTypes()));
    function.setAllArgAttrs(argumentAttributes);
    function.setAllResultAttrs(resultAttributes);
    return function;
  }

  func::FuncOp function;
  Block *block;
  ImplicitLocOpBuilder builder;

private:
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  SmallVector<Value> results;
};

/// As dtc-mask-padding leaves it where no samples are: the sum over the number of elements.
Value buildMean(StepBuilder &step, nn::ReduceMeanOp mean, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  double elements = 1;
  for (int64_t axis : mean.getAxes())
    elements *= static_cast<double>(type.getDimSize(axis));
  auto scalar = RankedTensorType::get({}, type.getElementType());
  Value factor = nn::ConstantOp::create(step.builder, scalar, DenseElementsAttr::get(scalar, static_cast<float>(1 / elements)));
  return nn::MulOp::create(step.builder, nn::ReduceSumOp::create(step.builder, x, mean.getAxes(), mean.getKeepDims()), factor);
}

/// The op, or what it is in an evaluation.
void copyOp(StepBuilder &step, Operation &op, IRMapping &mapping) {
  SmallVector<Value> operands = llvm::map_to_vector(op.getOperands(), [&](Value operand) { return mapping.lookup(operand); });
  step.builder.setLoc(op.getLoc());
  SmallVector<Value> results;
  if (auto stateful = dyn_cast<StatefulOpInterface>(op))
    results = stateful.buildEvaluation(step.builder, operands);
  else if (auto mean = dyn_cast<nn::ReduceMeanOp>(op))
    results = {buildMean(step, mean, operands[0])};
  else if (auto random = dyn_cast<RandomOpInterface>(op))
    results = random.buildEvaluation(step.builder, operands);
  else
    return void(step.builder.clone(op, mapping));
  for (auto [result, value] : llvm::zip_equal(op.getResults(), results))
    mapping.map(result, value);
}

} // namespace

LogicalResult dtc::test::makeStep(ModuleOp module) {
  func::FuncOp model = *module.getOps<func::FuncOp>().begin();
  for (auto random : model.getOps<nn::RandomUniformOp>())
    return random.emitError("draws random numbers");
  StepBuilder step(model);
  IRMapping mapping;
  Builder &attributes = step.builder;
  Value weight = step.addArgument(RankedTensorType::get({1}, attributes.getF32Type()), attributes.getNamedAttr(names::sampleWeight, attributes.getUnitAttr()));
  size_t inputs = 0;
  for (BlockArgument argument : model.getArguments()) {
    NamedAttrList own(model.getArgAttrDict(argument.getArgNumber()));
    Value copy;
    if (own.get(names::input)) {
      std::string name = inputName(inputs++);
      copy = step.addState(argument.getType(), name);
      step.addResult(copy, names::state, attributes.getStringAttr(name));
    } else {
      StringRef role = own.get(names::parameter) ? StringRef(names::parameter) : StringRef(names::state);
      if (role == names::parameter)
        own.set(names::frozen, attributes.getUnitAttr());
      copy = step.addArgument(argument.getType(), own.getAttrs());
      step.addResult(copy, role, own.get(role));
    }
    mapping.map(argument, copy);
  }
  for (Operation &op : model.getBody().front().without_terminator())
    copyOp(step, op, mapping);
  for (auto [number, value] : llvm::enumerate(model.getBody().front().getTerminator()->getOperands())) {
    step.addState(value.getType(), outputName(number));
    Value result = mapping.lookup(value);
    // What is known at compile time is no result of a step: it is computed, though by next to nothing.
    if (result.getDefiningOp<nn::ConstantOp>())
      result = nn::ReshapeOp::create(step.builder, result.getType(), result);
    step.addResult(result, names::state, attributes.getStringAttr(outputName(number)));
  }
  step.addResult(nn::ReduceSumOp::create(step.builder, weight, ArrayRef<int64_t>{0}), names::loss, attributes.getUnitAttr());

  func::FuncOp function = step.finish();
  function->setAttr(names::model, model->getAttr(names::model));
  function->setAttr(names::phase, attributes.getStringAttr("train"));
  function->setAttr(names::recipe, parseAttribute("#nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 1>", module.getContext()));
  model.erase();
  module.push_back(function);
  return success();
}
