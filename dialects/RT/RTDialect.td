// The rt dialect: buffers, kernels and runtime calls of one role.
#ifndef DTC_RT_DIALECT
#define DTC_RT_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/CommonTypeConstraints.td"

def RT_Dialect : Dialect {
  let name = "rt";
  let cppNamespace = "::dtc::rt";
  let summary = "Buffers at fixed offsets, kernels, and one op for one runtime call";
  let description = [{
    An `rt.program` is all that the ranks of one role hold and do: its buffers,
    its kernels, its fragments (lists of calls) and its timelines. The emitter
    prints it op by op; nothing is decided after this level.

    Buffers are memrefs of logical shape. Their strides say how they lie:
    row-major without a layout, channels-last as
    `memref<64x32x26x26xf32, strided<[21632, 1, 832, 32]>>`.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class RT_Op<string mnemonic, list<Trait> traits = []>
    : Op<RT_Dialect, mnemonic, traits>;

def RT_Pending : TypeDef<RT_Dialect, "Pending"> {
  let mnemonic = "pending";
  let summary = "communication under way";
}

// Upstream's strided memrefs are told by making affine expressions of each, which took a third of a compilation.
def RT_Memory : ConfinedType<AnyMemRef, [CPred<"::dtc::rt::isMemory(::llvm::cast<::mlir::MemRefType>($_self))">],
                             "memref that is row-major or has strides">;

def RT_Sum : AttrDef<RT_Dialect, "Sum"> {
  let mnemonic = "sum";
  let summary = "a sum over a matrix that a callee can write besides its result";
  let description = [{
    `of` counts the call's inputs and then its outputs; `axes` are summed over,
    which leaves one f32 for each index of the others. The callee writes
    it to the buffer that is passed as `option`.

    ```mlir
    #rt.sum<"bias_gradient_a", of 0 over[0]>
    ```
  }];
  let parameters = (ins StringRefParameter<"the buffer's name">:$option, "int64_t":$operand,
                        ArrayRefParameter<"int64_t">:$axes);
  let assemblyFormat = "`<` $option `,` `of` $operand `over` `[` $axes `]` `>`";
}

def RT_BufferKind : I32EnumAttr<"BufferKind", "what a buffer is for", [
    I32EnumAttrCase<"Input", 0, "input">,
    I32EnumAttrCase<"Label", 1, "label">,
    I32EnumAttrCase<"SampleWeight", 2, "sample_weight">,
    I32EnumAttrCase<"Step", 3, "step">,
    I32EnumAttrCase<"Parameter", 4, "parameter">,
    I32EnumAttrCase<"State", 5, "state">,
    I32EnumAttrCase<"Loss", 6, "loss">,
    I32EnumAttrCase<"Correct", 7, "correct">,
    I32EnumAttrCase<"Bucket", 8, "bucket">,
    I32EnumAttrCase<"Temporary", 9, "temporary">,
    I32EnumAttrCase<"Statistic", 10, "statistic">,
    I32EnumAttrCase<"LearningRate", 11, "learning_rate">,
    I32EnumAttrCase<"SampleIndex", 12, "sample_index">,
    I32EnumAttrCase<"LossWeight", 13, "loss_weight">,
    I32EnumAttrCase<"Output", 14, "output">]> {
  let cppNamespace = "::dtc::rt";
  let genSpecializedAttr = 0;
}
def RT_BufferKindAttr : EnumAttr<RT_Dialect, RT_BufferKind, "kind">;

#endif // DTC_RT_DIALECT
