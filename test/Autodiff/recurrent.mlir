// RUN: dtc-opt %s -dtc-differentiate-graph -dtc-verify-step | FileCheck %s

// The gradient reads what forward wrote; that of the cells is left out where nobody reads them. An evaluation takes none.
// CHECK-LABEL: func.func @train
// CHECK: %[[H:.*]], %[[C:.*]], %[[A:.*]] = nn.lstm %[[G:.*]], %[[R:.*]], %[[S:.*]], %[[S]] :
// CHECK: %[[DG:.*]], %[[DR:.*]], %{{.*}}, %{{.*}} = nn.lstm_gradient %{{.*}}, %[[R]], %[[S]], %[[S]], %[[H]], %[[C]], %[[A]] :
// CHECK: nn.update %{{.*}}, %[[DR]]
// CHECK-LABEL: func.func @evaluate
// CHECK: nn.lstm
// CHECK-NOT: nn.lstm_gradient
func.func @model(%x: tensor<2x3x8xf32> {nn.input = "x"}, %r: tensor<8x2xf32> {nn.parameter = "r", nn.init = #nn.uniform<bound = 0.5>})
    -> (tensor<2x3x2xf32> {nn.output = "y"})
    attributes {nn.model = "model", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %s = nn.constant dense<0.0> : tensor<2x2xf32> : tensor<2x2xf32>
  %g = nn.transpose %x [1, 0, 2] : (tensor<2x3x8xf32>) -> tensor<3x2x8xf32>
  %h, %c, %a = nn.lstm %g, %r, %s, %s : (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
  %y = nn.transpose %h [1, 0, 2] : (tensor<3x2x2xf32>) -> tensor<2x3x2xf32>
  return %y : tensor<2x3x2xf32>
}
