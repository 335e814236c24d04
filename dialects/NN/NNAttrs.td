// Attributes of the nn dialect: initial values, losses, optimizers, the recipe.
#ifndef DTC_NN_ATTRS
#define DTC_NN_ATTRS

include "dialects/NN/NNDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class NN_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<NN_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Initial values
//===----------------------------------------------------------------------===//

def NN_UniformAttr : NN_Attr<"Uniform", "uniform"> {
  let summary = "uniform on [-bound, bound)";
  let description = [{
    PyTorch's default for linear and convolution layers is
    `bound = 1 / sqrt(fan_in)` for weights and biases alike.
  }];
  let parameters = (ins "::dtc::nn::Real":$bound);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def NN_NormalAttr : NN_Attr<"Normal", "normal"> {
  let summary = "normal distribution";
  let parameters = (ins "::dtc::nn::Real":$mean, "::dtc::nn::Real":$stddev);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def NN_ConstantInitAttr : NN_Attr<"ConstantInit", "constant"> {
  let summary = "every element the same value";
  let parameters = (ins "::dtc::nn::Real":$value);
  let assemblyFormat = "`<` struct(params) `>`";
}

//===----------------------------------------------------------------------===//
// Losses (the reduction is the mean over samples and positions)
//===----------------------------------------------------------------------===//

def NN_CrossEntropyAttr : NN_Attr<"CrossEntropy", "cross_entropy"> {
  let summary = "cross-entropy of logits against class ids (torch.nn.CrossEntropyLoss)";
  let description = "The classes are the last dimension; labels are `i64` without it.";
}

def NN_MeanSquaredErrorAttr : NN_Attr<"MeanSquaredError", "mse"> {
  let summary = "mean squared error (torch.nn.MSELoss)";
}

def NN_BinaryCrossEntropyAttr : NN_Attr<"BinaryCrossEntropy", "bce"> {
  let summary = "binary cross-entropy of probabilities (torch.nn.BCELoss)";
}

def NN_BinaryCrossEntropyWithLogitsAttr : NN_Attr<"BinaryCrossEntropyWithLogits", "bce_logits"> {
  let summary = "binary cross-entropy of logits (torch.nn.BCEWithLogitsLoss)";
}

//===----------------------------------------------------------------------===//
// Optimizers (definitions and defaults: PyTorch's)
//===----------------------------------------------------------------------===//

def NN_SGDAttr : NN_Attr<"SGD", "sgd"> {
  let summary = "stochastic gradient descent (torch.optim.SGD)";
  let parameters = (ins
    "::dtc::nn::Real":$lr,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(0.0)">:$momentum,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(0.0)">:$dampening,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(0.0)">:$weight_decay,
    DefaultValuedParameter<"bool", "false">:$nesterov);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def NN_AdamAttr : NN_Attr<"Adam", "adam"> {
  let summary = "Adam (torch.optim.Adam); `decoupled` makes it AdamW (torch.optim.AdamW)";
  let parameters = (ins
    "::dtc::nn::Real":$lr,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(0.9)">:$beta1,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(0.999)">:$beta2,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(1e-8)">:$epsilon,
    DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real(0.0)">:$weight_decay,
    DefaultValuedParameter<"bool", "false">:$decoupled);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Recipe
//===----------------------------------------------------------------------===//

def NN_RecipeAttr : NN_Attr<"Recipe", "recipe"> {
  let summary = "how a model is trained: loss, optimizer, global batch";
  let description = [{
    `loss` and `optimizer` are any attributes with the loss and optimizer
    interfaces of the Autodiff stage. `batch` is the GLOBAL batch.

    ```mlir
    #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.adam<lr = 1.0e-3>, batch = 256>
    ```
  }];
  let parameters = (ins "::mlir::Attribute":$loss,
                        "::mlir::Attribute":$optimizer,
                        "int64_t":$batch);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Activations that a library call can apply to its result
//===----------------------------------------------------------------------===//

def NN_Activation : I32EnumAttr<"Activation", "elementwise epilogue", [
    I32EnumAttrCase<"None", 0, "none">,
    I32EnumAttrCase<"Relu", 1, "relu">,
    I32EnumAttrCase<"LeakyRelu", 2, "leaky_relu">,
    I32EnumAttrCase<"Elu", 3, "elu">,
    I32EnumAttrCase<"Sigmoid", 4, "sigmoid">,
    I32EnumAttrCase<"Tanh", 5, "tanh">,
    I32EnumAttrCase<"Gelu", 6, "gelu">,
    I32EnumAttrCase<"GeluTanh", 7, "gelu_tanh">]> {
  let cppNamespace = "::dtc::nn";
  let genSpecializedAttr = 0;
}
def NN_ActivationAttr : EnumAttr<NN_Dialect, NN_Activation, "activation">;

#endif // DTC_NN_ATTRS
