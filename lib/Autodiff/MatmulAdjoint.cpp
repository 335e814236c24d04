// Adjoint of the matrix product: two more products, never a transposed copy.
#include "ExternalModels.h"
#include "Unbroadcast.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

static Value product(ImplicitLocOpBuilder &builder, Value a, bool transposeA,
                     Value b, bool transposeB) {
  return MatmulOp::create(builder, a, b, /*bias=*/Value(), transposeA, transposeB, /*wide=*/false,
                          /*epilogue=*/EpilogueAttr(), /*epilogueOperand=*/Value());
}

/// x [..., rows, columns] as one matrix [... * rows, columns].
static Value stackMatrices(ImplicitLocOpBuilder &builder, Value x) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getRank() == 2)
    return x;
  int64_t columns = type.getShape().back();
  int64_t rows = 1;
  for (int64_t size : type.getShape().drop_back())
    rows *= size;
  return ReshapeOp::create(
      builder, RankedTensorType::get({rows, columns}, type.getElementType()), x);
}

namespace {
struct MatmulAdjoint
    : DifferentiableOpInterface::ExternalModel<MatmulAdjoint, MatmulOp> {
  FailureOr<SmallVector<Value>>
  buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder,
               ArrayRef<Value> resultGradients, ArrayRef<bool> needed) const {
    auto matmul = cast<MatmulOp>(op);
    if (matmul.getBias())
      return op->emitOpError("with a fused bias has no adjoint: differentiate before fusing");
    Value dy = resultGradients[0], a = matmul.getA(), b = matmul.getB();
    bool ta = matmul.getTransposeA(), tb = matmul.getTransposeB();
    SmallVector<Value> gradients(2);
    // The second operand is a layer's weight: its gradient comes first, to be
    // communicated while the other is computed.
    if (needed[1]) {
      Value left = a, right = dy;
      // One weight for a batch of matrices: one product over all rows instead
      // of a batch of products and their sum.
      if (matmul.getB().getType().getRank() == 2 && !ta) {
        left = stackMatrices(builder, a);
        right = stackMatrices(builder, dy);
      }
      // db = op(a)^T dy, or its transpose if b was read transposed.
      Value db = tb ? product(builder, right, true, left, ta)
                    : product(builder, left, !ta, right, false);
      gradients[1] = sumToType(builder, db, matmul.getB().getType());
    }
    if (needed[0]) {
      // da = dy op(b)^T, or its transpose if a was read transposed.
      Value da = ta ? product(builder, b, tb, dy, true)
                    : product(builder, dy, false, b, !tb);
      gradients[0] = sumToType(builder, da, matmul.getA().getType());
    }
    return gradients;
  }
};
} // namespace

void dtc::registerMatmulAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    MatmulOp::attachInterface<MatmulAdjoint>(*context);
  });
}
