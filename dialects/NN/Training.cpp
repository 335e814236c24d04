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
  if (auto weight = getClassWeight();
      weight && weight.getType().getShape() != getLogits().getType().getShape().take_back())
    return emitOpError("class weights ") << weight.getType() << " are not one for each class of " << getLogits().getType();
  double smoothing = getLabelSmoothing().convertToDouble();
  if (!(smoothing >= 0 && smoothing <= 1))
    return emitOpError("label_smoothing must be in [0, 1], not ") << smoothing;
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

LogicalResult UpdateOp::verify() {
  RankedTensorType type = getParameter().getType();
  if (getGradient().getType() != type || getNewParameter().getType() != type)
    return emitOpError("parameter ") << type << ", gradient " << getGradient().getType() << " and new parameter "
                                     << getNewParameter().getType() << " differ";
  auto wanted = getOptimizer().getStates();
  if (getStates().size() != wanted.size() || getNewStates().size() != wanted.size())
    return emitOpError("has ") << getStates().size() << " states and " << getNewStates().size() << " new ones; "
                               << getOptimizer() << " has " << wanted.size();
  for (auto [state, before, after] : llvm::zip_equal(wanted, getStates().getTypes(), getNewStates().getTypes())) {
    Type needed = state->isScalar ? RankedTensorType::get({}, type.getElementType()) : type;
    if (before != needed || after != needed)
      return emitOpError("state ") << state->name << " must be " << needed << ", not " << before << " and then " << after;
  }
  return success();
}
