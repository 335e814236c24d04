// What nn's ops read and write under mixed precision: a table, an entry an op.
#include "dtc/Precision/Precision.h"

#include "dialects/NN/NNRecurrent.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

#include "dtc/Precision/PrecisionInterface.cpp.inc"

static Type elementOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getElementType() : Type();
}
static bool isLow(Value value) { return elementOf(value).isBF16(); }

static void setElement(Value value, Type element) {
  value.setType(cast<RankedTensorType>(value.getType()).clone(element));
}

/// The types that the op infers; it may have found them wrong.
static LogicalResult inferAgain(Operation *op) {
  auto inferring = cast<InferTypeOpInterface>(op);
  SmallVector<Type> types;
  if (failed(inferring.inferReturnTypes(op->getContext(), op->getLoc(), op->getOperands(),
                                        op->getDiscardableAttrDictionary(),
                                        op->getPropertiesStorage(), op->getRegions(), types)))
    return failure();
  for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
    result.setType(type);
  return success();
}

namespace {

/// Results have the type of the first operand, unless the op infers them.
template <typename Model, typename Op>
struct Policy : PrecisionOpInterface::ExternalModel<Model, Op> {
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted>) const {
    if (isa<InferTypeOpInterface>(op))
      return inferAgain(op);
    for (Value result : op->getResults())
      if (isa<FloatType>(elementOf(result)))
        setElement(result, elementOf(op->getOperand(0)));
    return success();
  }
};

/// All operands alike.
template <typename Op, Reading reading>
struct Reads : Policy<Reads<Op, reading>, Op> {
  Reading getReading(Operation *, OpOperand &) const { return reading; }
};

/// As it is: constants.
template <typename Op>
struct Untouched : Policy<Untouched<Op>, Op> {
  Reading getReading(Operation *, OpOperand &) const { return Reading::Full; }
  LogicalResult setResultTypes(Operation *, ArrayRef<Wanted>) const { return success(); }
};

//===-- products --===//

/// Products of bf16, which add up to an f32 that is not rounded.
template <typename Op>
struct FullProduct : Policy<FullProduct<Op>, Op> {
  Reading getReading(Operation *, OpOperand &) const { return Reading::Low; }
  LogicalResult setResultTypes(Operation *, ArrayRef<Wanted>) const { return success(); }
};

/// A gradient of a weight is read by its update alone, so it is written as it was added up.
struct Matmul : Policy<Matmul, MatmulOp> {
  Reading getReading(Operation *, OpOperand &) const { return Reading::Low; }
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted> wanted) const {
    cast<MatmulOp>(op).setWide(wanted[0].onlyFull);
    return inferAgain(op);
  }
};

bool isProduct(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<MatmulOp, ConvOp>(op) && isLow(value);
}

//===-- elementwise --===//

/// Read as they are, computed in f32. The result is f32 where a reader needs
/// that, or where one of the operands from which it gets its shape is: a label, a
/// normalised input. Smaller ones (statistics, scales) do not make it so.
Agreement agreementOfElements(Operation *op, ArrayRef<Wanted> wanted) {
  if (wanted[0].full)
    return Agreement::Full;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  SmallVector<Value> whole, all;
  for (Value operand : op->getOperands()) {
    // Conditions and integers have no precision.
    if (matchPattern(operand, m_Constant()) || !isa<FloatType>(elementOf(operand)))
      continue;
    all.push_back(operand);
    if (cast<RankedTensorType>(operand.getType()).getShape() == shape)
      whole.push_back(operand);
  }
  bool low = llvm::all_of(whole.empty() ? all : whole, isLow);
  return low ? Agreement::None : Agreement::Full;
}

template <typename Op, Reading reading>
struct Elementwise : Policy<Elementwise<Op, reading>, Op> {
  Reading getReading(Operation *, OpOperand &) const { return reading; }
  Agreement getAgreement(Operation *op, ArrayRef<Wanted> wanted) const {
    return agreementOfElements(op, wanted);
  }
};

/// Linear in a factor that meets a constant.
template <typename Op>
struct Scaling : Policy<Scaling<Op>, Op> {
  Reading getReading(Operation *op, OpOperand &operand) const {
    Value other = op->getOperand(1 - operand.getOperandNumber());
    bool isFactor = std::is_same_v<Op, MulOp> || operand.getOperandNumber() == 0;
    return isFactor && matchPattern(other, m_Constant()) ? Reading::Summed : Reading::Either;
  }
  Agreement getAgreement(Operation *op, ArrayRef<Wanted> wanted) const {
    return agreementOfElements(op, wanted);
  }
};

/// The bias of a matrix product or a convolution is a parameter that it uses: the library call takes it as
/// it takes the others.
struct Add : Policy<Add, AddOp> {
  Reading getReading(Operation *, OpOperand &) const { return Reading::Summed; }
  Agreement getAgreement(Operation *op, ArrayRef<Wanted> wanted) const {
    auto add = cast<AddOp>(op);
    Agreement agreed = agreementOfElements(op, wanted);
    auto isBias = [&](Value bias, Value other) {
      while (auto reshape = bias.getDefiningOp<ReshapeOp>())
        bias = reshape.getX();
      return isa<BlockArgument>(bias) && isProduct(other);
    };
    bool biased = isBias(add.getA(), add.getB()) || isBias(add.getB(), add.getA());
    return agreed == Agreement::None && biased ? Agreement::Low : agreed;
  }
};

//===-- movement, sums, softmax --===//

/// Parts of one tensor have one type.
struct Concat : Policy<Concat, ConcatOp> {
  Reading getReading(Operation *, OpOperand &) const { return Reading::Same; }
  Agreement getAgreement(Operation *op, ArrayRef<Wanted>) const {
    return llvm::any_of(op->getOperands(), isLow) ? Agreement::Low : Agreement::None;
  }
};

/// Rounded back only for a product to read.
template <typename Op>
struct AlongAxis : Policy<AlongAxis<Op>, Op> {
  Reading getReading(Operation *, OpOperand &) const { return Reading::Either; }
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted> wanted) const {
    cast<Op>(op).setWide(isLow(op->getOperand(0)) && !wanted[0].low);
    return inferAgain(op);
  }
};

/// A parameter is read where it lies: rows of it are rounded, if a product reads them, and not all of it in every step.
struct Gather : Policy<Gather, GatherOp> {
  Reading getReading(Operation *, OpOperand &operand) const {
    return operand.getOperandNumber() == 0 && !isa<BlockArgument>(operand.get()) ? Reading::Same : Reading::Full;
  }
};

/// Added up in f32, which is not rounded.
struct GatherGradient : Policy<GatherGradient, GatherGradientOp> {
  Reading getReading(Operation *, OpOperand &operand) const {
    return operand.getOperandNumber() == 0 ? Reading::Summed : Reading::Full;
  }
  LogicalResult setResultTypes(Operation *, ArrayRef<Wanted>) const { return success(); }
};

/// x in the type that it has, computed in f32; the numbers that it is drawn by are integers.
template <typename Op>
struct Dropout : Policy<Dropout<Op>, Op> {
  Reading getReading(Operation *, OpOperand &operand) const {
    return operand.getOperandNumber() == 0 ? Reading::Same : Reading::Full;
  }
};

//===-- normalisation, losses --===//

/// Images as they are; all else f32.
template <typename Op>
struct Normalisation : Policy<Normalisation<Op>, Op> {
  Reading getReading(Operation *, OpOperand &operand) const {
    bool image = cast<RankedTensorType>(operand.get().getType()).getRank() > 1;
    return image ? Reading::Either : Reading::Full;
  }
  /// The gradient is taken where the forward op was: at x as that read it.
  Agreement getAgreement(Operation *op, ArrayRef<Wanted>) const {
    if constexpr (std::is_same_v<Op, BatchNormGradientOp>)
      return isLow(cast<Op>(op).getX()) ? Agreement::Low : Agreement::Full;
    return Agreement::None;
  }
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted>) const {
    setElement(op->getResult(0), elementOf(cast<Op>(op).getX()));
    return success();
  }
};

/// x, and dy of a gradient, as they are; all else f32, of whatever rank it is.
template <typename Op>
struct SampleNormalisation : Policy<SampleNormalisation<Op>, Op> {
  static constexpr bool isGradient = std::is_same_v<Op, LayerNormGradientOp> || std::is_same_v<Op, GroupNormGradientOp>;
  Reading getReading(Operation *, OpOperand &operand) const {
    return operand.getOperandNumber() <= (isGradient ? 1 : 0) ? Reading::Either : Reading::Full;
  }
  Agreement getAgreement(Operation *op, ArrayRef<Wanted>) const {
    if constexpr (isGradient)
      return isLow(cast<Op>(op).getX()) ? Agreement::Low : Agreement::Full;
    return Agreement::None;
  }
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted>) const {
    setElement(op->getResult(0), elementOf(cast<Op>(op).getX()));
    return success();
  }
};

/// Products of bf16, as are their results; an added mask and the logarithms of sums are f32.
template <typename Op>
struct Attention : Policy<Attention<Op>, Op> {
  Reading getReading(Operation *, OpOperand &operand) const {
    unsigned full = std::is_same_v<Op, AttentionOp> ? 3 : 5; // behind them mask, or lse and mask
    return operand.getOperandNumber() < full ? Reading::Low : Reading::Full;
  }
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted>) const {
    if constexpr (std::is_same_v<Op, AttentionOp>) {
      return inferAgain(op);
    } else {
      for (Value result : op->getResults().take_front(3))
        setElement(result, elementOf(cast<Op>(op).getQ()));
      return success();
    }
  }
};

/// Logits as they are, computed in f32; their gradient is of their type.
template <typename Op>
struct OfLogits : Policy<OfLogits<Op>, Op> {
  Reading getReading(Operation *op, OpOperand &operand) const {
    return operand.getOperandNumber() == 0 ? Reading::Either : Reading::Full;
  }
  LogicalResult setResultTypes(Operation *op, ArrayRef<Wanted>) const {
    if (op->getNumResults() > 1)
      setElement(op->getResult(1), elementOf(op->getOperand(0)));
    return success();
  }
};

template <Reading reading, typename... Ops>
void elementwise(MLIRContext *context) {
  (Ops::template attachInterface<Elementwise<Ops, reading>>(*context), ...);
}
template <Reading reading, typename... Ops>
void reads(MLIRContext *context) {
  (Ops::template attachInterface<Reads<Ops, reading>>(*context), ...);
}
template <template <typename> typename Model, typename... Ops>
void have(MLIRContext *context) {
  (Ops::template attachInterface<Model<Ops>>(*context), ...);
}

} // namespace

void dtc::registerPrecisionExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, NNDialect *) {
    reads<Reading::Low, ConvOp, ConvInputGradientOp>(context);
    have<FullProduct, ConvWeightGradientOp>(context);
    MatmulOp::attachInterface<Matmul>(*context);
    elementwise<Reading::Summed, NegOp, SubOp>(context);
    elementwise<Reading::Either, ExpOp, LogOp, SqrtOp, ReluOp, SigmoidOp, TanhOp, LeakyReluOp, EluOp, PowOp, WherePositiveOp, ErfOp, GeluOp,
                                 GeluGradientOp,
                                 AbsOp, SignOp, FloorOp, CeilOp, RoundOp, SinOp, CosOp, TanOp, AsinOp, AcosOp,
                                 AtanOp, SinhOp, CoshOp, AsinhOp, AcoshOp, AtanhOp, SoftplusOp, SiluOp, MishOp,
                                 HardSigmoidOp, HardSwishOp, ClipOp, ModOp, MinOp, MaxOp, EqualOp, LessOp,
                                 LessOrEqualOp, GreaterOp, GreaterOrEqualOp, AndOp, OrOp, XorOp, NotOp, WhereOp>(context);
    have<Scaling, MulOp, DivOp>(context);
    AddOp::attachInterface<Add>(*context);
    reads<Reading::Same, ReshapeOp, TransposeOp, BroadcastOp, SliceOp, PadOp, MaxPoolOp, MaxPoolGradientOp, AvgPoolOp,
          AvgPoolGradientOp>(context);
    have<Dropout, DropoutOp, DropoutTrainingOp>(context);
    ConcatOp::attachInterface<Concat>(*context);
    reads<Reading::Summed, ReduceSumOp>(context);
    have<AlongAxis, SoftmaxOp, LogSoftmaxOp>(context);
    GatherOp::attachInterface<Gather>(*context);
    GatherGradientOp::attachInterface<GatherGradient>(*context);
    have<Normalisation, BatchNormTrainingOp, BatchNormGradientOp>(context);
    have<SampleNormalisation, LayerNormOp, RmsNormOp, LayerNormGradientOp, GroupNormOp, GroupNormGradientOp>(context);
    have<Attention, AttentionOp, AttentionGradientOp>(context);
    have<OfLogits, SoftmaxCrossEntropyOp, BinaryCrossEntropyWithLogitsOp, CountCorrectOp>(context);
    // A state is rounded again and again: the recurrence is f32, the product over the sequence before it is not.
    have<Untouched, LstmOp, LstmGradientOp>(context);
    have<Untouched, ConstantOp, CastOp, RandomUniformOp, BinaryCrossEntropyOp, UpdateOp, RunningAverageUpdateOp>(context);
  });
}
