// Walks a function and applies each op's rule.
#include "test/Reference/Rules.h"

#include "llvm/ADT/DenseMap.h"

#include <numeric>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

Tensor reference::zeros(ArrayRef<int64_t> shape) {
  int64_t elements = std::accumulate(shape.begin(), shape.end(), int64_t{1},
                                     std::multiplies<int64_t>());
  return {SmallVector<int64_t>(shape), std::vector<double>(elements, 0.0)};
}

void reference::forEachIndex(
    ArrayRef<int64_t> shape,
    llvm::function_ref<void(ArrayRef<int64_t>, int64_t)> body) {
  SmallVector<int64_t> index(shape.size(), 0);
  if (llvm::is_contained(shape, 0))
    return;
  for (int64_t flat = 0;; ++flat) {
    body(index, flat);
    int64_t d = static_cast<int64_t>(shape.size()) - 1;
    while (d >= 0 && ++index[d] == shape[d])
      index[d--] = 0;
    if (d < 0)
      return;
  }
}

int64_t reference::flatten(ArrayRef<int64_t> index, ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> own = index.take_back(shape.size());
  int64_t flat = 0;
  for (auto [i, size] : llvm::zip_equal(own, shape))
    flat = flat * size + (size == 1 ? 0 : i);
  return flat;
}

static const Rules &allRules() {
  static const Rules rules = [] {
    Rules all;
    addElementwiseRules(all);
    addConvolutionRules(all);
    addMatmulRules(all);
    addPoolingRules(all);
    addNormalisationRules(all);
    addSampleNormalisationRules(all);
    addRandomRules(all);
    addAttentionRules(all);
    addRecurrentRules(all);
    addShapeRules(all);
    addSoftmaxRules(all);
    addGatherRules(all);
    addLossRules(all);
    addOptimizerRules(all);
    return all;
  }();
  return rules;
}

bool reference::canEvaluate(StringRef operationName) {
  return allRules().contains(operationName);
}

FailureOr<SmallVector<Tensor>> reference::evaluate(func::FuncOp function,
                                                   ArrayRef<Tensor> arguments) {
  if (arguments.size() != function.getNumArguments())
    return function.emitError()
           << "takes " << function.getNumArguments() << " arguments, not "
           << arguments.size();
  llvm::DenseMap<Value, Tensor> values;
  for (auto [argument, tensor] :
       llvm::zip_equal(function.getArguments(), arguments)) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || type.getShape() != ArrayRef(tensor.shape) ||
        static_cast<int64_t>(tensor.data.size()) != type.getNumElements())
      return function.emitError()
             << "argument " << argument.getArgNumber() << " is "
             << argument.getType() << " but was given shape "
             << nn::formatShape(tensor.shape) << " with " << tensor.data.size()
             << " elements";
    values[argument] = tensor;
  }
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto rule = allRules().find(op.getName().getStringRef());
    if (rule == allRules().end())
      return op.emitError("the reference has no rule for this op");
    SmallVector<Tensor> results;
    for (Type type : op.getResultTypes())
      results.push_back(zeros(cast<RankedTensorType>(type).getShape()));
    SmallVector<const Tensor *> operands;
    for (Value operand : op.getOperands())
      operands.push_back(&values.find(operand)->second);
    if (failed(rule->second(&op, operands, results)))
      return failure();
    for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results)) {
      if (isa<IntegerType>(getElementTypeOrSelf(value.getType())))
        for (double &element : tensor.data)
          element += 0.0; // integers have no -0
      values[value] = std::move(tensor);
    }
  }
  SmallVector<Tensor> results;
  for (Value operand : function.getBody().front().getTerminator()->getOperands())
    results.push_back(values.find(operand)->second);
  return results;
}
