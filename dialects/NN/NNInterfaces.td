// What ops of the nn dialect have in common beyond their traits.
#ifndef DTC_NN_INTERFACES
#define DTC_NN_INTERFACES

include "mlir/IR/OpBase.td"

def NN_TakesEpilogue : OpInterface<"TakesEpilogue"> {
  let cppNamespace = "::dtc::nn";
  let description = [{
    An op whose call may have an epilogue, which applies to its first result. The Fusion stage alone sets one.
  }];
  let methods = [
    StaticInterfaceMethod<"Which epilogues there may be.", "::dtc::nn::EpilogueForms", "getEpilogueForms">,
    InterfaceMethod<"The epilogue; null if there is none.", "::dtc::nn::EpilogueAttr", "getEpilogueAttr">,
    InterfaceMethod<"The residual, or where the gradient is taken; null if there is neither.",
      "::mlir::Value", "getEpilogueOperand">,
    InterfaceMethod<"To set it together with its operand.", "void", "setEpilogueAttr", (ins "::dtc::nn::EpilogueAttr":$epilogue)>,
    InterfaceMethod<"That operand, to set it.", "::mlir::MutableOperandRange", "getEpilogueOperandMutable">
  ];
  let extraSharedClassDeclaration = [{
    /// What is applied last.
    ::dtc::nn::Activation getActivation() {
      ::dtc::nn::EpilogueAttr epilogue = $_op.getEpilogueAttr();
      return epilogue ? epilogue.getActivation() : ::dtc::nn::Activation::None;
    }
    /// The activation's parameter; 0 where it has none.
    double getActivationAlpha() {
      ::dtc::nn::EpilogueAttr epilogue = $_op.getEpilogueAttr();
      return epilogue ? double(epilogue.getAlpha()) : 0;
    }
    /// What is added before the activation, or null.
    ::mlir::Value getResidual() {
      ::dtc::nn::EpilogueAttr epilogue = $_op.getEpilogueAttr();
      return epilogue && epilogue.getResidual() ? ::mlir::Value($_op.getEpilogueOperand()) : ::mlir::Value();
    }
    /// By whose derivative the result is multiplied.
    ::dtc::nn::Activation getActivationGradient() {
      ::dtc::nn::EpilogueAttr epilogue = $_op.getEpilogueAttr();
      return epilogue ? epilogue.getGradient() : ::dtc::nn::Activation::None;
    }
    /// Where that derivative is taken, or null.
    ::mlir::Value getGradientAt() {
      ::dtc::nn::EpilogueAttr epilogue = $_op.getEpilogueAttr();
      return epilogue && epilogue.hasGradient() ? ::mlir::Value($_op.getEpilogueOperand()) : ::mlir::Value();
    }
  }];
  let verify = "return ::dtc::nn::verifyEpilogue($_op);";
}

#endif // DTC_NN_INTERFACES
