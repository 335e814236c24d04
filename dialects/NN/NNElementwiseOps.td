// Elementwise ops. Operands broadcast as in numpy; the result has the
// broadcast shape. bf16 operands are widened and the formula is that of f32; with
// one of them the result is rounded to bf16, whatever the others are.
#ifndef DTC_NN_ELEMENTWISE_OPS
#define DTC_NN_ELEMENTWISE_OPS

include "dialects/NN/NNOpBase.td"

// Marks ops that compute every result element from one element of each operand.
def NN_Elementwise : NativeOpTrait<"Elementwise"> {
  let cppNamespace = "::dtc::nn";
}

class NN_ElementwiseOp<string mnemonic, list<Trait> traits = []>
    : NN_InferredOp<mnemonic, !listconcat([NN_Elementwise], traits)> {
  let results = (outs NN_Tensor:$result);
}

class NN_UnaryOp<string mnemonic, string formula, dag attributes = (ins)>
    : NN_ElementwiseOp<mnemonic> {
  let summary = formula;
  let arguments = !con((ins NN_Tensor:$x), attributes);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferElementwise(location, adaptor.getOperands(), types);
    }
  }];
}

class NN_BinaryOp<string mnemonic, string formula, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, traits> {
  let summary = formula;
  let arguments = (ins NN_Tensor:$a, NN_Tensor:$b);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferElementwise(location, adaptor.getOperands(), types);
    }
  }];
}

def NN_NegOp     : NN_UnaryOp<"neg", "-x">;
def NN_ExpOp     : NN_UnaryOp<"exp", "e^x">;
def NN_LogOp     : NN_UnaryOp<"log", "natural logarithm of x">;
def NN_SqrtOp    : NN_UnaryOp<"sqrt", "square root of x">;
def NN_ReluOp    : NN_UnaryOp<"relu", "max(x, 0)">;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", "1 / (1 + e^-x)">;
def NN_TanhOp    : NN_UnaryOp<"tanh", "hyperbolic tangent of x">;
def NN_LeakyReluOp : NN_UnaryOp<"leaky_relu", "x where x > 0, else alpha x",
                                (ins F64Attr:$alpha)>;
def NN_EluOp     : NN_UnaryOp<"elu", "x where x > 0, else alpha (e^x - 1)",
                              (ins F64Attr:$alpha)>;
def NN_ErfOp     : NN_UnaryOp<"erf", "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x">;

// Hendrycks & Gimpel 2016. ONNX Gelu, torch.nn.GELU; `approximate` is their "tanh".
def NN_GeluOp : NN_UnaryOp<"gelu", "x / 2 (1 + erf(x / sqrt(2))), or that with tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for erf",
                           (ins UnitAttr:$approximate)>;

def NN_AddOp : NN_BinaryOp<"add", "a + b", [Commutative]>;
def NN_SubOp : NN_BinaryOp<"sub", "a - b">;
def NN_MulOp : NN_BinaryOp<"mul", "a * b", [Commutative]>;
def NN_DivOp : NN_BinaryOp<"div", "a / b">;
def NN_PowOp : NN_BinaryOp<"pow", "a to the power b">;

def NN_WherePositiveOp : NN_ElementwiseOp<"where_positive"> {
  let summary = "b where condition <= 0, else a";
  let description = [{
    What the derivatives of relu and its relatives are made of. The subgradient
    at 0 is `b`'s side, and NaN takes `a`'s, as relu's does in PyTorch.
  }];
  let arguments = (ins NN_Tensor:$condition, NN_Tensor:$a, NN_Tensor:$b);
  let assemblyFormat = [{
    $condition `,` $a `,` $b attr-dict `:` type($condition) `,` type($a) `,` type($b)
  }];
  let extraClassDefinition = NN_AddOp.extraClassDefinition;
}

def NN_GeluGradientOp : NN_ElementwiseOp<"gelu_gradient"> {
  let summary = "dy times the derivative of gelu at x";
  let arguments = (ins NN_Tensor:$dy, NN_Tensor:$x, UnitAttr:$approximate);
  let assemblyFormat = "$dy `,` $x attr-dict `:` type($dy) `,` type($x)";
  let extraClassDefinition = NN_AddOp.extraClassDefinition;
}

def NN_CastOp : NN_Op<"cast", [NN_Elementwise]> {
  let summary = "x in another element type, rounded to the nearest even (ONNX Cast)";
  let description = [{
    Set by dtc-lower-precision. Of two casts one is left where that changes no value: back to bf16 what was widened from it.

    ```mlir
    %w = nn.cast %weight : tensor<32x1x3x3xf32> -> tensor<32x1x3x3xbf16>
    ```
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // DTC_NN_ELEMENTWISE_OPS
