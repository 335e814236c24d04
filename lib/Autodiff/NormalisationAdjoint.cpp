// Batch normalisation: what it is in training and in evaluation, and its adjoint.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

static Value constant(ImplicitLocOpBuilder &builder, Value like, double number) {
  Type element = getElementTypeOrSelf(like);
  auto type = RankedTensorType::get({}, element);
  return ConstantOp::create(builder, type,
                            DenseElementsAttr::get(type, FloatAttr::get(element, number)));
}

/// [size] as [1, …, size, …, 1] of x's rank, with `size` at `dim`.
static Value along(ImplicitLocOpBuilder &builder, Value vector, Value x, int64_t dim) {
  auto type = cast<RankedTensorType>(vector.getType());
  SmallVector<int64_t> shape(cast<RankedTensorType>(x.getType()).getRank(), 1);
  shape[dim] = type.getDimSize(0);
  return ReshapeOp::create(builder, RankedTensorType::get(shape, type.getElementType()), vector);
}

/// The weights of x's rows, of which a sample has several where its positions were made rows: [N] -> [N * positions].
static Value weightsOfRows(ImplicitLocOpBuilder &builder, Value sampleWeight, Value x) {
  auto type = cast<RankedTensorType>(sampleWeight.getType());
  int64_t samples = type.getDimSize(0), rows = cast<RankedTensorType>(x.getType()).getDimSize(0);
  if (rows == samples || rows % samples != 0)
    return sampleWeight;
  int64_t positions = rows / samples;
  Value weight = MulOp::create(builder, sampleWeight,
                               constant(builder, x, 1.0 / static_cast<double>(positions)));
  weight = ReshapeOp::create(builder, type.clone({samples, 1}), weight);
  weight = BroadcastOp::create(builder, type.clone({samples, positions}), weight);
  return ReshapeOp::create(builder, type.clone({rows}), weight);
}

/// centered / sqrt(variance + epsilon) * scale + bias; the statistics have x's rank.
static Value normalise(ImplicitLocOpBuilder &builder, BatchNormOp op, ValueRange operands,
                       Value centered, Value variance) {
  BatchNormOp::Adaptor of(operands, op);
  Value x = of.getX();
  Value shifted = AddOp::create(builder, variance,
                                constant(builder, x, op.getEpsilon().convertToDouble()));
  Value factor = DivOp::create(builder, along(builder, of.getScale(), x, 1),
                               SqrtOp::create(builder, shifted));
  Value scaled = MulOp::create(builder, centered, factor);
  return AddOp::create(builder, scaled, along(builder, of.getBias(), x, 1));
}

/// old + momentum (batch - old): the sums over shares stand directly behind
/// what makes their parts.
static Value move(ImplicitLocOpBuilder &builder, BatchNormOp op, Value old, Value batch) {
  Location location = builder.getLoc();
  builder.setLoc(FusedLoc::get(builder.getContext(), {old.getLoc()},
                               builder.getStringAttr("update")));
  Value moved = RunningAverageUpdateOp::create(builder, old, batch, op.getMomentumAttr());
  builder.setLoc(location);
  return moved;
}

namespace {
struct BatchNormState : StatefulOpInterface::ExternalModel<BatchNormState, BatchNormOp> {
  SmallVector<unsigned> getStateOperands(Operation *) const { return {3, 4}; }

  LogicalResult checkTraining(Operation *op) const {
    RankedTensorType x = cast<BatchNormOp>(op).getX().getType();
    if (x.getNumElements() != x.getDimSize(1))
      return success();
    return emitError(op->getLoc())
           << "batch normalisation needs more than one value a channel to train on: in a batch of 1 a "
              "channel of "
           << x << " has one; use a larger batch";
  }

  TrainedOp buildTraining(Operation *op, ImplicitLocOpBuilder &builder, ValueRange operands,
                          Value sampleWeight, BatchStatistics statistics) const {
    auto norm = cast<BatchNormOp>(op);
    BatchNormOp::Adaptor of(operands, norm);
    Value weight = weightsOfRows(builder, sampleWeight, of.getX());
    auto [y, mean, variance] = statistics == BatchStatistics::Share
                                   ? ofShare(norm, builder, operands, weight)
                                   : ofWhole(norm, builder, operands, weight);
    return {{y},
            {move(builder, norm, of.getRunningMean(), mean),
             move(builder, norm, of.getRunningVariance(), variance)}};
  }

  SmallVector<Value> buildEvaluation(Operation *op, ImplicitLocOpBuilder &builder,
                                     ValueRange operands) const {
    auto norm = cast<BatchNormOp>(op);
    BatchNormOp::Adaptor of(operands, norm);
    Value x = of.getX();
    Value centered = SubOp::create(builder, x, along(builder, of.getRunningMean(), x, 1));
    return {normalise(builder, norm, operands, centered,
                      along(builder, of.getRunningVariance(), x, 1))};
  }

private:
  /// y, and what the running mean and variance are moved towards.
  struct Normalised {
    Value y, mean, variance;
  };

  static Normalised ofShare(BatchNormOp op, ImplicitLocOpBuilder &builder, ValueRange operands,
                            Value sampleWeight) {
    BatchNormOp::Adaptor of(operands, op);
    auto training = BatchNormTrainingOp::create(builder, of.getX(), of.getScale(), of.getBias(),
                                                sampleWeight, of.getRunningMean(),
                                                of.getRunningVariance(), op.getEpsilon(),
                                                /*epilogue=*/EpilogueAttr(), /*epilogueOperand=*/Value(),
                                                op.getBiasedVariance());
    return {training.getY(), training.getMeanPart(), training.getVariancePart()};
  }

  /// By sums of which each term has a sample's weight: ranks add them up, and
  /// padding, whose weight is 0, counts nothing.
  static Normalised ofWhole(BatchNormOp op, ImplicitLocOpBuilder &builder, ValueRange operands,
                            Value sampleWeight) {
    BatchNormOp::Adaptor of(operands, op);
    Value x = of.getX();
    auto type = cast<RankedTensorType>(x.getType());
    SmallVector<int64_t> axes{0};
    int64_t positions = 1;
    for (int64_t d = 2; d < type.getRank(); ++d) {
      axes.push_back(d);
      positions *= type.getDimSize(d);
    }
    Value share = constant(builder, x, 1.0 / static_cast<double>(positions));
    Value weight = MulOp::create(builder, along(builder, sampleWeight, x, 0), share);
    auto meanOf = [&](Value values) -> Value {
      return ReduceSumOp::create(builder, MulOp::create(builder, values, weight), axes,
                                 /*keep_dims=*/true);
    };
    Value mean = meanOf(x);
    Value centered = SubOp::create(builder, x, mean);
    Value variance = meanOf(MulOp::create(builder, centered, centered));
    // n values of weight 1/n each: their squares sum to 1/n, and n / (n - 1) is
    // 1 / (1 - 1/n).
    Value squares = MulOp::create(builder, sampleWeight, sampleWeight);
    Value reciprocal = MulOp::create(
        builder, ReduceSumOp::create(builder, squares, ArrayRef<int64_t>{0}), share);
    Value rest = SubOp::create(builder, constant(builder, x, 1), reciprocal);
    auto ofChannels = [&](Value statistic) -> Value {
      return ReshapeOp::create(builder, of.getScale().getType(), statistic);
    };
    // A single value says nothing of a variance: the running statistics stay where they are.
    auto orStays = [&](Value statistic, Value running) -> Value {
      return WherePositiveOp::create(builder, rest, statistic, running);
    };
    return {normalise(builder, op, operands, centered, variance),
            orStays(ofChannels(mean), of.getRunningMean()),
            orStays(op.getBiasedVariance() ? ofChannels(variance) : DivOp::create(builder, ofChannels(variance), rest),
                    of.getRunningVariance())};
  }
};

struct BatchNormAdjoint
    : DifferentiableOpInterface::ExternalModel<BatchNormAdjoint, BatchNormTrainingOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
                                             ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto norm = cast<BatchNormTrainingOp>(op);
    if (llvm::any_of(resultGradients.drop_front(), [](Value gradient) { return gradient; }))
      return op->emitOpError("has no gradient with respect to its statistics: they only move "
                             "the running ones");
    SmallVector<Value> gradients(op->getNumOperands());
    if (!needed[0] && !needed[1] && !needed[2])
      return gradients;
    auto gradient = BatchNormGradientOp::create(
        builder,
        TypeRange{norm.getX().getType(), norm.getScale().getType(), norm.getBias().getType()},
        resultGradients[0], norm.getX(), norm.getScale(), norm.getSampleWeight(), norm.getMean(),
        norm.getInverse(), /*bias=*/Value());
    gradients[0] = gradient.getDx();
    gradients[1] = gradient.getDscale();
    gradients[2] = gradient.getDbias();
    return gradients;
  }
};
} // namespace

void dtc::registerNormalisationAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    BatchNormOp::attachInterface<BatchNormState>(*context);
    BatchNormTrainingOp::attachInterface<BatchNormAdjoint>(*context);
  });
}
