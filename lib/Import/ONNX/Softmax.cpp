// Softmax and LogSoftmax.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

template <typename Op> static FailureOr<Binding> importAlongAxis(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", -1);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(x).size());
  if (node.failed())
    return failure();
  return node.create<Op>(x, node.number("axis", axis));
}

void dtc::onnximport::addSoftmaxOperators(OperatorTable &table) {
  table.add(
      {{"Softmax", 13, 1, 1, 1, importAlongAxis<nn::SoftmaxOp>, "`nn.softmax`"},
       {"LogSoftmax", 13, 1, 1, 1, importAlongAxis<nn::LogSoftmaxOp>,
        "`nn.log_softmax`"}});
}
