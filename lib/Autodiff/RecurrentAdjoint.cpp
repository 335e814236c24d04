// Adjoint of recurrent layers: an op of its own, which goes through the steps backwards.
#include "ExternalModels.h"
#include "dialects/NN/NNRecurrent.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::nn;

namespace {
struct LstmAdjoint : DifferentiableOpInterface::ExternalModel<LstmAdjoint, LstmOp> {
  FailureOr<SmallVector<Value>> buildAdjoint(Operation *op, ImplicitLocOpBuilder &builder, ArrayRef<Value> resultGradients,
                                             ArrayRef<bool> needed) const {
    auto lstm = cast<LstmOp>(op);
    if (resultGradients[2])
      return op->emitOpError("has no gradient with respect to activated: it is kept for the gradient of h and c alone");
    SmallVector<Value> gradients(op->getNumOperands());
    if (!llvm::is_contained(needed, true))
      return gradients;
    Value dh = resultGradients[0];
    if (!dh) {
      RankedTensorType type = lstm.getH().getType();
      auto scalar = RankedTensorType::get({}, type.getElementType());
      Value zero = ConstantOp::create(builder, scalar, DenseElementsAttr::get(scalar, builder.getFloatAttr(type.getElementType(), 0)));
      dh = BroadcastOp::create(builder, type, zero);
    }
    SmallVector<Value> operands = {dh, lstm.getR(), lstm.getH0(), lstm.getC0(), lstm.getH(), lstm.getC(), lstm.getActivated()};
    if (resultGradients[1])
      operands.push_back(resultGradients[1]);
    SmallVector<Type> types(op->getOperandTypes());
    SmallVector<NamedAttribute> attributes(op->getAttrDictionary().getValue());
    auto gradient = LstmGradientOp::create(builder, types, operands, attributes);
    for (unsigned i = 0; i < gradients.size(); ++i)
      gradients[i] = needed[i] ? gradient->getResult(i) : Value();
    return gradients;
  }
};
} // namespace

void dtc::registerRecurrentAdjoint(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) { LstmOp::attachInterface<LstmAdjoint>(*context); });
}
