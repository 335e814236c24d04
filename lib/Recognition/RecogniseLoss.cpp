// dtc-recognise-loss: a scalar output that is a loss becomes the loss of the value that it is taken of.
#include "dialects/NN/NN.h"
#include "dtc/Recognition/Passes.h"
#include "lib/Recognition/BinaryEntropy.h"
#include "lib/Recognition/ConstantNumber.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/BitVector.h"

namespace dtc {
#define GEN_PASS_DEF_RECOGNISELOSSPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;
using namespace dtc::recognition;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {

/// A loss that a model takes itself: of `prediction`, against the label.
struct OwnLoss {
  Attribute loss;
  Value prediction;
  BlockArgument label;
  /// Class weights that were a parameter; null: constants, or none.
  BlockArgument classWeights;
};

/// `scale` times the sum over all elements of `terms`, divided by the sum over all elements of `counts` where that is not null.
struct Reduction {
  double scale = 1;
  Value terms, counts;
  double elements() const { return static_cast<double>(typeOf(terms).getNumElements()); }
};

class LossReader {
public:
  explicit LossReader(func::FuncOp model) : model(model) {}

  FailureOr<OwnLoss> read(Value scalar, StringAttr output);

private:
  Reduction readReduction(Value scalar) const;
  FailureOr<OwnLoss> readSquares(const Reduction &reduction);
  FailureOr<OwnLoss> readEntropies(const Reduction &reduction, const BinaryEntropy &entropy, double scale);
  FailureOr<OwnLoss> readLikelihood(const Reduction &reduction);
  LogicalResult readCounts(Value counts, Value chosen, Value isIgnored, OwnLoss &loss, SmallVectorImpl<Real> &weights);
  FailureOr<OwnLoss> place(OwnLoss loss, Value prediction, Value label, ArrayRef<int64_t> shape, StringRef named);

  InFlightDiagnostic error() {
    Operation *op = at.getDefiningOp();
    InFlightDiagnostic diagnostic = emitError(op ? op->getLoc() : at.getLoc());
    diagnostic << "output " << name << " is no loss to train by: ";
    return diagnostic;
  }
  bool isInput(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && model.getArgAttr(argument.getArgNumber(), names::input);
  }

  func::FuncOp model;
  StringAttr name;
  /// Where what is wrong stands.
  Value at;
};

} // namespace

//===-- sums --===//

/// Whether what `op` gives adds up to what its operand adds up to.
static bool keepsSum(Operation *op) {
  return isa_and_nonnull<ReshapeOp, TransposeOp, ReduceSumOp>(op) ||
         (isa_and_nonnull<BroadcastOp>(op) && typeOf(op->getOperand(0)).getNumElements() == typeOf(op->getResult(0)).getNumElements());
}

static Value skipSums(Value value) {
  while (keepsSum(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// All that is linear before the terms: means, sums, signs, constant factors.
Reduction LossReader::readReduction(Value scalar) const {
  Reduction reduction;
  reduction.terms = scalar;
  while (Operation *op = reduction.terms.getDefiningOp()) {
    Value next;
    if (keepsSum(op)) {
      next = op->getOperand(0);
    } else if (isa<NegOp>(op)) {
      reduction.scale = -reduction.scale;
      next = op->getOperand(0);
    } else if (isa<ReduceMeanOp>(op)) {
      next = op->getOperand(0);
      reduction.scale *= reduction.elements() / static_cast<double>(typeOf(next).getNumElements());
    } else if (isa<MulOp, DivOp>(op)) {
      std::optional<double> first = numberOf(op->getOperand(0)), second = numberOf(op->getOperand(1));
      // What is broadcast adds up to more.
      auto isWhole = [&](Value operand) { return typeOf(operand).getNumElements() == typeOf(reduction.terms).getNumElements(); };
      if (second && isWhole(op->getOperand(0)) && (isa<MulOp>(op) || *second != 0)) {
        next = op->getOperand(0);
        reduction.scale *= isa<MulOp>(op) ? *second : 1 / *second;
      } else if (first && isa<MulOp>(op) && isWhole(op->getOperand(1))) {
        next = op->getOperand(1);
        reduction.scale *= *first;
      } else if (isa<DivOp>(op) && reduction.elements() == 1 && !reduction.counts && typeOf(op->getOperand(1)).getNumElements() == 1) {
        reduction.counts = skipSums(op->getOperand(1));
        next = op->getOperand(0);
      }
    }
    if (!next)
      break;
    reduction.terms = next;
  }
  return reduction;
}

//===-- squared differences --===//

/// What is squared; null if `value` is no square of a difference.
static SubOp squaredDifference(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto power = dyn_cast_or_null<PowOp>(op)) {
    std::optional<double> exponent = numberOf(power->getOperand(1));
    return exponent && *exponent == 2 ? power->getOperand(0).getDefiningOp<SubOp>() : SubOp();
  }
  if (!isa_and_nonnull<MulOp>(op))
    return {};
  auto a = op->getOperand(0).getDefiningOp<SubOp>(), b = op->getOperand(1).getDefiningOp<SubOp>();
  // torch.onnx.export(dynamo=False) subtracts twice.
  if (a && b && llvm::equal(a->getOperands(), b->getOperands()))
    return a;
  return {};
}

/// The value that `value` holds the elements of, in their order.
static Value skipReshapes(Value value) {
  for (Operation *op = value.getDefiningOp();
       isa_and_nonnull<ReshapeOp>(op) || (isa_and_nonnull<BroadcastOp>(op) && op->getOperand(0).getType() == op->getResult(0).getType());
       op = value.getDefiningOp())
    value = op->getOperand(0);
  return value;
}

FailureOr<OwnLoss> LossReader::readSquares(const Reduction &reduction) {
  SubOp difference = squaredDifference(reduction.terms);
  at = reduction.terms;
  Value a = difference->getOperand(0), b = difference->getOperand(1);
  bool isFirst = isInput(skipReshapes(a)), isSecond = isInput(skipReshapes(b));
  if (isFirst && isSecond)
    return error() << "both sides of its difference are inputs of the model";
  if (!isFirst && !isSecond)
    return error() << "neither side of its difference is an input of the model, as a label is";
  if (a.getType() != b.getType())
    return error() << "its difference is one of " << a.getType() << " and " << b.getType()
                   << ", which broadcasting pairs anew; give both one shape";
  if (reduction.counts || !isNumber(reduction.scale * reduction.elements(), 1))
    return error() << "the squares are not divided by their number, so it is no mean over the samples of a batch; use the mean over all "
                      "dimensions, or train the output before it with --loss=mse";
  return place({MeanSquaredErrorAttr::get(model.getContext()), {}, {}, {}}, isFirst ? b : a, isFirst ? a : b, typeOf(a).getShape(), "mse");
}

//===-- binary cross-entropies --===//

FailureOr<OwnLoss> LossReader::readEntropies(const Reduction &reduction, const BinaryEntropy &entropy, double scale) {
  at = reduction.terms;
  StringRef named = entropy.ofLogits ? "bce-logits" : "bce";
  if (reduction.counts || !isNumber(reduction.scale * scale * reduction.elements(), 1))
    return error() << "the binary cross-entropies are not divided by their number, so it is no mean over the samples of a batch; use the mean over "
                      "all dimensions, or train the output before it with --loss=" << named;
  Attribute loss = BinaryCrossEntropyAttr::get(model.getContext());
  if (entropy.ofLogits)
    loss = BinaryCrossEntropyWithLogitsAttr::get(model.getContext());
  return place({loss, {}, {}, {}}, entropy.prediction, entropy.target, typeOf(entropy.target).getShape(), named);
}

//===-- likelihoods of class ids --===//

namespace {
/// `where(isIgnored, whenIgnored, value)`, or `value` alone.
struct Ignoring {
  explicit Ignoring(Value from) : value(from) {
    if (auto where = from.getDefiningOp<WhereOp>()) {
      isIgnored = where->getOperand(0);
      whenIgnored = where->getOperand(1);
      value = where->getOperand(2);
    }
  }
  Value isIgnored, whenIgnored, value;
};
} // namespace

/// The one integer of a constant.
static std::optional<int64_t> integerOf(Value value) {
  DenseIntElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  return elements.getSplatValue<APInt>().getSExtValue();
}

/// Whether `value` is 0, 1, … along `axis`, the only dimension of another size than 1.
static bool isRamp(Value value, int64_t axis) {
  DenseIntElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)))
    return false;
  ArrayRef<int64_t> shape = elements.getType().getShape();
  if (axis >= static_cast<int64_t>(shape.size()) || shape[axis] != elements.getNumElements())
    return false;
  int64_t next = 0;
  return llvm::all_of(elements.getValues<APInt>(), [&](const APInt &id) { return id.getSExtValue() == next++; });
}

/// What the labels count, by their classes: all 1, numbers of the file, or a parameter that the file makes of them.
LogicalResult LossReader::readCounts(Value counts, Value chosen, Value isIgnored, OwnLoss &loss, SmallVectorImpl<Real> &weights) {
  Ignoring counted(counts);
  if (counted.isIgnored != isIgnored || (isIgnored && numberOf(counted.whenIgnored) != 0.0))
    return error() << "the labels that it ignores count";
  auto gather = counted.value.getDefiningOp<GatherOp>();
  if (!gather || skipReshapes(gather.getIndices()) != chosen || gather.getAxis() != 0 || typeOf(gather.getData()).getRank() != 1)
    return error() << "what its labels count does not follow from their classes alone";
  Value table = gather.getData();
  if (numberOf(table) == 1.0)
    return success();
  DenseFPElementsAttr numbers;
  if (auto argument = dyn_cast<BlockArgument>(table)) {
    auto init = model.getArgAttrOfType<ElementsAttr>(argument.getArgNumber(), names::init);
    if (!model.getArgAttr(argument.getArgNumber(), names::parameter))
      return error() << "its class weights are an input; they must be in the file, as an initializer";
    if (!argument.hasOneUse())
      return error() << "its class weights are used elsewhere, too";
    numbers = dyn_cast_or_null<DenseFPElementsAttr>(init);
    loss.classWeights = argument;
  } else {
    static_cast<void>(matchPattern(table, m_Constant(&numbers)));
  }
  if (!numbers)
    return error() << "its class weights are not numbers of the file";
  for (const APFloat &weight : numbers.getValues<APFloat>())
    weights.push_back(Real(weight.convertToDouble()));
  return success();
}

/// As lib/Import/ONNX/LabelLosses.cpp writes SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss.
FailureOr<OwnLoss> LossReader::readLikelihood(const Reduction &reduction) {
  auto product = reduction.terms.getDefiningOp<MulOp>();
  at = reduction.terms;
  Value taken = product->getOperand(0), counts = product->getOperand(1);
  double scale = reduction.scale;
  if (auto negated = taken.getDefiningOp<NegOp>()) {
    taken = negated->getOperand(0);
    scale = -scale;
  }
  auto sum = taken.getDefiningOp<ReduceSumOp>();
  auto where = sum.getX().getDefiningOp<WhereOp>();
  int64_t axis = sum.getAxes().front();
  auto isLabel = where->getOperand(0).getDefiningOp<EqualOp>();
  Value chosen = skipReshapes(isLabel->getOperand(0));
  if (!isRamp(isLabel->getOperand(1), axis))
    return error() << "its classes are not 0, 1, … in their order";
  // One label for each row of logarithms, in the order of the rows.
  Value logarithms = where->getOperand(1);
  SmallVector<int64_t> shape(typeOf(logarithms).getShape()), column(shape);
  column[axis] = 1;
  shape.erase(shape.begin() + axis);
  if (typeOf(where->getResult(0)) != typeOf(logarithms) || typeOf(isLabel->getOperand(0)).getShape() != ArrayRef(column) ||
      product->getOperand(0).getType() != counts.getType() || typeOf(counts).getShape() != ArrayRef(shape))
    return error() << "its labels are not one for each row of scores";
  Ignoring labels(chosen);
  auto isIgnored = labels.isIgnored ? labels.isIgnored.getDefiningOp<EqualOp>() : EqualOp();
  std::optional<int64_t> ignored = isIgnored ? integerOf(isIgnored->getOperand(1)) : std::nullopt;
  if (labels.isIgnored && (!ignored || isIgnored->getOperand(0) != labels.value))
    return error() << "which labels it ignores is no number";

  at = logarithms;
  auto logs = at.getDefiningOp<LogSoftmaxOp>();
  if (!logs || static_cast<int64_t>(logs.getAxis()) != axis)
    return error() << "what it takes for logarithms of probabilities is no log_softmax over the classes; put LogSoftmax before it";
  at = reduction.terms;
  OwnLoss loss;
  SmallVector<Real> weights;
  if (failed(readCounts(counts, chosen, labels.isIgnored, loss, weights)))
    return failure();
  bool isSum = !reduction.counts && isNumber(scale, -1);
  bool isMean = reduction.counts ? skipSums(counts) == reduction.counts && isNumber(scale, -1)
                                 : !isSum && isNumber(scale * reduction.elements(), -1);
  // Not of those that count, but of all.
  if (isMean && !reduction.counts && (ignored || !weights.empty()))
    return error() << "it divides by the number of all labels, of which not all count alike; use its own reduction mean or sum";
  if (!isSum && !isMean)
    return error() << "it is neither the mean nor the sum over the labels of a batch";
  Value logits = logs.getX();
  bool isLast = axis + 1 == typeOf(logits).getRank();
  loss.loss = CrossEntropyAttr::getChecked([&] { return error(); }, model.getContext(), isLast ? -1 : axis, ignored, Real(),
                                           ArrayRef<Real>(weights), isSum);
  if (!loss.loss)
    return failure();
  return place(loss, logits, labels.value, shape, "cross-entropy");
}

/// Whether the terms are what labels choose of the classes, times what they count.
static bool isLikelihood(Value terms) {
  auto product = terms.getDefiningOp<MulOp>();
  if (!product)
    return false;
  Value taken = product->getOperand(0);
  if (auto negated = taken.getDefiningOp<NegOp>())
    taken = negated->getOperand(0);
  auto sum = taken.getDefiningOp<ReduceSumOp>();
  auto where = sum && sum.getAxes().size() == 1 ? sum.getX().getDefiningOp<WhereOp>() : WhereOp();
  return where && numberOf(where->getOperand(2)) == 0.0 && where->getOperand(0).getDefiningOp<EqualOp>();
}

//===-- where it stands --===//

/// The integers that `value` holds as others, in their order.
static Value skipIntegerCasts(Value value) {
  auto isNumber = [](Value of) { return typeOf(of).getElementType().isInteger(32) || typeOf(of).getElementType().isInteger(64); };
  value = skipReshapes(value);
  for (auto cast = value.getDefiningOp<CastOp>(); cast && isNumber(cast.getX()) && isNumber(cast.getY()); cast = value.getDefiningOp<CastOp>())
    value = skipReshapes(cast.getX());
  return value;
}

/// The prediction in the shape that the label has as an input, the batch first; in the loss, which --loss= has as `named`, it has `shape`.
FailureOr<OwnLoss> LossReader::place(OwnLoss loss, Value prediction, Value label, ArrayRef<int64_t> shape, StringRef named) {
  Value source = skipIntegerCasts(label);
  if (!isInput(source)) {
    at = source;
    InFlightDiagnostic diagnostic = error();
    diagnostic << "its labels are no input of the model but what ";
    if (Operation *op = source.getDefiningOp())
      diagnostic << op->getName().stripDialect() << " makes of one";
    else
      diagnostic << "it trains";
    return diagnostic << "; move that into the data, and train the output before it with --loss=" << named;
  }
  loss.label = cast<BlockArgument>(source);
  loss.prediction = prediction;
  SmallVector<int64_t> wanted(typeOf(source).getShape());
  if (ArrayRef(wanted) == shape)
    return loss;
  auto type = typeOf(prediction);
  if (isa<CrossEntropyAttr>(loss.loss)) {
    if (type.getRank() != 2)
      return error() << "its labels are brought from " << formatShape(wanted) << " into " << formatShape(shape)
                     << ", which no scores [samples, classes] follow";
    wanted.push_back(type.getShape().back());
  }
  OpBuilder builder(model.getBody().front().getTerminator());
  loss.prediction = ReshapeOp::create(builder, prediction.getLoc(), type.clone(wanted), prediction);
  return loss;
}

FailureOr<OwnLoss> LossReader::read(Value scalar, StringAttr output) {
  name = output;
  Reduction reduction = readReduction(scalar);
  if (squaredDifference(reduction.terms))
    return readSquares(reduction);
  if (isLikelihood(reduction.terms))
    return readLikelihood(reduction);
  double scale = 1;
  if (std::optional<BinaryEntropy> entropy = readBinaryEntropy(reduction.terms, scale))
    return readEntropies(reduction, *entropy, scale);
  at = reduction.terms;
  InFlightDiagnostic diagnostic = error();
  if (isa_and_nonnull<AddOp, SubOp>(reduction.terms.getDefiningOp()) && reduction.elements() == 1)
    diagnostic << "it adds up several terms, of which each would have to be a mean over the samples";
  else
    diagnostic << "it cannot be proven to be a mean over the samples of a batch, whose shares add up";
  return diagnostic << "; known are SoftmaxCrossEntropyLoss, NegativeLogLikelihoodLoss behind LogSoftmax, and the means of squared "
                       "differences and of binary cross-entropies. Train the output before it with --loss=NAME --output=NAME";
}

//===-- the pass --===//

/// The number of the output that is the loss.
static FailureOr<unsigned> findScalar(func::FuncOp model, StringRef wanted) {
  SmallVector<StringAttr> all;
  SmallVector<unsigned> scalars;
  for (unsigned i = 0; i < model.getNumResults(); ++i) {
    auto name = model.getResultAttrOfType<StringAttr>(i, names::output);
    auto type = dyn_cast<RankedTensorType>(model.getResultTypes()[i]);
    if (!name || !type)
      continue;
    all.push_back(name);
    if (!hasGradient(type))
      continue;
    if (wanted.empty() ? type.getRank() == 0 : name.getValue() == wanted && type.getNumElements() == 1)
      scalars.push_back(i);
  }
  if (scalars.size() == 1)
    return scalars.front();
  InFlightDiagnostic diagnostic = model.emitError();
  if (!wanted.empty())
    diagnostic << "output " << StringAttr::get(model.getContext(), wanted) << " is no scalar, as a loss is: ";
  else if (scalars.empty())
    diagnostic << "the model has no scalar output that could be its loss: ";
  else
    diagnostic << "the model has several scalar outputs; say which is its loss (--output=NAME): ";
  diagnostic << "its outputs are ";
  llvm::interleaveComma(all, diagnostic);
  return diagnostic;
}

namespace {
struct RecogniseLossPass : dtc::impl::RecogniseLossPassBase<RecogniseLossPass> {
  using RecogniseLossPassBase::RecogniseLossPassBase;

  void runOnOperation() override {
    func::FuncOp model = getOperation();
    if (model->hasAttr(names::model) && !model->hasAttr(names::phase) && failed(recognise(model)))
      signalPassFailure();
  }

  LogicalResult recognise(func::FuncOp model) {
    FailureOr<unsigned> scalar = findScalar(model, output);
    if (failed(scalar))
      return failure();
    Block &body = model.getBody().front();
    Operation *end = body.getTerminator();
    auto name = model.getResultAttrOfType<StringAttr>(*scalar, names::output);
    FailureOr<OwnLoss> loss = LossReader(model).read(end->getOperand(*scalar), name);
    if (failed(loss))
      return failure();
    auto label = model.getArgAttrOfType<StringAttr>(loss->label.getArgNumber(), names::input);

    // What follows from the label.
    DenseSet<Value> labelled{loss->label};
    for (Operation &op : body)
      if (llvm::any_of(op.getOperands(), [&](Value operand) { return labelled.contains(operand); }))
        labelled.insert(op.result_begin(), op.result_end());
    if (labelled.contains(loss->prediction))
      return emitError(loss->label.getLoc()) << "input " << label << " is the label of output " << name
                                             << " and feeds the network, too: it would be no input any more; export the model with an input for each";

    OpBuilder builder(model.getContext());
    end->setOperand(*scalar, loss->prediction);
    model.setResultAttr(*scalar, names::ownLoss, loss->loss);
    model.setResultAttr(*scalar, names::label, label);
    // Outputs of the labels are none without them.
    llvm::BitVector dropped(model.getNumResults());
    for (unsigned i = 0; i < model.getNumResults(); ++i)
      dropped[i] = labelled.contains(end->getOperand(i));
    end->eraseOperands(dropped);
    SmallVector<Type> results(end->getOperandTypes());
    SmallVector<DictionaryAttr> attributes;
    for (unsigned i = 0; i < dropped.size(); ++i)
      if (!dropped[i])
        attributes.push_back(builder.getDictionaryAttr(model.getResultAttrs(i)));
    model.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), results));
    model.setAllResultAttrs(attributes);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isOpTriviallyDead(&op))
        op.erase();
    if (loss->classWeights)
      model.setArgAttr(loss->classWeights.getArgNumber(), names::frozen, builder.getUnitAttr());
    return model.eraseArgument(loss->label.getArgNumber());
  }
};
} // namespace
