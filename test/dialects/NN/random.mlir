// RUN: dtc-opt %s | dtc-opt | FileCheck %s
// RUN: dtc-opt %s -canonicalize -cse | FileCheck %s --check-prefix=FOLDED

// CHECK-LABEL: func.func @model
// CHECK: nn.dropout %{{.*}} {ratio = 1.000000e-01 : f64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
func.func @model(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %y = nn.dropout %x {ratio = 0.1 : f64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return %y : tensor<4x6xf32>
}

// Rows are samples; a sample's parts lie apart; there are no samples.
// CHECK-LABEL: func.func @training
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} sample %{{.*}} {ratio = 1.000000e-01 : f64, stream = 0 : i64} : (tensor<3x4xbf16>, tensor<i64>, tensor<3xi64>) -> tensor<3x4xbf16>
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} sample %{{.*}} {outer = 4 : i64, ratio = 1.000000e+00 : f64, stream = 7 : i64} : (tensor<4x3xf32>, tensor<i64>, tensor<3xi64>) -> tensor<4x3xf32>
// CHECK: nn.dropout_training %{{.*}} step %{{.*}} {ratio = 5.000000e-01 : f64, stream = 1 : i64} : (tensor<4x3xf32>, tensor<i64>) -> tensor<4x3xf32>
func.func @training(%x: tensor<3x4xbf16>, %t: tensor<4x3xf32>, %step: tensor<i64>, %sample: tensor<3xi64>) -> (tensor<3x4xbf16>, tensor<4x3xf32>, tensor<4x3xf32>) {
  %0 = nn.dropout_training %x step %step sample %sample {ratio = 0.1 : f64, stream = 0 : i64} : (tensor<3x4xbf16>, tensor<i64>, tensor<3xi64>) -> tensor<3x4xbf16>
  %1 = nn.dropout_training %t step %step sample %sample {ratio = 1.0 : f64, stream = 7 : i64, outer = 4 : i64} : (tensor<4x3xf32>, tensor<i64>, tensor<3xi64>) -> tensor<4x3xf32>
  %2 = nn.dropout_training %t step %step {ratio = 0.5 : f64, stream = 1 : i64} : (tensor<4x3xf32>, tensor<i64>) -> tensor<4x3xf32>
  return %0, %1, %2 : tensor<3x4xbf16>, tensor<4x3xf32>, tensor<4x3xf32>
}

// What drops nothing is nothing.
// FOLDED-LABEL: func.func @nothing
// FOLDED-SAME: (%[[X:.*]]: tensor<4x6xf32>
// FOLDED-NEXT: return %[[X]], %[[X]]
func.func @nothing(%x: tensor<4x6xf32>, %step: tensor<i64>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = nn.dropout %x {ratio = 0.0 : f64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = nn.dropout_training %x step %step {ratio = 0.0 : f64, stream = 0 : i64} : (tensor<4x6xf32>, tensor<i64>) -> tensor<4x6xf32>
  return %0, %1 : tensor<4x6xf32>, tensor<4x6xf32>
}

// What draws anew is not another's equal, and goes where nobody reads it.
// FOLDED-LABEL: func.func @two
// FOLDED-COUNT-2: nn.dropout
// FOLDED-NOT: nn.random_uniform
// FOLDED: return
func.func @two(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = nn.dropout %x {ratio = 0.5 : f64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = nn.dropout %x {ratio = 0.5 : f64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
  return %0, %1 : tensor<4x6xf32>, tensor<4x6xf32>
}
