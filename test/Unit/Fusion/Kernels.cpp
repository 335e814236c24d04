// An interpreter of fused kernels: scalar ops as a table, one element at a time.
#include "Kernels.h"

#include "dialects/NN/NN.h"
#include "dtc/Fusion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using reference::Tensor;

std::unique_ptr<MLIRContext> test::makeContext() {
  DialectRegistry registry;
  registry.insert<nn::NNDialect, func::FuncDialect>();
  registerFusionExternalModels(registry);
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

OwningOpRef<ModuleOp> test::parse(MLIRContext &context, StringRef text) {
  return parseSourceString<ModuleOp>(text, &context);
}

func::FuncOp test::getFunction(ModuleOp module) {
  return module.lookupSymbol<func::FuncOp>("f");
}

LogicalResult test::fuse(ModuleOp module) {
  PassManager manager(module.getContext());
  buildFusionPipeline(manager);
  return manager.run(module);
}

using Scalars = ArrayRef<double>;
using ScalarRule = double (*)(Scalars);

static const llvm::StringMap<ScalarRule> &scalarRules() {
  static const llvm::StringMap<ScalarRule> rules = {
      {"arith.addf", [](Scalars x) { return x[0] + x[1]; }},
      {"arith.subf", [](Scalars x) { return x[0] - x[1]; }},
      {"arith.mulf", [](Scalars x) { return x[0] * x[1]; }},
      {"arith.divf", [](Scalars x) { return x[0] / x[1]; }},
      {"arith.negf", [](Scalars x) { return -x[0]; }},
      {"arith.select", [](Scalars x) { return x[0] != 0 ? x[1] : x[2]; }},
      {"math.exp", [](Scalars x) { return std::exp(x[0]); }},
      {"math.expm1", [](Scalars x) { return std::expm1(x[0]); }},
      {"math.log", [](Scalars x) { return std::log(x[0]); }},
      {"math.sqrt", [](Scalars x) { return std::sqrt(x[0]); }},
      {"math.erf", [](Scalars x) { return std::erf(x[0]); }},
      {"math.tanh", [](Scalars x) { return std::tanh(x[0]); }},
      {"math.powf", [](Scalars x) { return std::pow(x[0], x[1]); }},
  };
  return rules;
}

/// All comparisons are ordered: false if an operand is NaN.
static FailureOr<double> compare(arith::CmpFOp op, Scalars x) {
  switch (op.getPredicate()) {
  case arith::CmpFPredicate::OGT:
    return x[0] > x[1];
  case arith::CmpFPredicate::OLT:
    return x[0] < x[1];
  case arith::CmpFPredicate::OLE:
    return x[0] <= x[1];
  default:
    return op.emitOpError("has a predicate that no formula uses");
  }
}

static FailureOr<double> evaluateBody(Block &body, Scalars inputs) {
  llvm::DenseMap<Value, double> values;
  for (auto [argument, value] : llvm::zip(body.getArguments(), inputs))
    values[argument] = value;
  for (Operation &op : body.without_terminator()) {
    SmallVector<double> operands;
    for (Value operand : op.getOperands()) {
      auto known = values.find(operand);
      if (known == values.end())
        return op.emitOpError("reads a value from outside of its kernel");
      operands.push_back(known->second);
    }
    FailureOr<double> result = failure();
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      result = cast<FloatAttr>(constant.getValue()).getValueAsDouble();
    else if (auto comparison = dyn_cast<arith::CmpFOp>(op))
      result = compare(comparison, operands);
    else if (ScalarRule rule = scalarRules().lookup(op.getName().getStringRef()))
      result = rule(operands);
    else
      op.emitOpError("is no op of a kernel");
    if (failed(result))
      return failure();
    values[op.getResult(0)] = *result;
  }
  return values.at(body.getTerminator()->getOperand(0));
}

/// The row-major number of `position` in a tensor of `shape`.
static int64_t flatten(ArrayRef<int64_t> position, ArrayRef<int64_t> shape) {
  int64_t flat = 0;
  for (auto [i, size] : llvm::zip_equal(position, shape)) {
    if (i < 0 || i >= size)
      llvm::report_fatal_error("a kernel reads an element outside of its tensor");
    flat = flat * size + i;
  }
  return flat;
}

static LogicalResult evaluateGeneric(linalg::GenericOp generic,
                                     llvm::DenseMap<Value, Tensor> &values) {
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  auto type = cast<RankedTensorType>(generic.getResult(0).getType());
  if (generic.getNumResults() != 1 || !maps.back().isIdentity() ||
      generic.getNumParallelLoops() != type.getRank())
    return generic.emitOpError("is no elementwise kernel with one result");
  Tensor result = reference::zeros(type.getShape());
  SmallVector<int64_t> index(type.getRank());
  for (int64_t flat = 0; flat < type.getNumElements(); ++flat) {
    int64_t rest = flat;
    for (int64_t d = type.getRank() - 1; d >= 0; --d) {
      index[d] = rest % type.getDimSize(d);
      rest /= type.getDimSize(d);
    }
    SmallVector<double> scalars;
    for (auto [input, map] : llvm::zip(generic.getInputs(), maps)) {
      const Tensor &tensor = values.at(input);
      scalars.push_back(tensor.data[flatten(map.compose(index), tensor.shape)]);
    }
    FailureOr<double> element = evaluateBody(*generic.getBody(), scalars);
    if (failed(element))
      return failure();
    result.data[flat] = *element;
  }
  values[generic.getResult(0)] = std::move(result);
  return success();
}

FailureOr<SmallVector<Tensor>>
test::evaluateKernels(func::FuncOp function, ArrayRef<Tensor> arguments) {
  llvm::DenseMap<Value, Tensor> values;
  for (auto [argument, tensor] :
       llvm::zip_equal(function.getArguments(), arguments))
    values[argument] = tensor;
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator()) {
    if (isa<tensor::EmptyOp>(op))
      continue;
    if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
      auto elements = cast<DenseElementsAttr>(constant.getValue());
      Tensor tensor = reference::zeros(elements.getType().getShape());
      for (auto [slot, value] :
           llvm::zip_equal(tensor.data, elements.getValues<APFloat>()))
        slot = value.convertToDouble();
      values[constant] = std::move(tensor);
    } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (failed(evaluateGeneric(generic, values)))
        return failure();
    } else {
      return op.emitOpError("is left between the kernels");
    }
  }
  SmallVector<Tensor> results;
  for (Value operand : body.getTerminator()->getOperands())
    results.push_back(values.at(operand));
  return results;
}
