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
  let description = [{
    `class_axis` is the dimension of the classes, -1: the last; labels are `i64` without it. Labels that are `ignore_index` do not count,
    others by the `class_weights` of their classes, if there are any. The mean divides by what the labels of the GLOBAL batch count, and is 0
    where none counts; `sum` is no mean.

    ```mlir
    #nn.cross_entropy
    #nn.cross_entropy<ignore_index = -100, label_smoothing = 1.0e-1>
    #nn.cross_entropy<class_axis = 1, class_weights = [1.0, 2.5]>
    ```
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "-1">:$class_axis, OptionalParameter<"::std::optional<int64_t>">:$ignore_index,
                        DefaultValuedParameter<"::dtc::nn::Real", "::dtc::nn::Real()">:$label_smoothing,
                        OptionalArrayRefParameter<"::dtc::nn::Real">:$class_weights, DefaultValuedParameter<"bool", "false">:$sum);
  let builders = [AttrBuilder<(ins), [{ return $_get($_ctxt, -1, ::std::nullopt, ::dtc::nn::Real(), ::llvm::ArrayRef<::dtc::nn::Real>(), false); }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
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
// Optimizers
//===----------------------------------------------------------------------===//

def NN_OptimizerAttr : AttrDef<NN_Dialect, "Optimizer"> {
  let summary = "an optimizer with its settings";
  let description = [{
    Which optimizers there are, their settings and their formulas is lib/Optimizers'. The mnemonic is the optimizer's name;
    settings stand in its order, those at their defaults are left out but for the learning rate.

    ```mlir
    #nn.adamw<lr = 1.0e-3, weight_decay = 1.0e-4, amsgrad = true>
    ```
  }];
  // It prints under the name of its optimizer.
  let attrName = "nn.optimizer";
  // rate_scale: what the step's learning rate is multiplied by; it prints behind the settings where it is not 1.
  let parameters = (ins "const ::dtc::Optimizer *":$entry, ArrayRefParameter<"::dtc::nn::Real">:$values, "::dtc::nn::Real":$rate_scale);
  let builders = [AttrBuilder<(ins "const ::dtc::Optimizer *":$entry, "::llvm::ArrayRef<::dtc::nn::Real>":$values), [{
    return $_get($_ctxt, entry, values, ::dtc::nn::Real(1));
  }]>];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::llvm::StringRef getName() const { return getEntry()->name; }
    /// One a setting of the entry.
    ::llvm::SmallVector<double> getNumbers() const {
      return ::llvm::SmallVector<double>(getValues().begin(), getValues().end());
    }
    double getLearningRate() const { return getValues().front(); }
    /// The same optimizer for a parameter that moves `scale` times as fast; without weight decay if `decays` is false.
    OptimizerAttr forParameter(double scale, bool decays) const;
    /// The states that these settings need, in order.
    ::std::vector<const ::dtc::OptimizerState *> getStates() const;
    /// What every element of a state starts as, an `nn.init`.
    ::mlir::Attribute getInit(const ::dtc::OptimizerState &state) const;
    /// What the formula costs. Thread-safe.
    ::dtc::FormulaSize getFormulaSize() const;
  }];
}

//===----------------------------------------------------------------------===//
// Recipe
//===----------------------------------------------------------------------===//

def NN_RecipeAttr : NN_Attr<"Recipe", "recipe"> {
  let summary = "how a model is trained: loss, optimizer, global batch";
  let description = [{
    `loss` is any attribute with the loss interface of the Autodiff stage, `optimizer` one of
    those in lib/Optimizers. `batch` is the GLOBAL batch.

    ```mlir
    #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.adam<lr = 1.0e-3>, batch = 256>
    ```
  }];
  let parameters = (ins "::mlir::Attribute":$loss,
                        "::mlir::Attribute":$optimizer,
                        "int64_t":$batch);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// 0 for what is no optimizer.
    double getLearningRate() const;
  }];
}

//===----------------------------------------------------------------------===//
// Epilogues: what a call does to its result before it writes it
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

def NN_EpilogueAttr : NN_Attr<"Epilogue", "epilogue"> {
  let summary = "what a call does to its result before it writes it";
  let description = [{
    Either an addition of a residual, then an activation, or one of both; or the result, which is the gradient of what
    an activation gave, is multiplied by the derivative of that activation. The residual, or where the derivative is
    taken (what the activation was given; relu's result does as well), is an operand of the op.

    ```mlir
    #nn.epilogue<activation = leaky_relu, alpha = 1.0e-1>
    #nn.epilogue<residual, activation = relu>
    #nn.epilogue<gradient = gelu>
    ```
  }];
  // alpha: the activation's parameter, 0 where it has none.
  let parameters = (ins "::dtc::nn::Activation":$activation, "::dtc::nn::Real":$alpha, "bool":$residual,
                        "::dtc::nn::Activation":$gradient);
  let builders = [
    AttrBuilder<(ins "::dtc::nn::Activation":$activation, CArg<"double", "0">:$alpha),
                "return $_get($_ctxt, activation, Real(alpha), /*residual=*/false, Activation::None);">
  ];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static EpilogueAttr ofResidual(::mlir::MLIRContext *context);
    static EpilogueAttr ofGradient(::mlir::MLIRContext *context, ::dtc::nn::Activation activation);
    bool hasGradient() const { return getGradient() != Activation::None; }
    /// Whether it has an operand.
    bool readsOperand() const { return getResidual() || hasGradient(); }
    /// This one, then `next`; null where no epilogue does that.
    EpilogueAttr then(EpilogueAttr next) const;
  }];
}

#endif // DTC_NN_ATTRS
