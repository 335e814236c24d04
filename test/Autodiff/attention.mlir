// RUN: dtc-opt %s -dtc-differentiate-graph -dtc-verify-step | FileCheck %s

// The gradient reads what forward wrote; heads that came by a reshape lie as they are. A mask that is trained has its gradient from the same op.
// CHECK-LABEL: func.func @train
// CHECK: %[[Y:.*]], %[[LSE:.*]] = nn.attention %[[H:.*]], %[[H]], %[[H]] mask %[[BIAS:.*]] positions_first
// CHECK: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]], %[[DBIAS:.*]] = nn.attention_gradient %{{.*}}, %[[H]], %[[H]], %[[H]], %[[Y]], %[[LSE]] mask %[[BIAS]] positions_first
// CHECK-SAME: -> (tensor<8x6x4x8xf32>, tensor<8x6x4x8xf32>, tensor<8x6x4x8xf32>, tensor<4x6x6xf32>)
// CHECK: nn.update %{{.*}}, %[[DBIAS]]
// CHECK-LABEL: func.func @evaluate
// CHECK: nn.attention
// CHECK-NOT: nn.attention_gradient
func.func @model(%x: tensor<8x6x32xf32> {nn.input = "x"},
                 %w: tensor<32x32xf32> {nn.parameter = "w", nn.init = #nn.uniform<bound = 0.5>},
                 %bias: tensor<4x6x6xf32> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<8x6x4x8xf32> {nn.output = "y"})
    attributes {nn.model = "model", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  %p = nn.matmul %x, %w : (tensor<8x6x32xf32>, tensor<32x32xf32>) -> tensor<8x6x32xf32>
  %h = nn.reshape %p : tensor<8x6x32xf32> -> tensor<8x6x4x8xf32>
  %y, %lse = nn.attention %h, %h, %h mask %bias positions_first {scale = 0.5} : (tensor<8x6x4x8xf32>, tensor<8x6x4x8xf32>, tensor<8x6x4x8xf32>, tensor<4x6x6xf32>) -> (tensor<8x6x4x8xf32>, tensor<8x4x6xf32>)
  return %y : tensor<8x6x4x8xf32>
}
