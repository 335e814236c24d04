// Elementwise ops. Operands broadcast as in numpy; the result has the
// broadcast shape. bf16 operands are widened and the formula is that of f32; with
// one of them the result is rounded to bf16, whatever the others are. Integers wrap around;
// what divides them by 0 gives 0 (numpy).
#ifndef DTC_NN_ELEMENTWISE_OPS
#define DTC_NN_ELEMENTWISE_OPS

include "dialects/NN/NNOpBase.td"

// Marks ops that compute every result element from one element of each operand.
def NN_Elementwise : NativeOpTrait<"Elementwise"> {
  let cppNamespace = "::dtc::nn";
}

// What is added, compared and ordered.
def NN_Number : StaticShapeTensorOf<[BF16, F32, F64, I64, I32]>;
// Truth values, and integers as their bits.
def NN_Bits : StaticShapeTensorOf<[I1, I64, I32]>;

class NN_ElementwiseOp<string mnemonic, list<Trait> traits = [], TypeConstraint type = NN_Tensor>
    : NN_InferredOp<mnemonic, !listconcat([NN_Elementwise], traits)> {
  let results = (outs type:$result);
}

class NN_UnaryOp<string mnemonic, string formula, dag attributes = (ins), TypeConstraint type = NN_Tensor>
    : NN_ElementwiseOp<mnemonic, [], type> {
  let summary = formula;
  let arguments = !con((ins type:$x), attributes);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferElementwise(location, adaptor.getOperands(), types);
    }
  }];
}

class NN_BinaryOp<string mnemonic, string formula, list<Trait> traits = [], TypeConstraint type = NN_Number>
    : NN_ElementwiseOp<mnemonic, traits, type> {
  let summary = formula;
  let arguments = (ins type:$a, type:$b);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferElementwise(location, adaptor.getOperands(), types);
    }
  }];
}

class NN_ComparisonOp<string mnemonic, string formula, list<Trait> traits = [], TypeConstraint type = NN_Number>
    : NN_ElementwiseOp<mnemonic, traits, NN_Boolean> {
  let summary = formula;
  let arguments = (ins type:$a, type:$b);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferComparison(location, adaptor.getOperands(), types);
    }
  }];
}

def NN_NegOp     : NN_UnaryOp<"neg", "-x", (ins), NN_Number>;
def NN_AbsOp     : NN_UnaryOp<"abs", "x without its sign", (ins), NN_Number>;
def NN_SignOp    : NN_UnaryOp<"sign", "1 where x is above 0, -1 where it is below, else 0, at NaN too (torch.sign)", (ins), NN_Number>;
def NN_FloorOp   : NN_UnaryOp<"floor", "the next integer at or below x">;
def NN_CeilOp    : NN_UnaryOp<"ceil", "the next integer at or above x">;
def NN_RoundOp   : NN_UnaryOp<"round", "the nearest integer, ties to even">;
def NN_ExpOp     : NN_UnaryOp<"exp", "e^x">;
def NN_LogOp     : NN_UnaryOp<"log", "natural logarithm of x">;
def NN_SqrtOp    : NN_UnaryOp<"sqrt", "square root of x">;
def NN_SinOp     : NN_UnaryOp<"sin", "sine of x">;
def NN_CosOp     : NN_UnaryOp<"cos", "cosine of x">;
def NN_TanOp     : NN_UnaryOp<"tan", "tangent of x">;
def NN_AsinOp    : NN_UnaryOp<"asin", "the angle from -pi/2 to pi/2 whose sine is x">;
def NN_AcosOp    : NN_UnaryOp<"acos", "the angle from 0 to pi whose cosine is x">;
def NN_AtanOp    : NN_UnaryOp<"atan", "the angle from -pi/2 to pi/2 whose tangent is x">;
def NN_SinhOp    : NN_UnaryOp<"sinh", "hyperbolic sine of x">;
def NN_CoshOp    : NN_UnaryOp<"cosh", "hyperbolic cosine of x">;
def NN_AsinhOp   : NN_UnaryOp<"asinh", "whose hyperbolic sine is x">;
def NN_AcoshOp   : NN_UnaryOp<"acosh", "the number from 0 on whose hyperbolic cosine is x">;
def NN_AtanhOp   : NN_UnaryOp<"atanh", "whose hyperbolic tangent is x">;
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

// Their gradients are taken from x alone: nothing but x and the result is written.
def NN_SoftplusOp : NN_UnaryOp<"softplus", "log(1 + e^x)">;
def NN_SiluOp     : NN_UnaryOp<"silu", "x / (1 + e^-x) (ONNX Swish, torch.nn.SiLU)">;
def NN_MishOp     : NN_UnaryOp<"mish", "x tanh(log(1 + e^x)) (Misra 2019)">;
def NN_HardSigmoidOp : NN_UnaryOp<"hard_sigmoid", "alpha x + beta, cut off at 0 and 1",
                                  (ins F64Attr:$alpha, F64Attr:$beta)>;
def NN_HardSwishOp : NN_UnaryOp<"hard_swish", "x times (x / 6 + 1/2, cut off at 0 and 1) (Howard et al. 2019)">;

def NN_ClipOp : NN_UnaryOp<"clip", "x, but min where it is below, and max where it is above",
                           (ins OptionalAttr<F64Attr>:$min, OptionalAttr<F64Attr>:$max)> {
  let description = [{
    Where min is above max, max; NaN stays NaN. The gradient is 1 between the bounds and 0 at them, as torch.clamp's is from PyTorch 2.15 on.
    A bound that is no constant is an operand of `nn.max` or `nn.min`, as are those of integers.
  }];
  let hasVerifier = 1;
}

def NN_AddOp : NN_BinaryOp<"add", "a + b", [Commutative]>;
def NN_SubOp : NN_BinaryOp<"sub", "a - b">;
def NN_MulOp : NN_BinaryOp<"mul", "a * b", [Commutative]>;
def NN_DivOp : NN_BinaryOp<"div", "a / b; of integers, rounded towards 0">;
def NN_PowOp : NN_BinaryOp<"pow", "a to the power b; of integers, rounded towards 0 where b is negative">;
def NN_ModOp : NN_BinaryOp<"mod", "what a / b leaves: of integers with b's sign (Python's %), else with a's (C's fmod)">;
// NaN if one of them is (torch.maximum); two that are equal share the gradient.
def NN_MinOp : NN_BinaryOp<"min", "the smaller of a and b", [Commutative]>;
def NN_MaxOp : NN_BinaryOp<"max", "the larger of a and b", [Commutative]>;

def NN_EqualOp          : NN_ComparisonOp<"equal", "a = b", [Commutative], NN_AnyTensor>;
def NN_LessOp           : NN_ComparisonOp<"less", "a < b">;
def NN_LessOrEqualOp    : NN_ComparisonOp<"less_or_equal", "a <= b">;
def NN_GreaterOp        : NN_ComparisonOp<"greater", "a > b">;
def NN_GreaterOrEqualOp : NN_ComparisonOp<"greater_or_equal", "a >= b">;

def NN_AndOp : NN_BinaryOp<"and", "whether both hold; of integers, bit by bit", [Commutative], NN_Bits>;
def NN_OrOp  : NN_BinaryOp<"or", "whether one or both hold; of integers, bit by bit", [Commutative], NN_Bits>;
def NN_XorOp : NN_BinaryOp<"xor", "whether one alone holds; of integers, bit by bit", [Commutative], NN_Bits>;
def NN_NotOp : NN_UnaryOp<"not", "whether x does not hold; of integers, bit by bit", (ins), NN_Bits>;

def NN_WhereOp : NN_ElementwiseOp<"where", [], NN_AnyTensor> {
  let summary = "a where the condition holds, else b";
  let arguments = (ins NN_Boolean:$condition, NN_AnyTensor:$a, NN_AnyTensor:$b);
  let assemblyFormat = [{
    $condition `,` $a `,` $b attr-dict `:` type($condition) `,` type($a) `,` type($b)
  }];
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *, ::std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferWhere(location, adaptor.getOperands(), types);
    }
  }];
}

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
  let summary = "x in another element type (ONNX Cast)";
  let description = [{
    A floating-point result is rounded to the nearest, ties to even (an integer becomes bf16 by way of f32). A number becomes an integer by
    cutting off what is behind the point, what is too large for it its largest or smallest value, and NaN 0; an integer that is too large for
    a narrower one loses its upper bits. Whatever is not 0, NaN among it, is true; true is 1, false 0. Integers and booleans have no gradient.

    dtc-lower-precision sets those to and from bf16. Of two casts one is left where that changes no value: back to bf16 what was widened from it.

    ```mlir
    %w = nn.cast %weight : tensor<32x1x3x3xf32> -> tensor<32x1x3x3xbf16>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$x);
  let results = (outs NN_AnyTensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($y)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // DTC_NN_ELEMENTWISE_OPS
