// Losses that a recipe can name: how each is built, with its gradient.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
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

static Value constant(ImplicitLocOpBuilder &builder, Value like, double number) {
  RankedTensorType type = scalarOf(like);
  return ConstantOp::create(
      builder, type,
      DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), number)));
}

/// The samples' weights [N] as [N, 1, ...], to be broadcast over the positions of a tensor of `type`.
static Value spreadWeight(ImplicitLocOpBuilder &builder, RankedTensorType type, Value weight) {
  if (type.getRank() == 1)
    return weight;
  SmallVector<int64_t> column(type.getRank(), 1);
  column[0] = type.getDimSize(0);
  return ReshapeOp::create(
      builder, RankedTensorType::get(column, getElementTypeOrSelf(weight)), weight);
}

/// `value` divided by the number of positions of a sample of `type`.
static Value overPositions(ImplicitLocOpBuilder &builder, RankedTensorType type, Value value) {
  int64_t positions = 1;
  for (int64_t size : type.getShape().drop_front())
    positions *= size;
  if (positions == 1)
    return value;
  return MulOp::create(builder, value,
                       constant(builder, value, 1.0 / static_cast<double>(positions)));
}

/// The op behind `prediction`, past what neither moves nor changes the last dimension's elements.
static Operation *activationOf(Value prediction) {
  while (auto reshape = prediction.getDefiningOp<ReshapeOp>()) {
    if (reshape.getX().getType().getShape().back() != reshape.getType().getShape().back())
      break;
    prediction = reshape.getX();
  }
  return prediction.getDefiningOp();
}

/// `op` ended the model in a sigmoid or a softmax, and the loss begins with `own`.
static void remarkOnActivation(Operation *op, StringRef loss, StringRef own, StringAttr output) {
  auto softmax = dyn_cast_or_null<SoftmaxOp>(op);
  // Along another dimension it is part of the model.
  bool isSoftmax = softmax && static_cast<int64_t>(softmax.getAxis()) + 1 == softmax.getX().getType().getRank();
  if (isSoftmax || isa_and_nonnull<SigmoidOp>(op))
    emitWarning(op->getLoc()) << loss << " takes logits and applies " << own << " itself, but output "
                              << output << " comes out of a " << (isSoftmax ? "softmax" : "sigmoid")
                              << ": leave that out of the model";
}

/// The part of a sample's positions where the prediction is on the label's side of its threshold, weighted.
static Value buildBinaryCorrect(ImplicitLocOpBuilder &builder, Value prediction, double threshold,
                                Value label, Value weight) {
  auto aboveThreshold = [&](Value value, double number) -> Value {
    if (number == 0)
      return value;
    return SubOp::create(builder, value, constant(builder, value, number));
  };
  Value one = constant(builder, label, 1), zero = constant(builder, label, 0);
  Value isPositive = aboveThreshold(label, 0.5);
  auto type = cast<RankedTensorType>(label.getType());
  Value whenPositive = WherePositiveOp::create(builder, isPositive, one, zero);
  Value whenNegative = WherePositiveOp::create(builder, isPositive, zero, one);
  Value correct = WherePositiveOp::create(builder, aboveThreshold(prediction, threshold),
                                          whenPositive, whenNegative);
  // Divided last: in an evaluation weights are 1, and the sum is a whole number.
  Value weighted = MulOp::create(builder, correct, spreadWeight(builder, type, weight));
  Value sum = ReduceSumOp::create(builder, weighted,
                                  llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
  return overPositions(builder, type, sum);
}

namespace {

struct CrossEntropy
    : LossInterface::ExternalModel<CrossEntropy, CrossEntropyAttr> {
  static CrossEntropyAttr of(Attribute attribute) { return cast<CrossEntropyAttr>(attribute); }

  /// The dimension of the classes, counted from the front.
  static int64_t classAxis(Attribute attribute, RankedTensorType prediction) {
    int64_t axis = of(attribute).getClassAxis();
    return axis < 0 ? axis + prediction.getRank() : axis;
  }

  FailureOr<RankedTensorType> getLabelType(Attribute attribute, Location location,
                                           RankedTensorType prediction) const {
    if (prediction.getRank() < 2)
      return emitError(location)
             << "cross-entropy needs logits [batch, ..., classes], but the "
                "output is "
             << prediction;
    int64_t axis = classAxis(attribute, prediction);
    if (axis < 1 || axis >= prediction.getRank())
      return emitError(location) << "cross-entropy with the classes along dimension " << of(attribute).getClassAxis()
                                 << " needs logits that have it behind the batch, but the output is " << prediction;
    auto weights = static_cast<int64_t>(of(attribute).getClassWeights().size());
    if (weights != 0 && weights != prediction.getDimSize(axis))
      return emitError(location) << "cross-entropy has " << weights << " class weights, but the output " << prediction << " has "
                                 << prediction.getDimSize(axis) << " classes";
    SmallVector<int64_t> shape(prediction.getShape());
    shape.erase(shape.begin() + axis);
    return RankedTensorType::get(shape, IntegerType::get(prediction.getContext(), 64));
  }

  int64_t getClasses(Attribute attribute, RankedTensorType prediction) const {
    return prediction.getDimSize(classAxis(attribute, prediction));
  }

  LabelCounts getLabelCounts(Attribute attribute) const {
    ArrayRef<Real> weights = of(attribute).getClassWeights();
    return {of(attribute).getIgnoreIndex(), SmallVector<double>(weights.begin(), weights.end()), of(attribute).getSum()};
  }

  /// log_softmax in front changes nothing: it is idempotent.
  void remarkOn(Attribute attribute, Value prediction, StringAttr output) const {
    if (classAxis(attribute, cast<RankedTensorType>(prediction.getType())) + 1 == cast<RankedTensorType>(prediction.getType()).getRank())
      remarkOnActivation(activationOf(prediction), "cross-entropy", "softmax", output);
    else if (auto softmax = prediction.getDefiningOp<SoftmaxOp>();
             softmax && static_cast<int64_t>(softmax.getAxis()) == classAxis(attribute, softmax.getX().getType()))
      emitWarning(softmax.getLoc()) << "cross-entropy takes logits and applies softmax itself, but output " << output
                                    << " comes out of a softmax: leave that out of the model";
  }

  /// The order that takes the classes to the end; empty: they are there.
  static SmallVector<int64_t> orderOf(Attribute attribute, RankedTensorType prediction) {
    int64_t axis = classAxis(attribute, prediction);
    if (axis + 1 == prediction.getRank())
      return {};
    auto order = llvm::to_vector(llvm::seq<int64_t>(0, prediction.getRank()));
    order.erase(order.begin() + axis);
    order.push_back(axis);
    return order;
  }

  static Value permuted(ImplicitLocOpBuilder &builder, Value value, ArrayRef<int64_t> order) {
    if (order.empty())
      return value;
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape;
    for (int64_t from : order)
      shape.push_back(type.getDimSize(from));
    return TransposeOp::create(builder, type.clone(shape), value, order);
  }

  LossAndGradient buildLoss(Attribute attribute, ImplicitLocOpBuilder &builder,
                            Value prediction, Value label, Value weight) const {
    SmallVector<int64_t> order = orderOf(attribute, cast<RankedTensorType>(prediction.getType()));
    Value logits = permuted(builder, prediction, order), classWeight;
    if (ArrayRef<Real> weights = of(attribute).getClassWeights(); !weights.empty()) {
      auto type = RankedTensorType::get({static_cast<int64_t>(weights.size())}, getElementTypeOrSelf(prediction));
      SmallVector<Attribute> numbers;
      for (double number : weights)
        numbers.push_back(FloatAttr::get(type.getElementType(), number));
      classWeight = ConstantOp::create(builder, type, DenseElementsAttr::get(type, numbers));
    }
    IntegerAttr ignored;
    if (std::optional<int64_t> id = of(attribute).getIgnoreIndex())
      ignored = builder.getI64IntegerAttr(*id);
    auto loss = SoftmaxCrossEntropyOp::create(builder, scalarOf(prediction), logits.getType(), logits, label, weight, classWeight, ignored,
                                              builder.getF64FloatAttr(of(attribute).getLabelSmoothing()));
    return {loss.getLoss(), permuted(builder, loss.getDlogits(), invertPermutationVector(order))};
  }

  Value buildCorrect(Attribute attribute, ImplicitLocOpBuilder &builder, Value prediction,
                     Value label, Value weight) const {
    IntegerAttr ignored;
    if (std::optional<int64_t> id = of(attribute).getIgnoreIndex())
      ignored = builder.getI64IntegerAttr(*id);
    Value logits = permuted(builder, prediction, orderOf(attribute, cast<RankedTensorType>(prediction.getType())));
    return CountCorrectOp::create(builder, scalarOf(prediction), logits, label, weight, ignored);
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
    weight = overPositions(builder, type, spreadWeight(builder, type, weight));
    Value difference = SubOp::create(builder, prediction, label);
    Value scaled = MulOp::create(builder, difference, weight);
    Value product = MulOp::create(builder, difference, scaled);
    Value loss = ReduceSumOp::create(
        builder, product, llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
    Value gradient =
        MulOp::create(builder, scaled, constant(builder, prediction, 2.0));
    return {loss, gradient};
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

  bool labelsAreProbabilities(Attribute) const { return true; }

  Value buildCorrect(Attribute, ImplicitLocOpBuilder &builder, Value prediction,
                     Value label, Value weight) const {
    return buildBinaryCorrect(builder, prediction, 0.5, label, weight);
  }
};

struct BinaryCrossEntropyWithLogits
    : LossInterface::ExternalModel<BinaryCrossEntropyWithLogits,
                                   BinaryCrossEntropyWithLogitsAttr> {
  FailureOr<RankedTensorType> getLabelType(Attribute, Location location,
                                           RankedTensorType prediction) const {
    if (failed(requireSamples(location, "bce-logits", prediction)))
      return failure();
    return prediction;
  }

  void remarkOn(Attribute, Value prediction, StringAttr output) const {
    remarkOnActivation(activationOf(prediction), "bce-logits", "sigmoid", output);
  }

  LossAndGradient buildLoss(Attribute, ImplicitLocOpBuilder &builder,
                            Value prediction, Value label, Value weight) const {
    auto loss = BinaryCrossEntropyWithLogitsOp::create(
        builder, scalarOf(prediction), prediction.getType(), prediction, label, weight);
    return {loss.getLoss(), loss.getDlogits()};
  }

  bool labelsAreProbabilities(Attribute) const { return true; }

  /// sigmoid(0) is 0.5.
  Value buildCorrect(Attribute, ImplicitLocOpBuilder &builder, Value prediction,
                     Value label, Value weight) const {
    return buildBinaryCorrect(builder, prediction, 0, label, weight);
  }
};

} // namespace

void dtc::registerLosses(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    CrossEntropyAttr::attachInterface<CrossEntropy>(*context);
    MeanSquaredErrorAttr::attachInterface<MeanSquaredError>(*context);
    BinaryCrossEntropyAttr::attachInterface<BinaryCrossEntropy>(*context);
    BinaryCrossEntropyWithLogitsAttr::attachInterface<BinaryCrossEntropyWithLogits>(*context);
  });
}
