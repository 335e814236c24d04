// The passes of the Cost stage.
#ifndef DTC_COST_PASSES
#define DTC_COST_PASSES

include "mlir/Pass/PassBase.td"

def PrintCostsPass : Pass<"dtc-print-costs"> {
  let summary = "remark the cost of every op that has one";
  let description = [{
    For tests and for readers of a program: a remark with FLOPs, bytes read and
    written, and the payload of collectives. Timelines and fragments get the sum
    over their ops. The pass changes nothing.

    ```mlir
    // remark: 128 FLOP, 96 bytes read, 128 bytes written
    %y = nn.matmul %a, %b : (tensor<8x2xf32>, tensor<2x4xf32>) -> tensor<8x4xf32>
    ```
  }];
}

#endif // DTC_COST_PASSES
