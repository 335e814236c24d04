// Adjoint of attention: an op of its own, which computes the probabilities again.
#include "ExternalModels.h"
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {
struct AttentionAdjoint : DifferentiableOpInterface::ExternalModel<AttentionAdjoint, AttentionOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto attention = cast<AttentionOp>(op);
    if (resultGradients[1])
      return op->emitOpError("has no gradient with respect to lse: it is kept for the gradient of y alone");
    SmallVector<Value> gradients(op->getNumOperands());
    if (!llvm::is_contained(needed, true))
      return gradients;
    SmallVector<Type> types = {attention.getQ().getType(), attention.getK().getType(), attention.getV().getType()};
    bool ofMask = attention.getMask() && needed[3] && isa<FloatType>(attention.getMask().getType().getElementType());
    if (ofMask)
      types.push_back(attention.getMask().getType());
    SmallVector<Value> operands = {resultGradients[0], attention.getQ(), attention.getK(), attention.getV(), attention.getY(), attention.getLse()};
    if (attention.getMask())
      operands.push_back(attention.getMask());
    SmallVector<NamedAttribute> attributes(op->getAttrDictionary().getValue());
    auto gradient = AttentionGradientOp::create(builder, types, operands, attributes);
    for (unsigned i = 0; i < 3; ++i)
      gradients[i] = needed[i] ? gradient->getResult(i) : Value();
    if (ofMask)
      gradients[3] = gradient.getDmask();
    return gradients;
  }
};
} // namespace

void dtc::registerAttentionAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) { AttentionOp::attachInterface<AttentionAdjoint>(*context); });
}
