// What all nn ops share: tensor types, shape inference, documentation classes.
#ifndef DTC_NN_OP_BASE
#define DTC_NN_OP_BASE

include "dialects/NN/NNAttrs.td"
include "dialects/NN/NNInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Ranked, static, floating point (f64 only occurs where gradients are checked;
// bf16 holds activations and copies of weights under mixed precision).
def NN_Tensor : StaticShapeTensorOf<[BF16, F32, F64]>;
// What mixed precision leaves alone: parameters, statistics, sums.
def NN_FullTensor : StaticShapeTensorOf<[F32, F64]>;
// What is counted, compared and chosen by; it has no gradient. Integers wrap around, as PyTorch's and ONNX's do.
def NN_Integer : StaticShapeTensorOf<[I64, I32]>;
def NN_Boolean : StaticShapeTensorOf<[I1]>;
// What ops that move elements take.
def NN_AnyTensor : StaticShapeTensorOf<[BF16, F32, F64, I64, I32, I1]>;
def NN_Scalar : 0DTensorOf<[F32, F64]>;
def NN_Label  : StaticShapeTensorOf<[I64, F32, F64]>;
def NN_ClassIds : StaticShapeTensorOf<[I64]>;
// Where in its window a maximum stood; wide enough for the window's size.
def NN_WindowIndex : StaticShapeTensorOf<[UI8, I32]>;

class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)>;

// An op whose single result type follows from its operands and attributes.
class NN_InferredOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([InferTypeOpAdaptor], traits)>;

// An inferred op that takes an epilogue; `forms` initialises an EpilogueForms. Its arguments end with
// NN_EpilogueArguments, its format has NN_epilogueFormat.
class NN_EpilogueOp<string mnemonic, string forms, list<Trait> traits = []>
    : NN_InferredOp<mnemonic, !listconcat([NN_TakesEpilogue], traits)> {
  let extraClassDeclaration = "static EpilogueForms getEpilogueForms() { return {" # forms # "}; }";
}
defvar NN_EpilogueArguments = (ins OptionalAttr<NN_EpilogueAttr>:$epilogue, Optional<NN_Tensor>:$epilogue_operand);
defvar NN_epilogueFormat = "(`epilogue` `` $epilogue^ (`(` $epilogue_operand^ `)`)?)?";

#endif // DTC_NN_OP_BASE
