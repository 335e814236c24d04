// Passes of the Plan stage: dist to rt.
#ifndef DTC_PLAN_PASSES
#define DTC_PLAN_PASSES

include "mlir/Pass/PassBase.td"

def LowerToRuntimePass : Pass<"dtc-lower-to-runtime", "::mlir::ModuleOp"> {
  let summary = "Makes buffers and runtime calls out of fragments and timelines";
  let description = [{
    For each role one `rt.program`, each fragment once however often it runs. Every tensor gets memory, every op the
    runtime calls that compute it (by its `RuntimeLoweringOpInterface`):

    - Timeline arguments of the same kind and name are one buffer in all phases.
    - Optimizer updates write their parameter and state in place.
    - The values of an `all_reduce_start` lie side by side in a bucket, so that
      nothing is packed or unpacked.
    - What a fragment gives that runs once for each microbatch has a slot for
      each of them.
    - Messages travel row-major, images (rank 4 and more) channels-last.
    - Activations around convolutions and pooling lie channels-last; where a
      value is needed otherwise it is copied once.

    Expects fragments of nn ops and `linalg.generic` as `dtc-fuse` leaves them.
    Afterwards the module holds rt programs alone.

    ```mlir
    dist.fragment @f(%x: tensor<4x8xf32>, %w: tensor<2x8xf32>) -> tensor<4x2xf32> {
      %y = nn.matmul %x, %w transposed : …
      dist.return %y : tensor<4x2xf32>
    }
    // becomes
    rt.fragment @f … {
      rt.call "matmul"(%x, %w) -> (%y) options {transpose_b = true} : …
    }
    ```
  }];
  let options = [
    Option<"markOps", "mark-ops", "bool", /*default=*/"false",
           "note at each call which op of its fragment it is of, as `rt.op = [number, signature]`">
  ];
  let dependentDialects = ["::dtc::rt::RTDialect"];
}

def AccumulateInCallsPass : Pass<"dtc-accumulate-in-calls", "::dtc::rt::ProgramOp"> {
  let summary = "Lets library calls add to gradients that grow over microbatches";
  let description = [{
    A gradient summed over microbatches is made in a temporary and then added. A
    callee that can add to its output (`can_accumulate`) does both: the temporary
    and two passes over it go.

    ```mlir
    rt.call "matmul"(%dy, %x) -> (%part) {can_accumulate} : …
    rt.launch @add(%sum, %part) -> (%sum) : …
    // becomes
    rt.call "matmul"(%dy, %x) -> (%sum) options {accumulate = true} : …
    ```
  }];
  let statistics = [Statistic<"accumulated", "calls", "Calls that add to their output">];
}

def SumInProductsPass : Pass<"dtc-sum-in-products", "::dtc::rt::ProgramOp"> {
  let summary = "Gives sums over rows to the matrix products of what is summed";
  let description = [{
    A layer's bias gradient is the sum of the matrix that the product for its
    weight's gradient reads, over the same rows. A callee that can write sums of what it
    reads or makes (`can_sum`) writes it too. On GPUs a library then takes
    it from what its product has loaded (the epilogues BGRADA and
    BGRADB of cuBLASLt). The sum may stand before the product or behind it,
    in the same fragment, if nothing between them writes what is summed or uses the result.
    Where the product adds to its output, the sum is still overwritten. Calls that
    are marked with their op (they are timed one by one) stay.

    ```mlir
    rt.call "reduce_sum"(%dy) -> (%db) options {axes = array<i64: 0>} {sum_over = array<i64: 0>} : …
    rt.call "matmul"(%dy, %x) -> (%dw) options {transpose_a = true}
        {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : …
    // becomes
    rt.call "matmul"(%dy, %x) -> (%dw) named %db ["bias_gradient_a"] options {transpose_a = true} : …
    ```
  }];
  let statistics = [Statistic<"sums", "sums", "Sums that a product writes">];
}

def KeepReluMasksPass : Pass<"dtc-keep-relu-masks", "::dtc::rt::ProgramOp"> {
  let summary = "Keeps a bit for each value of a relu from the call that makes it to that of its gradient";
  let description = [{
    cuBLASLt applies relu's gradient to a product only by the mask that its product with
    relu left (RELU_AUX, DRELU): a bit for each value, rows at multiples of 128 bits. This pass
    gives both calls a buffer for it, in one fragment or in two, with a slot for each
    microbatch where the result of relu has one. The result itself stays an operand, for a library
    that has no algorithm with masks. A relu that is received from another rank, or of which something else
    writes a part, has none.

    For GPUs alone: oneDNN leaves no masks, and reading a tensor in the pass that follows the product costs less than
    writing one would.

    ```mlir
    rt.call "matmul"(%x, %w) -> (%y) options {activation = "relu"} {can_write_mask} : …
    rt.call "matmul"(%dz, %v) -> (%dx) named %y ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : …
    // becomes
    %mask = rt.buffer temporary "y.mask" : memref<64x32xui8>
    rt.call "matmul"(%x, %w) -> (%y) named %mask ["relu_mask"] options {activation = "relu"} : …
    rt.call "matmul"(%dz, %v) -> (%dx) named %y, %mask ["gradient_at", "relu_mask"] options {activation_gradient = "relu"} : …
    ```
  }];
  let statistics = [Statistic<"masks", "masks", "Masks that are kept">];
}

def LayOutInputsPass : Pass<"dtc-lay-out-inputs", "::dtc::rt::ProgramOp"> {
  let summary = "Lays inputs out as the calls that read them want them";
  let description = [{
    An input that is only copied to another layout is filled in that layout from
    the start: who gathers a batch writes each element once, wherever it goes.
    Inputs that anything reads as they are stay row-major.

    ```mlir
    %x = rt.buffer input "x" : memref<8x3x32x32xf32>
    rt.call "copy"(%x) -> (%y) : …
    rt.call "conv"(%y, %w) -> (%z) : …
    // becomes
    %x = rt.buffer input "x" : memref<8x3x32x32xf32, strided<[3072, 1, 96, 3]>>
    rt.call "conv"(%x, %w) -> (%z) : …
    ```
  }];
  let statistics = [Statistic<"inputs", "inputs", "Inputs that lie channels-last">];
}

def JoinUpdatesPass : Pass<"dtc-join-updates", "::dtc::rt::ProgramOp"> {
  let summary = "Makes neighbouring updates of parameters or statistics one call on a list";
  let description = [{
    A callee that takes tuples (`tuples of`) can take several at once: one pass
    over all of them instead of one for each, which on a GPU is one launch and on a
    CPU one parallel region. Calls that stand next to each other are joined
    where callee, formula, options and the inputs behind the tuples are the same
    and no memory is in two tuples. Calls that are marked with their op (they are
    timed one by one) stay.

    ```mlir
    rt.call "update_parameters" of @sgd tuples of 2(%w, %dw, %lr, %step) -> () : …
    rt.call "update_parameters" of @sgd tuples of 2(%b, %db, %lr, %step) -> () : …
    // becomes
    rt.call "update_parameters" of @sgd tuples of 2(%w, %dw, %b, %db, %lr, %step) -> () : …
    ```
  }];
  let statistics = [Statistic<"joined", "calls", "Calls that became part of another">];
}

def ShareSlotsPass : Pass<"dtc-share-slots", "::dtc::rt::ProgramOp"> {
  let summary = "Gives buffers as many slots as microbatches need at once";
  let description = [{
    Lowering gives what outlives a fragment a slot for each microbatch. How many
    are in use together is what the schedule decides: stage k of p has at most
    p - k microbatches under way under 1F1B, and all of them under GPipe. A
    buffer keeps the smallest number n of slots with which microbatches i and
    i + n are never under way together.

    ```mlir
    rt.buffer temporary "conv1" slots 8 : memref<16x6x28x28xf32>
    // becomes, on stage 2 of 4 under 1F1B
    rt.buffer temporary "conv1" slots 2 : memref<16x6x28x28xf32>
    ```
  }];
  let statistics = [Statistic<"shared", "slots-shared", "Slots that are not needed">];
}

def ReuseBuffersPass : Pass<"dtc-reuse-buffers", "::dtc::rt::ProgramOp"> {
  let summary = "Lets kernels write over what they read for the last time";
  let description = [{
    A kernel reads and writes each point of its grid once. Where an input is a
    temporary that nothing reads afterwards, has the output's type and is read
    at the position that is written, the output becomes a view of its buffer
    (under the output's own name, since it holds something else).

    ```mlir
    %b = rt.buffer temporary "b" : memref<8xf32>
    rt.launch @relu(%a) -> (%b) : …    // %a dead from here on
    // becomes
    %b = rt.view "b" of %a at 0 : memref<8xf32> -> memref<8xf32>
    rt.launch @relu(%a) -> (%b) : …
    ```
  }];
  let statistics = [Statistic<"reused", "buffers-reused", "Outputs written over an input">];
}

def PlanMemoryPass : Pass<"dtc-plan-memory", "::dtc::rt::ProgramOp"> {
  let summary = "Gives every buffer its offset in one arena";
  let description = [{
    Inputs, parameters, state, loss and correct live all the time. A temporary
    or a bucket lives from its first to its last use in each timeline; those
    that never live together share memory. Offsets: greedy by size (Pisarchyk
    and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020,
    §4.3), each at the lowest gap that holds it, 64-byte aligned.

    What is sent, received or all-reduced comes first: ranks of one host share
    that much of their arenas and no more. What is not fills the gaps.

    With `device-memory`, an arena that is larger is an error.

    Afterwards every `rt.buffer` has an offset, and the program the sizes of its
    arena and of the shared part, which are what the emitted program allocates.

    ```mlir
    rt.buffer temporary "h" : memref<64x128xf32>
    // becomes
    rt.buffer temporary "h" offset 4096 : memref<64x128xf32>
    ```
  }];
  let options = [
    Option<"deviceMemory", "device-memory", "int64_t", "0", "bytes of a device; 0: any">];
}

def VerifyMemoryPass : Pass<"dtc-verify-memory", "::dtc::rt::ProgramOp"> {
  let summary = "Proves that no two live buffers overlap";
  let description = [{
    Walks each timeline and checks every pair of buffers that live at the same
    time against each other, and that buffers have the slots they need. Ends the Plan stage; changes nothing.

    ```mlir
    rt.buffer temporary "a" offset 0 : memref<16xf32>
    rt.buffer temporary "b" offset 32 : memref<16xf32>   // refused while both live
    ```
  }];
}

#endif // DTC_PLAN_PASSES
