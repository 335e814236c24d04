// Losses that a recipe can name: how each is built, with its gradient.
#include "Models.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

static RankedTensorType scalarOf(Value tensor) {
  return RankedTensorType::get({}, getElementTypeOrSelf(tensor));
}

static LogicalResult requireSamples(Location location, StringRef loss,
                                    RankedTensorType prediction) {
  if (prediction.getRank() >= 1)
    return success();
  return emitError(location) << loss << " needs a prediction for each sample, but "
                             << prediction << " has no batch dimension";
}

namespace {

struct CrossEntropy
    : LossInterface::ExternalModel<CrossEntropy, CrossEntropyAttr> {
  FailureOr<RankedTensorType> getLabelType(Attribute, Location location,
                                           RankedTensorType prediction) const {
    if (prediction.getRank() < 2)
      return emitError(location)
             << "cross-entropy needs logits [batch, ..., classes], but the "
                "output is "
             << prediction;
    return RankedTensorType::get(prediction.getShape().drop_back(),
                                 IntegerType::get(prediction.getContext(), 64));
  }

  int64_t getClasses(Attribute, RankedTensorType prediction) const {
    return prediction.getShape().back();
  }

  LossAndGradient buildLoss(Attribute, ImplicitLocOpBuilder &builder,
                            Value prediction, Value label, Value weight) const {
    auto loss = SoftmaxCrossEntropyOp::create(
        builder, scalarOf(prediction), prediction.getType(), prediction, label,
        weight);
    return {loss.getLoss(), loss.getDlogits()};
  }

  Value buildCorrect(Attribute, ImplicitLocOpBuilder &builder, Value prediction,
                     Value label, Value weight) const {
    return CountCorrectOp::create(builder, scalarOf(prediction), prediction,
                                  label, weight);
  }
};

struct MeanSquaredError
    : LossInterface::ExternalModel<MeanSquaredError, MeanSquaredErrorAttr> {
  FailureOr<RankedTensorType> getLabelType(Attribute, Location location,
                                           RankedTensorType prediction) const {
    if (failed(requireSamples(location, "mse", prediction)))
      return failure();
    return prediction;
  }

  /// loss = sum(difference * scaled), gradient = 2 scaled, where
  /// scaled = difference * weight / positions.
  LossAndGradient buildLoss(Attribute, ImplicitLocOpBuilder &builder,
                            Value prediction, Value label, Value weight) const {
    auto type = cast<RankedTensorType>(prediction.getType());
    int64_t rank = type.getRank(), positions = 1;
    for (int64_t size : type.getShape().drop_front())
      positions *= size;
    // [N] as [N, 1, ...], to be broadcast over a sample's positions.
    if (rank > 1) {
      SmallVector<int64_t> column(rank, 1);
      column[0] = type.getDimSize(0);
      weight = ReshapeOp::create(
          builder, RankedTensorType::get(column, type.getElementType()), weight);
    }
    if (positions != 1)
      weight = MulOp::create(
          builder, weight, constant(builder, prediction, 1.0 / static_cast<double>(positions)));
    Value difference = SubOp::create(builder, prediction, label);
    Value scaled = MulOp::create(builder, difference, weight);
    Value product = MulOp::create(builder, difference, scaled);
    Value loss = ReduceSumOp::create(
        builder, product, llvm::to_vector(llvm::seq<int64_t>(0, rank)));
    Value gradient =
        MulOp::create(builder, scaled, constant(builder, prediction, 2.0));
    return {loss, gradient};
  }

private:
  static Value constant(ImplicitLocOpBuilder &builder, Value like, double number) {
    RankedTensorType type = scalarOf(like);
    return ConstantOp::create(
        builder, type,
        DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), number)));
  }
};

struct BinaryCrossEntropy
    : LossInterface::ExternalModel<BinaryCrossEntropy, BinaryCrossEntropyAttr> {
  FailureOr<RankedTensorType> getLabelType(Attribute, Location location,
                                           RankedTensorType prediction) const {
    if (failed(requireSamples(location, "bce", prediction)))
      return failure();
    return prediction;
  }

  LossAndGradient buildLoss(Attribute, ImplicitLocOpBuilder &builder,
                            Value prediction, Value label, Value weight) const {
    auto loss = BinaryCrossEntropyOp::create(
        builder, scalarOf(prediction), prediction.getType(), prediction, label,
        weight);
    return {loss.getLoss(), loss.getDprobability()};
  }
};

} // namespace

void dtc::attachLosses(MLIRContext *context) {
  CrossEntropyAttr::attachInterface<CrossEntropy>(*context);
  MeanSquaredErrorAttr::attachInterface<MeanSquaredError>(*context);
  BinaryCrossEntropyAttr::attachInterface<BinaryCrossEntropy>(*context);
}
