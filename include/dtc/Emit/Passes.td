// Passes of the Emit stage: from programs as they are planned to programs as a person would write them.
#ifndef DTC_EMIT_PASSES
#define DTC_EMIT_PASSES

include "mlir/Pass/PassBase.td"

def RollRepetitionPass : Pass<"dtc-roll-repetition", "::dtc::rt::ProgramOp"> {
  let summary = "Makes loops of equal layers and of a schedule's steady state";
  let description = [{
    Calls of a fragment or a timeline that repeat what stands before them on other buffers, three times or more, become a
    loop (`rt.repeat`); so do the runs, messages and waits of microbatches. The buffers that a loop takes one after
    the other become arrays. Buffers may differ in name and place alone: of the same kind, type and slots. What a loop takes
    in an order that contradicts that of others comes from an array that lists it. Communication under way that a loop starts or waits for
    is kept by microbatch.

    Nothing is computed otherwise or in another order. Expects a planned program; no pass but the emitter reads its result.

    ```mlir
    rt.call "matmul"(%h0, %w0) -> (%h1)
    rt.call "matmul"(%h1, %w1) -> (%h2)
    rt.call "matmul"(%h2, %w2) -> (%h3)
    // becomes
    %h = rt.array "h" of %h0, %h1, %h2, %h3 : memref<16x8xf32>
    %w = rt.array "w" of %w0, %w1, %w2 : memref<8x8xf32>
    rt.repeat 3 {
    ^bb0(%run: index):
      %x = rt.element %h at 0 step 1 of %run
      %v = rt.element %w at 0 step 1 of %run
      %y = rt.element %h at 1 step 1 of %run
      rt.call "matmul"(%x, %v) -> (%y)
    }
    ```
  }];
  let statistics = [
    Statistic<"loops", "loops", "Loops that were made">,
    Statistic<"rolled", "rolled", "Calls that became part of one">,
    Statistic<"arrays", "arrays", "Arrays of buffers that were made">];
}

#endif // DTC_EMIT_PASSES
