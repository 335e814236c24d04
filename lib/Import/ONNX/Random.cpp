// Dropout.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// The one number of an optional operand that is known at compile time, or `otherwise`. Numbers, booleans and integers alike.
static double numberOf(Node &node, unsigned operand, StringRef what, double otherwise) {
  if (!node.hasInput(operand))
    return otherwise;
  const Binding *binding = node.input(operand);
  if (!binding)
    return otherwise;
  if (binding->integers && binding->integers->values.size() == 1)
    return static_cast<double>(binding->integers->values.front());
  DenseElementsAttr elements;
  if (binding->value && matchPattern(binding->value, m_Constant(&elements)) && elements.getNumElements() == 1) {
    if (isa<FloatType>(elements.getElementType()))
      return (*elements.value_begin<APFloat>()).convertToDouble();
    if (elements.getElementType().isInteger(1))
      return *elements.value_begin<bool>();
    if (isa<IntegerType>(elements.getElementType()))
      return static_cast<double>((*elements.value_begin<APInt>()).getSExtValue());
  }
  node.error() << what << " must be one number that is known at compile time";
  return otherwise;
}

/// Since opset 12 it drops only where `training_mode` says so: what was exported for inference has it as the identity.
static FailureOr<Binding> importDropout(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  double ratio = numberOf(node, 1, "ratio", 0.5), training = numberOf(node, 2, "training_mode", 0);
  // The order of the draws, which is ours.
  if (node.hasAttribute("seed"))
    node.integer("seed", 0);
  if (node.failed())
    return failure();
  if (node.usesOutput(1))
    return node.error() << "the output mask is not supported: dtc keeps no mask, training draws it again where it is needed";
  if (training == 0)
    return Binding(x);
  if (!(ratio >= 0 && ratio < 1))
    return node.error() << "ratio " << ratio << " must be at least 0 and less than 1";
  return node.create<nn::DropoutOp>(x, node.real("ratio", ratio));
}

void dtc::onnximport::addRandomOperators(OperatorTable &table) {
  const char *becomes = "`nn.dropout` where `training_mode` is true, else its operand; ratio and `training_mode` known at compile "
                        "time; the output mask is refused if it is used";
  table.add({{"Dropout", 13, 1, 3, 2, importDropout, becomes}, {"Dropout", 22, 1, 3, 2, importDropout, becomes}});
}
