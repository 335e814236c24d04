// RUN: dtc-opt %s -dtc-differentiate-graph=output=probability | FileCheck %s

// One of several outputs is trained; what only the others need is removed.
// CHECK-LABEL: func.func @train
// CHECK: %[[P:.*]] = nn.sigmoid
// CHECK-NOT: nn.exp
// CHECK: nn.binary_cross_entropy %[[P]]
// CHECK-LABEL: func.func @evaluate
// CHECK-NOT: nn.exp
// CHECK: %[[LOSS:.*]], %{{.*}} = nn.binary_cross_entropy
// CHECK: return %[[LOSS]], %{{.*}} : tensor<f32>, tensor<f32>
func.func @two(%x: tensor<2x3xf32> {nn.input = "x"},
               %w: tensor<3x1xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<2x1xf32> {nn.output = "energy"}, tensor<2x1xf32> {nn.output = "probability"})
    attributes {nn.model = "two", nn.recipe = #nn.recipe<loss = #nn.bce, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %0 = nn.matmul %x, %w : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  %1 = nn.exp %0 : tensor<2x1xf32>
  %2 = nn.sigmoid %0 : tensor<2x1xf32>
  return %1, %2 : tensor<2x1xf32>, tensor<2x1xf32>
}
