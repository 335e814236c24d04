// Which nn ops take an epilogue, and which can become one.
#include "lib/Fusion/ExternalModels.h"

#include "dtc/Fusion/EpilogueInterfaces.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::fusion;

#include "dtc/Fusion/EpilogueInterfaces.cpp.inc"

namespace {

/// An op with the attributes `activation` and `alpha`, result `y`; the policy
/// `Bias` knows about its bias, `Gradient` about the gradient of an activation.
template <typename Op, typename Bias, typename Gradient>
struct EpilogueModel
    : EpilogueOpInterface::ExternalModel<EpilogueModel<Op, Bias, Gradient>, Op> {
  OpResult getEpilogueResult(Operation *op) const {
    return cast<OpResult>(cast<Op>(op).getY());
  }
  std::optional<int64_t> getBiasDimension(Operation *op) const {
    if (!takesActivation(op, nn::Activation::None))
      return std::nullopt;
    return Bias::dimension(cast<Op>(op));
  }
  void setBias(Operation *op, Value bias) const {
    Bias::set(cast<Op>(op), bias);
  }
  bool takesResidual(Operation *op) const {
    if constexpr (hasResidual)
      return !cast<Op>(op).getResidual() && takesActivation(op, nn::Activation::None);
    return false;
  }
  void setResidual(Operation *op, Value residual) const {
    if constexpr (hasResidual)
      cast<Op>(op).getResidualMutable().assign(residual);
  }
  bool takesActivation(Operation *op, nn::Activation) const {
    return cast<Op>(op).getActivation() == nn::Activation::None && !Gradient::at(cast<Op>(op));
  }
  void setActivation(Operation *op, nn::Activation activation,
                     double alpha) const {
    cast<Op>(op).setActivation(activation);
    cast<Op>(op).setAlpha(APFloat(alpha));
  }
  bool takesActivationGradient(Operation *op, nn::Activation) const {
    return Gradient::taken && getBiasDimension(op);
  }
  void setActivationGradient(Operation *op, nn::Activation activation, Value at) const {
    Gradient::set(cast<Op>(op), activation, at);
  }

private:
  static constexpr bool hasResidual = requires(Op typed) { typed.getResidual(); };
};

/// A bias operand with one element for each index of a dimension of the result
/// (counted from the end if negative).
template <typename Op, int64_t position>
struct OptionalBias {
  static std::optional<int64_t> dimension(Op op) {
    if (op.getBias())
      return std::nullopt;
    return position < 0 ? op.getY().getType().getRank() + position : position;
  }
  static void set(Op op, Value bias) { op.getBiasMutable().assign(bias); }
};

struct NoBias {
  static std::optional<int64_t> dimension(Operation *) { return std::nullopt; }
  static void set(Operation *, Value) {
    llvm_unreachable("an op without a bias dimension takes no bias");
  }
};

/// Operand `gradient_at` and attribute `activation_gradient`, in place of bias and activation.
struct GradientOfActivation {
  static constexpr bool taken = true;
  static Value at(nn::MatmulOp op) { return op.getGradientAt(); }
  static void set(nn::MatmulOp op, nn::Activation activation, Value at) {
    op.setActivationGradient(activation);
    op.getGradientAtMutable().assign(at);
  }
};

struct NoGradient {
  static constexpr bool taken = false;
  static Value at(Operation *) { return {}; }
  static void set(Operation *, nn::Activation, Value) {
    llvm_unreachable("the op takes no activation's gradient");
  }
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

template <typename Op, typename Bias, typename Gradient = NoGradient>
void takesEpilogue(MLIRContext *context) {
  Op::template attachInterface<EpilogueModel<Op, Bias, Gradient>>(*context);
}

template <typename Op, nn::Activation activation>
void isActivation(MLIRContext *context) {
  Op::template attachInterface<ActivationModel<Op, activation>>(*context);
}

} // namespace

void fusion::registerEpilogueExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    takesEpilogue<nn::MatmulOp, OptionalBias<nn::MatmulOp, -1>, GradientOfActivation>(context);
    takesEpilogue<nn::ConvOp, OptionalBias<nn::ConvOp, 1>>(context);
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
