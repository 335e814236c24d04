// Which nn ops take an epilogue, and which can become one.
#include "lib/Fusion/ExternalModels.h"

#include "dtc/Fusion/EpilogueInterfaces.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::fusion;

#include "dtc/Fusion/EpilogueInterfaces.cpp.inc"

namespace {

/// `Bias` knows where the op takes a bias.
template <typename Op, typename Bias>
struct EpilogueModel : EpilogueOpInterface::ExternalModel<EpilogueModel<Op, Bias>, Op> {
  OpResult getEpilogueResult(Operation *op) const { return op->getResult(0); }
  std::optional<BiasPlace> getBiasPlace(Operation *op) const {
    return cast<Op>(op).getEpilogueAttr() ? std::nullopt : Bias::place(cast<Op>(op));
  }
  bool takes(Operation *op, nn::EpilogueAttr more) const {
    // What is multiplied is the product alone.
    if (more.hasGradient() && !getBiasPlace(op))
      return false;
    nn::EpilogueAttr both = behind(cast<Op>(op), more);
    return both && Op::getEpilogueForms().admit(both);
  }
  void give(Operation *op, nn::EpilogueAttr more, Value operand) const {
    auto typed = cast<Op>(op);
    typed.setEpilogueAttr(behind(typed, more));
    if (operand)
      typed.getEpilogueOperandMutable().assign(operand);
  }

private:
  static nn::EpilogueAttr behind(Op op, nn::EpilogueAttr more) {
    nn::EpilogueAttr now = op.getEpilogueAttr();
    return now ? now.then(more) : more;
  }
};

/// An optional bias with one element for each index of a dimension of the result
/// (counted from the end if negative).
template <int64_t position>
struct OptionalBias {
  template <typename Op>
  static std::optional<BiasPlace> place(Op op) {
    if (op.getBias())
      return std::nullopt;
    return BiasPlace{position < 0 ? op.getType().getRank() + position : position, op.getBiasMutable()};
  }
};

struct NoBias {
  static std::optional<BiasPlace> place(Operation *) { return std::nullopt; }
};

template <typename Op, nn::Activation activation>
struct ActivationModel
    : ActivationOpInterface::ExternalModel<ActivationModel<Op, activation>, Op> {
  nn::Activation getActivation(Operation *) const { return activation; }
  double getActivationAlpha(Operation *op) const {
    if constexpr (requires(Op typed) { typed.getAlpha(); })
      return cast<Op>(op).getAlpha().convertToDouble();
    return 0;
  }
};

struct GeluModel : ActivationOpInterface::ExternalModel<GeluModel, nn::GeluOp> {
  nn::Activation getActivation(Operation *op) const {
    return cast<nn::GeluOp>(op).getApproximate() ? nn::Activation::GeluTanh
                                                 : nn::Activation::Gelu;
  }
  double getActivationAlpha(Operation *) const { return 0; }
};

/// relu's: the gradient where its result is positive, and 0 elsewhere.
struct WherePositiveModel
    : ActivationGradientOpInterface::ExternalModel<WherePositiveModel, nn::WherePositiveOp> {
  nn::Activation getGradientActivation(Operation *op) const {
    return matchPattern(cast<nn::WherePositiveOp>(op).getB(), m_AnyZeroFloat()) ? nn::Activation::Relu
                                                                                : nn::Activation::None;
  }
  Value getResultGradient(Operation *op) const { return cast<nn::WherePositiveOp>(op).getA(); }
  Value getGradientAt(Operation *op) const { return cast<nn::WherePositiveOp>(op).getCondition(); }
};

struct GeluGradientModel
    : ActivationGradientOpInterface::ExternalModel<GeluGradientModel, nn::GeluGradientOp> {
  nn::Activation getGradientActivation(Operation *op) const {
    return cast<nn::GeluGradientOp>(op).getApproximate() ? nn::Activation::GeluTanh : nn::Activation::Gelu;
  }
  Value getResultGradient(Operation *op) const { return cast<nn::GeluGradientOp>(op).getDy(); }
  Value getGradientAt(Operation *op) const { return cast<nn::GeluGradientOp>(op).getX(); }
};

template <typename Op, typename Bias>
void takesEpilogue(MLIRContext *context) {
  Op::template attachInterface<EpilogueModel<Op, Bias>>(*context);
}

template <typename Op, nn::Activation activation>
void isActivation(MLIRContext *context) {
  Op::template attachInterface<ActivationModel<Op, activation>>(*context);
}

} // namespace

void fusion::registerEpilogueExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    takesEpilogue<nn::MatmulOp, OptionalBias<-1>>(context);
    takesEpilogue<nn::ConvOp, OptionalBias<1>>(context);
    takesEpilogue<nn::MaxPoolOp, NoBias>(context);
    takesEpilogue<nn::BatchNormTrainingOp, NoBias>(context);

    isActivation<nn::ReluOp, nn::Activation::Relu>(context);
    isActivation<nn::LeakyReluOp, nn::Activation::LeakyRelu>(context);
    isActivation<nn::EluOp, nn::Activation::Elu>(context);
    isActivation<nn::SigmoidOp, nn::Activation::Sigmoid>(context);
    isActivation<nn::TanhOp, nn::Activation::Tanh>(context);
    nn::GeluOp::attachInterface<GeluModel>(*context);

    nn::WherePositiveOp::attachInterface<WherePositiveModel>(*context);
    nn::GeluGradientOp::attachInterface<GeluGradientModel>(*context);
  });
}
