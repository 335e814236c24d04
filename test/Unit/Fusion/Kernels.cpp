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

#include <algorithm>
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
      {"math.log1p", [](Scalars x) { return std::log1p(x[0]); }},
      {"math.absf", [](Scalars x) { return std::fabs(x[0]); }},
      {"math.floor", [](Scalars x) { return std::floor(x[0]); }},
      {"math.ceil", [](Scalars x) { return std::ceil(x[0]); }},
      {"math.roundeven", [](Scalars x) { return std::nearbyint(x[0]); }},
      {"math.sin", [](Scalars x) { return std::sin(x[0]); }},
      {"math.cos", [](Scalars x) { return std::cos(x[0]); }},
      {"math.tan", [](Scalars x) { return std::tan(x[0]); }},
      {"math.asin", [](Scalars x) { return std::asin(x[0]); }},
      {"math.acos", [](Scalars x) { return std::acos(x[0]); }},
      {"math.atan", [](Scalars x) { return std::atan(x[0]); }},
      {"math.sinh", [](Scalars x) { return std::sinh(x[0]); }},
      {"math.cosh", [](Scalars x) { return std::cosh(x[0]); }},
      {"math.asinh", [](Scalars x) { return std::asinh(x[0]); }},
      {"math.acosh", [](Scalars x) { return std::acosh(x[0]); }},
      {"math.atanh", [](Scalars x) { return std::atanh(x[0]); }},
      {"math.ipowi", [](Scalars x) { return x[0] == 0 && x[1] < 0 ? 0 : std::trunc(std::pow(x[0], x[1])); }},
      {"arith.remf", [](Scalars x) { return std::fmod(x[0], x[1]); }},
      {"arith.maximumf", [](Scalars x) { return std::isnan(x[0]) || x[0] > x[1] ? x[0] : x[1]; }},
      {"arith.minimumf", [](Scalars x) { return std::isnan(x[0]) || x[0] < x[1] ? x[0] : x[1]; }},
      // Integers that a double holds.
      {"arith.addi", [](Scalars x) { return x[0] + x[1]; }},
      {"arith.subi", [](Scalars x) { return x[0] - x[1]; }},
      {"arith.muli", [](Scalars x) { return x[0] * x[1]; }},
      {"arith.divsi", [](Scalars x) { return x[1] == 0 ? 0 : std::trunc(x[0] / x[1]); }},
      {"arith.remsi", [](Scalars x) { return x[1] == 0 ? 0 : std::fmod(x[0], x[1]); }},
      {"arith.maxsi", [](Scalars x) { return std::max(x[0], x[1]); }},
      {"arith.minsi", [](Scalars x) { return std::min(x[0], x[1]); }},
      {"arith.sitofp", [](Scalars x) { return x[0]; }},
      {"arith.extsi", [](Scalars x) { return x[0]; }},
      {"arith.trunci", [](Scalars x) { return static_cast<double>(static_cast<int32_t>(static_cast<uint64_t>(static_cast<int64_t>(x[0])))); }},
  };
  return rules;
}

/// What depends on how wide a result is: a boolean is 0 or 1. Nothing for other ops.
static std::optional<double> evaluateByWidth(Operation &op, Scalars x) {
  Type type = op.getResult(0).getType();
  auto bits = [&](int i) { return static_cast<uint64_t>(static_cast<int64_t>(x[i])); };
  auto number = [&](uint64_t value) { return type.isInteger(1) ? static_cast<double>(value & 1) : static_cast<double>(static_cast<int64_t>(value)); };
  if (isa<arith::AndIOp>(op))
    return number(bits(0) & bits(1));
  if (isa<arith::OrIOp>(op))
    return number(bits(0) | bits(1));
  if (isa<arith::XOrIOp>(op))
    return number(bits(0) ^ bits(1));
  if (!isa<arith::FPToSIOp>(op))
    return std::nullopt;
  double largest = std::ldexp(1.0, static_cast<int>(type.getIntOrFloatBitWidth()) - 1);
  if (std::isnan(x[0]))
    return 0;
  return x[0] <= -largest ? -largest : x[0] >= largest ? (type.isInteger(32) ? largest - 1 : largest) : std::trunc(x[0]);
}

static FailureOr<double> compare(arith::CmpIOp op, Scalars x) {
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq: return x[0] == x[1];
  case arith::CmpIPredicate::ne: return x[0] != x[1];
  case arith::CmpIPredicate::slt: return x[0] < x[1];
  case arith::CmpIPredicate::sle: return x[0] <= x[1];
  case arith::CmpIPredicate::sgt: return x[0] > x[1];
  case arith::CmpIPredicate::sge: return x[0] >= x[1];
  default: return op.emitOpError("has a predicate that no formula uses");
  }
}

/// Ordered ones are false if an operand is NaN.
static FailureOr<double> compare(arith::CmpFOp op, Scalars x) {
  switch (op.getPredicate()) {
  case arith::CmpFPredicate::OEQ:
    return x[0] == x[1];
  case arith::CmpFPredicate::OGE:
    return x[0] >= x[1];
  case arith::CmpFPredicate::UNE:
    return x[0] != x[1];
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

static double valueOf(Attribute number) {
  if (auto integer = dyn_cast<IntegerAttr>(number))
    return integer.getType().isInteger(1) ? integer.getValue().getZExtValue() : static_cast<double>(integer.getInt());
  return cast<FloatAttr>(number).getValueAsDouble();
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
      result = valueOf(constant.getValue());
    else if (auto comparison = dyn_cast<arith::CmpFOp>(op))
      result = compare(comparison, operands);
    else if (auto comparison = dyn_cast<arith::CmpIOp>(op))
      result = compare(comparison, operands);
    else if (std::optional<double> known = evaluateByWidth(op, operands))
      result = *known;
    else if (ScalarRule rule = scalarRules().lookup(op.getName().getStringRef()))
      result = rule(operands);
    else
      op.emitOpError("is no op of a kernel");
    if (failed(result))
      return failure();
    // Integers have no -0.
    values[op.getResult(0)] = isa<IntegerType>(op.getResult(0).getType()) ? *result + 0.0 : *result;
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
      for (auto [slot, value] : llvm::zip_equal(tensor.data, elements.getValues<Attribute>()))
        slot = valueOf(value);
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
