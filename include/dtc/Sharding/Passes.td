// Passes of sharding rules.
#ifndef DTC_SHARDING_PASSES
#define DTC_SHARDING_PASSES

include "mlir/Pass/PassBase.td"

def PrintShardingRulesPass : Pass<"dtc-print-sharding-rules"> {
  let summary = "remark the sharding rule of every op";
  let description = [{
    For tests and for authors of ops: emits a remark with the op's rule, and an
    error if the rule does not fit the op's shapes.

    ```mlir
    // remark: ([i, k], [k, j]) -> ([i, j]) {i=8, j=4, k=2} sum {k} linear {0}, {1}
    %y = nn.matmul %a, %b : (tensor<8x2xf32>, tensor<2x4xf32>) -> tensor<8x4xf32>
    ```
  }];
}

#endif // DTC_SHARDING_PASSES
