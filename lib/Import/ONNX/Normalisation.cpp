// BatchNormalization.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/SmallString.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// As exporters write a model in inference mode; training it is our affair.
static FailureOr<Binding> importBatchNormalization(Node &node) {
  SmallVector<Value> operands{node.tensor(0), node.tensor(1), node.tensor(2)};
  double epsilon = node.floating("epsilon", 1e-5), momentum = node.floating("momentum", 0.9);
  // Before opset 14 the mode was what the number of outputs said.
  bool training = node.opset() >= 14 && node.flag("training_mode", false);
  if (node.failed())
    return failure();
  if (!(momentum >= 0 && momentum <= 1)) {
    // Here: below it is another number.
    SmallString<16> text;
    APFloat(static_cast<float>(momentum)).toString(text);
    return node.error() << "momentum " << text << " must be from 0 to 1";
  }
  if (training)
    return node.error() << "training_mode 1 is not supported: export the model in inference "
                           "mode, dtc makes its training step itself";
  for (unsigned i : {3u, 4u})
    operands.push_back(node.statistic(i));
  if (node.failed())
    return failure();
  // ONNX weighs the old value with it, PyTorch and nn the new one.
  return node.create<nn::BatchNormOp>(
      operands, {node.real("epsilon", epsilon), node.real("momentum", 1 - momentum)});
}

void dtc::onnximport::addNormalisationOperators(OperatorTable &table) {
  const char *becomes = "`nn.batch_norm`; mean and variance are initializers, kept as running "
                        "statistics; `training_mode` 0";
  table.add({{"BatchNormalization", 9, 5, 5, 1, importBatchNormalization, becomes},
             {"BatchNormalization", 14, 5, 5, 1, importBatchNormalization, becomes}});
}
