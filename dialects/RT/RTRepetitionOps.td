// Ops of the rt dialect for what repeats: arrays of buffers, and loops over them.
#ifndef DTC_RT_REPETITION_OPS
#define DTC_RT_REPETITION_OPS

include "dialects/RT/RTDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def RT_Array : TypeDef<RT_Dialect, "Array"> {
  let mnemonic = "array";
  let summary = "buffers that differ in name and place alone";
  let parameters = (ins "::mlir::MemRefType":$element);
  let assemblyFormat = "`<` $element `>`";
}

def RT_PendingArray : TypeDef<RT_Dialect, "PendingArray"> {
  let mnemonic = "pending_array";
  let summary = "communication under way, one for each microbatch";
}

def RT_ArrayOp : RT_Op<"array", [HasParent<"ProgramOp">, Pure]> {
  let summary = "buffers that differ in name and place alone, in the order in which loops take them";
  let description = [{
    The members lie in the array: they have no other name in the emitted program. Buffers that loops take in
    several orders are members of one array at most; the others are `listed`: they only refer to them.

    ```mlir
    %weights = rt.array "fc.weight" of %fc0_weight, %fc1_weight, %fc2_weight : memref<8x8xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, Variadic<AnyStridedMemRef>:$members, UnitAttr:$listed);
  let results = (outs RT_Array:$array);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def RT_ElementOp : RT_Op<"element", [Pure]> {
  let summary = "the buffer of an array that a run of a loop takes";
  let description = [{
    In run k of the loop whose argument is `run`: member `at` + `step` * k.

    ```mlir
    %w = rt.element %weights at 1 step 1 of %run : !rt.array<memref<8x8xf32>>
    ```
  }];
  let arguments = (ins RT_Array:$array, Index:$run, I64Attr:$at, I64Attr:$step);
  let results = (outs AnyStridedMemRef:$memory);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def RT_RepeatOp : RT_Op<"repeat", [SingleBlock, NoTerminator,
    ParentOneOf<["FragmentOp", "TimelineOp", "RepeatOp"]>]> {
  let summary = "runs its body several times: equal layers, or microbatches of a steady state";
  let description = [{
    The body is the first run as it would stand without a loop, but for buffers that later runs replace: these are
    elements of arrays. In run k (from 0) every microbatch that the body names is `microbatch_step` * k more.
    `layers`: of each run, for the comment above the loop.

    ```mlir
    rt.call "matmul"(%h0, %w0) -> (%h1)
    rt.call "matmul"(%h1, %w1) -> (%h2)
    rt.call "matmul"(%h2, %w2) -> (%h3)
    // is
    rt.repeat 3 {
    ^bb0(%run: index):
      %x = rt.element %h at 0 step 1 of %run : !rt.array<memref<16x8xf32>>
      %w = rt.element %weights at 0 step 1 of %run : !rt.array<memref<8x8xf32>>
      %y = rt.element %h at 1 step 1 of %run : !rt.array<memref<16x8xf32>>
      rt.call "matmul"(%x, %w) -> (%y)
    }
    ```
  }];
  let arguments = (ins I64Attr:$count, OptionalAttr<I64Attr>:$microbatch_step,
                       OptionalAttr<StrArrayAttr>:$layers);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$count (`microbatch_step` $microbatch_step^)? (`layers` $layers^)? attr-dict-with-keyword $body";
  let extraClassDeclaration = [{
    /// By how much the microbatches of a run are above those of the run before.
    int64_t getMicrobatchShift() { return static_cast<int64_t>(getMicrobatchStep().value_or(0)); }
  }];
  let hasVerifier = 1;
}

def RT_PendingsOp : RT_Op<"pendings", [HasParent<"TimelineOp">]> {
  let summary = "places for communication under way, one for each microbatch";
  let arguments = (ins StrAttr:$name, I64Attr:$count);
  let results = (outs RT_PendingArray:$pendings);
  let assemblyFormat = "$name $count attr-dict";
}

class RT_KeptOp<string mnemonic> : RT_Op<mnemonic, [ParentOneOf<["TimelineOp", "RepeatOp"]>]>;

def RT_KeepOp : RT_KeptOp<"keep"> {
  let summary = "keeps communication under way in the place of its microbatch";
  let arguments = (ins RT_Pending:$pending, RT_PendingArray:$pendings, I64Attr:$microbatch);
  let assemblyFormat = "$pending `in` $pendings `microbatch` $microbatch attr-dict";
}

def RT_WaitKeptOp : RT_KeptOp<"wait_kept"> {
  let summary = "waits for the communication of a microbatch";
  let description = [{
    ```mlir
    %under_way = rt.pendings "x_to_1" 8
    %sent = rt.send_start %x "x" to 1 over "pipe" microbatch 0 : memref<2x8xf32>
    rt.keep %sent in %under_way microbatch 0
    rt.wait_kept %under_way microbatch 0
    ```
  }];
  let arguments = (ins RT_PendingArray:$pendings, I64Attr:$microbatch);
  let assemblyFormat = "$pendings `microbatch` $microbatch attr-dict";
  let extraClassDeclaration = [{
    /// One of what it waits for: all of them differ in the microbatch alone.
    ::dtc::CommunicationOpInterface getStarted();
  }];
}

#endif // DTC_RT_REPETITION_OPS
