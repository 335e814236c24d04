// RUN: dtc-opt %s -dtc-differentiate-graph -dtc-verify-step -split-input-file | FileCheck %s

// Each dropout has a stream of its own; the adjoint draws its mask again. The step has the places of its samples; an evaluation neither
// drops nor has them.
// CHECK-LABEL: func.func @train
// CHECK-SAME: %[[SAMPLE:[^:,]*]]: tensor<4xi64> {nn.sample_index}, %[[STEP:[^:,]*]]: tensor<i64> {nn.step}
// CHECK: %[[FIRST:.*]] = nn.dropout_training %{{.*}} step %[[STEP]] sample %[[SAMPLE]] {ratio = 1.000000e-01 : f64, stream = 0 : i64} : (tensor<4x2xf32>
// CHECK: nn.matmul %[[FIRST]]
// CHECK: nn.dropout_training %{{.*}} step %[[STEP]] sample %[[SAMPLE]] {ratio = 5.000000e-01 : f64, stream = 1 : i64} : (tensor<4x3xf32>
// CHECK: %[[GRADIENT:.*]] = nn.dropout_training %{{.*}} step %[[STEP]] sample %[[SAMPLE]] {ratio = 5.000000e-01 : f64, stream = 1 : i64} : (tensor<4x3xf32>
// CHECK: nn.matmul {{.*}}%[[GRADIENT]]
// CHECK-LABEL: func.func @evaluate
// CHECK-NOT: nn.sample_index
// CHECK-NOT: nn.dropout
func.func @dropouts(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "dropouts", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.dropout %x {ratio = 0.1 : f64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = nn.matmul %0, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %2 = nn.dropout %1 {ratio = 0.5 : f64} : (tensor<4x3xf32>) -> tensor<4x3xf32>
  return %2 : tensor<4x3xf32>
}

// -----

// Samples are followed: positions before samples, rows of several positions, one mask for each sample, and what has no samples.
// CHECK-LABEL: func.func @train
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} {ratio = 1.000000e-01 : f64, stream = 0 : i64} : (tensor<3x5xf32>, tensor<i64>) ->
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} sample %{{.*}} {outer = 3 : i64, ratio = 1.000000e-01 : f64, stream = 1 : i64} : (tensor<3x4x5xf32>
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} sample %{{.*}} {ratio = 1.000000e-01 : f64, stream = 2 : i64} : (tensor<12x5xf32>
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} sample %{{.*}} {ratio = 2.000000e-01 : f64, stream = 3 : i64} : (tensor<4x1x1xf32>
func.func @places(%x: tensor<4x3x5xf32> {nn.input = "x"}, %w: tensor<3x5xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x3x5xf32> {nn.output = "y"})
    attributes {nn.model = "places", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %one = nn.constant dense<1.0> : tensor<4x1x1xf32> : tensor<4x1x1xf32>
  %p = nn.dropout %w {ratio = 0.1 : f64} : (tensor<3x5xf32>) -> tensor<3x5xf32>
  %0 = nn.add %x, %p : tensor<4x3x5xf32>, tensor<3x5xf32>
  %1 = nn.transpose %0 [1, 0, 2] : (tensor<4x3x5xf32>) -> tensor<3x4x5xf32>
  %2 = nn.dropout %1 {ratio = 0.1 : f64} : (tensor<3x4x5xf32>) -> tensor<3x4x5xf32>
  %3 = nn.transpose %2 [1, 0, 2] : (tensor<3x4x5xf32>) -> tensor<4x3x5xf32>
  %4 = nn.reshape %3 : tensor<4x3x5xf32> -> tensor<12x5xf32>
  %5 = nn.dropout %4 {ratio = 0.1 : f64} : (tensor<12x5xf32>) -> tensor<12x5xf32>
  %6 = nn.reshape %5 : tensor<12x5xf32> -> tensor<4x3x5xf32>
  %keep = nn.dropout %one {ratio = 0.2 : f64} : (tensor<4x1x1xf32>) -> tensor<4x1x1xf32>
  %7 = nn.mul %6, %keep : tensor<4x3x5xf32>, tensor<4x1x1xf32>
  return %7 : tensor<4x3x5xf32>
}

// -----

// What draws nothing has no places of samples.
// CHECK-LABEL: func.func @train
// CHECK-NOT: nn.sample_index
func.func @plain(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "plain", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
