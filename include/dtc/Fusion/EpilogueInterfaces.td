// What an op answers when dtc-fuse-epilogues asks whether its library call can
// also add a bias or apply an activation.
#ifndef DTC_FUSION_EPILOGUE_INTERFACES
#define DTC_FUSION_EPILOGUE_INTERFACES

include "mlir/IR/OpBase.td"

def EpilogueOpInterface : OpInterface<"EpilogueOpInterface"> {
  let cppNamespace = "::dtc::fusion";
  let description = [{
    An op whose call can apply work to its result before it writes it: first a
    bias or a residual, then an activation; or the gradient of an activation.
  }];
  let methods = [
    InterfaceMethod<"The result that bias and activation apply to.",
      "::mlir::OpResult", "getEpilogueResult">,
    InterfaceMethod<[{
      The dimension of the epilogue result along which a bias still to be given
      runs; nothing if the op takes no bias, has one, or already has an
      activation, which would have to come after it. An op that takes a bias
      has one result alone.
    }], "::std::optional<int64_t>", "getBiasDimension">,
    InterfaceMethod<"Gives the op a bias of rank 1 as long as its dimension.",
      "void", "setBias", (ins "::mlir::Value":$bias)>,
    InterfaceMethod<[{
      Whether the op can add a tensor of its result's type to it besides what it does now.
    }], "bool", "takesResidual", (ins), "", "return false;">,
    InterfaceMethod<"Gives an op that takes one a residual.",
      "void", "setResidual", (ins "::mlir::Value":$residual), "",
      [{ llvm_unreachable("an op that takes no residual"); }]>,
    InterfaceMethod<"Whether the op can apply this activation besides what it does now.",
      "bool", "takesActivation", (ins "::dtc::nn::Activation":$activation)>,
    InterfaceMethod<"Gives the op an activation it takes.", "void", "setActivation",
      (ins "::dtc::nn::Activation":$activation, "double":$alpha)>,
    InterfaceMethod<"Whether it can multiply its result by the derivative of this activation.",
      "bool", "takesActivationGradient", (ins "::dtc::nn::Activation":$activation)>,
    InterfaceMethod<"Has it do so, at a tensor of the result's type.", "void", "setActivationGradient",
      (ins "::dtc::nn::Activation":$activation, "::mlir::Value":$at)>
  ];
}

def ActivationOpInterface : OpInterface<"ActivationOpInterface"> {
  let cppNamespace = "::dtc::fusion";
  let description = "An op of one operand that library calls know as an activation.";
  let methods = [
    InterfaceMethod<"Which activation it is.", "::dtc::nn::Activation", "getActivation">,
    InterfaceMethod<"Its parameter; 0 where the activation has none.",
      "double", "getActivationAlpha">
  ];
}

def ActivationGradientOpInterface : OpInterface<"ActivationGradientOpInterface"> {
  let cppNamespace = "::dtc::fusion";
  let description = "An op that may be a gradient times the derivative of an activation.";
  let methods = [
    InterfaceMethod<"Of which activation it is the gradient; none if this one is something else.",
      "::dtc::nn::Activation", "getGradientActivation">,
    InterfaceMethod<"The gradient of the activation's result.", "::mlir::Value", "getResultGradient">,
    InterfaceMethod<"Where the derivative is taken.", "::mlir::Value", "getGradientAt">
  ];
}

#endif // DTC_FUSION_EPILOGUE_INTERFACES
