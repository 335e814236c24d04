// What an op answers when dtc-fuse-epilogues asks whether its library call can
// also add a bias or apply an activation.
#ifndef DTC_FUSION_EPILOGUE_INTERFACES
#define DTC_FUSION_EPILOGUE_INTERFACES

include "mlir/IR/OpBase.td"

def EpilogueOpInterface : OpInterface<"EpilogueOpInterface"> {
  let cppNamespace = "::dtc::fusion";
  let description = [{
    An op whose call can apply work to its result before it writes it: it adds a bias, then it
    does what an `nn.epilogue` says.
  }];
  let methods = [
    InterfaceMethod<"The result that bias and epilogue apply to.",
      "::mlir::OpResult", "getEpilogueResult">,
    InterfaceMethod<[{
      Where a bias still to be given goes; nothing if the op takes none, has one, or already has an
      epilogue, which would have to come after it. An op that takes a bias has one result alone.
    }], "::std::optional<::dtc::fusion::BiasPlace>", "getBiasPlace">,
    InterfaceMethod<"Whether the op can do `more` behind what it does now.",
      "bool", "takes", (ins "::dtc::nn::EpilogueAttr":$more)>,
    InterfaceMethod<[{
      Has the op do what it takes. `operand` is what `more` reads, of the result's type; else null.
    }], "void", "give", (ins "::dtc::nn::EpilogueAttr":$more, "::mlir::Value":$operand)>
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
