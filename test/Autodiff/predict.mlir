// RUN: dtc-opt %s -dtc-differentiate-graph -dtc-verify-step -split-input-file | FileCheck %s

// What the loss is taken of, without label, weights and loss; statistics as an evaluation has them.
// CHECK: func.func @train
// CHECK: func.func @evaluate
// CHECK-LABEL: func.func @predict(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x2xf32> {nn.input = "x"}, %[[W:[^:]*]]: tensor<2x3xf32> {{{.*}}nn.parameter = "w"},
// CHECK-SAME: nn.parameter = "scale"}, {{.*}}nn.parameter = "shift"}, {{.*}}nn.state = "mean", nn.statistic}, {{.*}}nn.state = "variance", nn.statistic})
// CHECK-SAME: -> (tensor<4x3xf32> {nn.output = "y"}) attributes {nn.model = "m", nn.phase = "predict"
// CHECK-NEXT: %[[H:.*]] = nn.matmul %[[X]], %[[W]]
// CHECK-NOT: batch_norm_training
// CHECK: nn.mul %{{.*}} : tensor<4x3xf32>, tensor<1x3xf32>
// CHECK-NEXT: nn.reshape
// CHECK-NEXT: %[[Y:.*]] = nn.add
// CHECK-NEXT: return %[[Y]] : tensor<4x3xf32>
// CHECK-NEXT: }
// CHECK-NEXT: }
func.func @m(%x: tensor<4x2xf32> {nn.input = "x"},
             %w: tensor<2x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
             %scale: tensor<3xf32> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>},
             %shift: tensor<3xf32> {nn.parameter = "shift", nn.init = #nn.constant<value = 0.0>},
             %mean: tensor<3xf32> {nn.state = "mean", nn.statistic, nn.init = #nn.constant<value = 0.0>},
             %variance: tensor<3xf32> {nn.state = "variance", nn.statistic, nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %h = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %y = nn.batch_norm %h, %scale, %shift running %mean, %variance {epsilon = 1.0e-5, momentum = 0.1}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// What no sample has to do with is no prediction of it.
// CHECK: func.func @evaluate
// CHECK-NOT: @predict
func.func @m(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y = nn.broadcast %w : tensor<2xf32> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
