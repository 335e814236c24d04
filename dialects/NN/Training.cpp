// Losses, metrics and optimizer updates: checks.
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc::nn;

static LogicalResult verifySampleWeight(Operation *op, RankedTensorType output,
                                        RankedTensorType weight) {
  if (output.getRank() < 1 ||
      weight.getShape() != output.getShape().take_front(1))
    return op->emitOpError("sample weights ")
           << weight << " are not one for each sample of " << output;
  return success();
}

/// Labels of logits [N, ..., classes] are class ids [N, ...].
static LogicalResult verifyClassification(Operation *op, RankedTensorType logits,
                                          RankedTensorType label,
                                          RankedTensorType weight) {
  if (logits.getRank() < 2)
    return op->emitOpError("logits ")
           << logits << " need a batch and a class dimension";
  if (label.getShape() != logits.getShape().drop_back())
    return op->emitOpError("labels ")
           << label << " do not fit logits " << logits
           << ": one class id for each row of the last dimension";
  return verifySampleWeight(op, logits, weight);
}

LogicalResult SoftmaxCrossEntropyOp::verify() {
  if (getDlogits().getType() != getLogits().getType())
    return emitOpError("dlogits ") << getDlogits().getType() << " and logits "
                                   << getLogits().getType() << " differ";
  return verifyClassification(*this, getLogits().getType(), getLabel().getType(),
                              getSampleWeight().getType());
}

LogicalResult CountCorrectOp::verify() {
  return verifyClassification(*this, getLogits().getType(), getLabel().getType(),
                              getSampleWeight().getType());
}

LogicalResult BinaryCrossEntropyOp::verify() {
  auto probability = getProbability().getType();
  if (getLabel().getType() != probability ||
      getDprobability().getType() != probability)
    return emitOpError("probabilities ")
           << probability << ", labels " << getLabel().getType()
           << " and gradient " << getDprobability().getType() << " differ";
  return verifySampleWeight(*this, probability, getSampleWeight().getType());
}

LogicalResult BinaryCrossEntropyWithLogitsOp::verify() {
  RankedTensorType logits = getLogits().getType(), label = getLabel().getType();
  if (getDlogits().getType() != logits)
    return emitOpError("dlogits ") << getDlogits().getType() << " and logits " << logits
                                   << " differ";
  if (label.getShape() != logits.getShape())
    return emitOpError("labels ") << label << " and logits " << logits << " differ in shape";
  return verifySampleWeight(*this, logits, getSampleWeight().getType());
}

LogicalResult SGDUpdateOp::verify() {
  Type type = getParameter().getType();
  if (getGradient().getType() != type || getNewParameter().getType() != type)
    return emitOpError("parameter ") << type << " and gradient "
                                     << getGradient().getType() << " differ";
  bool needed = getOptimizer().getMomentum() != 0;
  if (needed != static_cast<bool>(getMomentumBuffer()) ||
      needed != static_cast<bool>(getNewMomentumBuffer()))
    return emitOpError("a momentum buffer is needed with momentum, and only then");
  if (needed && (getMomentumBuffer().getType() != type ||
                 getNewMomentumBuffer().getType() != type))
    return emitOpError("momentum buffer and parameter ") << type << " differ";
  return success();
}
