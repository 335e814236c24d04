// Adjoints of ops that move, cast or sum elements, and of broadcasting.
#include "ExternalModels.h"
#include "Unbroadcast.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

Value dtc::sumToType(ImplicitLocOpBuilder &builder, Value gradient,
                     RankedTensorType type) {
  auto from = cast<RankedTensorType>(gradient.getType());
  if (from == type)
    return gradient;
  int64_t added = from.getRank() - type.getRank();
  SmallVector<int64_t> axes;
  for (int64_t d = 0; d < from.getRank(); ++d)
    if (d < added || from.getDimSize(d) != type.getDimSize(d - added))
      axes.push_back(d);
  if (!axes.empty())
    gradient = ReduceSumOp::create(builder, gradient, axes);
  return gradient.getType() == type ? gradient
                                    : ReshapeOp::create(builder, type, gradient);
}

namespace {

/// The gradient of the only operand of Op from that of its only result.
template <typename Op>
using Build = Value (*)(ImplicitLocOpBuilder &, Op, Value dy);

template <typename Op, Build<Op> build>
struct UnaryAdjoint
    : DifferentiableOpInterface::ExternalModel<UnaryAdjoint<Op, build>, Op> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    return SmallVector<Value>{
        needed[0] ? build(builder, cast<Op>(op), resultGradients[0]) : Value()};
  }
};

Value reshapeBack(ImplicitLocOpBuilder &builder, ReshapeOp op, Value dy) {
  return ReshapeOp::create(builder, op.getX().getType(), dy);
}

Value castBack(ImplicitLocOpBuilder &builder, CastOp op, Value dy) {
  return CastOp::create(builder, op.getX().getType(), dy);
}

Value transposeBack(ImplicitLocOpBuilder &builder, TransposeOp op, Value dy) {
  SmallVector<int64_t> inverse(op.getPermutation().size());
  for (auto [to, from] : llvm::enumerate(op.getPermutation()))
    inverse[from] = static_cast<int64_t>(to);
  return TransposeOp::create(builder, dy, inverse);
}

Value sumRepeated(ImplicitLocOpBuilder &builder, BroadcastOp op, Value dy) {
  return sumToType(builder, dy, op.getX().getType());
}

Value padBack(ImplicitLocOpBuilder &builder, SliceOp op, Value dy) {
  return PadOp::create(builder, op.getX().getType(), dy, op.getOffsets());
}

Value sliceBack(ImplicitLocOpBuilder &builder, PadOp op, Value dy) {
  return SliceOp::create(builder, op.getX().getType(), dy, op.getOffsets());
}

Value repeatSum(ImplicitLocOpBuilder &builder, ReduceSumOp op, Value dy) {
  RankedTensorType type = op.getX().getType();
  SmallVector<int64_t> kept(type.getShape());
  for (int64_t axis : op.getAxes())
    kept[axis] = 1;
  auto keptType = RankedTensorType::get(kept, type.getElementType());
  if (dy.getType() != keptType)
    dy = ReshapeOp::create(builder, keptType, dy);
  return keptType == type ? dy : BroadcastOp::create(builder, type, dy);
}

struct ConcatAdjoint
    : DifferentiableOpInterface::ExternalModel<ConcatAdjoint, ConcatOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    auto concat = cast<ConcatOp>(op);
    SmallVector<Value> gradients(op->getNumOperands());
    SmallVector<int64_t> offsets(concat.getType().getRank(), 0);
    for (auto [i, operand] : llvm::enumerate(concat.getOperands())) {
      auto type = cast<RankedTensorType>(operand.getType());
      if (needed[i])
        gradients[i] = SliceOp::create(builder, type, resultGradients[0], offsets);
      offsets[concat.getAxis()] += type.getDimSize(concat.getAxis());
    }
    return gradients;
  }
};

template <typename Op, Build<Op> build>
void adjoint(MLIRContext *context) {
  Op::template attachInterface<UnaryAdjoint<Op, build>>(*context);
}

} // namespace

void dtc::registerShapeAdjoints(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    adjoint<ReshapeOp, reshapeBack>(context);
    adjoint<CastOp, castBack>(context);
    adjoint<TransposeOp, transposeBack>(context);
    adjoint<BroadcastOp, sumRepeated>(context);
    adjoint<SliceOp, padBack>(context);
    adjoint<PadOp, sliceBack>(context);
    adjoint<ReduceSumOp, repeatSum>(context);
    ConcatOp::attachInterface<ConcatAdjoint>(*context);
  });
}
