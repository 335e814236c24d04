// Costs of elementwise ops: one FLOP an element.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

using namespace mlir;
using namespace dtc;

namespace {
template <typename OpT>
struct ElementwiseCost : CostOpInterface::ExternalModel<ElementwiseCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Elementwise; }
  Cost getCost(Operation *op) const {
    return costOfTensors(op, elementsOf(op->getResult(0)));
  }
};

template <typename... Ops>
void attach(MLIRContext *context) {
  (Ops::template attachInterface<ElementwiseCost<Ops>>(*context), ...);
}
} // namespace

void dtc::cost::registerElementwiseCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    attach<nn::NegOp, nn::ExpOp, nn::LogOp, nn::SqrtOp, nn::ReluOp,
           nn::SigmoidOp, nn::TanhOp, nn::LeakyReluOp, nn::EluOp, nn::AddOp,
           nn::SubOp, nn::MulOp, nn::DivOp, nn::PowOp, nn::WherePositiveOp, nn::ErfOp,
           nn::GeluOp, nn::GeluGradientOp,
           nn::AbsOp, nn::SignOp, nn::FloorOp, nn::CeilOp, nn::RoundOp, nn::SinOp, nn::CosOp, nn::TanOp, nn::AsinOp,
           nn::AcosOp, nn::AtanOp, nn::SinhOp, nn::CoshOp, nn::AsinhOp, nn::AcoshOp, nn::AtanhOp, nn::SoftplusOp,
           nn::SiluOp, nn::MishOp, nn::HardSigmoidOp, nn::HardSwishOp, nn::ClipOp, nn::ModOp, nn::MinOp, nn::MaxOp,
           nn::EqualOp, nn::LessOp, nn::LessOrEqualOp, nn::GreaterOp, nn::GreaterOrEqualOp, nn::AndOp, nn::OrOp,
           nn::XorOp, nn::NotOp, nn::WhereOp>(context);
  });
}
