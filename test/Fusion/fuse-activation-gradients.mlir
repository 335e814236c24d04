// The gradient of an activation becomes part of the product that makes the gradient of its result.
// RUN: dtc-opt %s --dtc-fuse-epilogues --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @relu(
// CHECK-SAME: %[[DZ:.*]]: tensor<4x2xf32>, %[[W:.*]]: tensor<2x8xf32>, %[[Y:.*]]: tensor<4x8xf32>)
func.func @relu(%dz: tensor<4x2xf32>, %w: tensor<2x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8xf32>) {
  // CHECK: %[[DX:.*]] = nn.matmul %[[DZ]], %[[W]] epilogue<gradient = relu>(%[[Y]]) :
  // CHECK-NEXT: nn.reduce_sum %[[DX]]
  // CHECK-NOT: where_positive
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %0 = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %1 = nn.where_positive %y, %0, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  %2 = nn.reduce_sum %1 axes [0] : (tensor<4x8xf32>) -> tensor<8xf32>
  return %1, %2 : tensor<4x8xf32>, tensor<8xf32>
}

// -----

// Of gelu, at what it was given, which may be computed behind the product.
// CHECK-LABEL: func.func @gelu(
func.func @gelu(%dz: tensor<3x4x2xbf16>, %w: tensor<2x8xbf16>, %x: tensor<3x4x8xbf16>) -> (tensor<3x4x8xbf16>, tensor<3x4x8xbf16>) {
  // CHECK: %[[AT:.*]] = nn.neg
  // CHECK: nn.matmul %{{.*}} epilogue<gradient = gelu_tanh>(%[[AT]]) :
  // CHECK: nn.matmul %{{.*}} epilogue<gradient = gelu>(%{{.*}}) :
  // CHECK-NOT: gelu_gradient
  %0 = nn.matmul %dz, %w : (tensor<3x4x2xbf16>, tensor<2x8xbf16>) -> tensor<3x4x8xbf16>
  %at = nn.neg %x : tensor<3x4x8xbf16>
  %1 = nn.gelu_gradient %0, %at {approximate} : tensor<3x4x8xbf16>, tensor<3x4x8xbf16>
  %2 = nn.matmul %dz, %w : (tensor<3x4x2xbf16>, tensor<2x8xbf16>) -> tensor<3x4x8xbf16>
  %3 = nn.gelu_gradient %2, %x : tensor<3x4x8xbf16>, tensor<3x4x8xbf16>
  return %1, %3 : tensor<3x4x8xbf16>, tensor<3x4x8xbf16>
}

// -----

// What stays: a product that is read twice; another value than 0; a gradient that is the condition; a tensor of another shape
// or type; a kernel that goes on; a product with a bias.
// CHECK-LABEL: func.func @refused(
// CHECK-NOT: epilogue
func.func @refused(%dz: tensor<4x2xf32>, %w: tensor<2x8xf32>, %y: tensor<4x8xf32>, %row: tensor<8xf32>, %low: tensor<4x8xbf16>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xbf16>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %twice = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %0 = nn.where_positive %y, %twice, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  %a = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %1 = nn.where_positive %y, %a, %one : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  %b = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %2 = nn.where_positive %b, %y, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  %c = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %3 = nn.where_positive %row, %c, %zero : tensor<8xf32>, tensor<4x8xf32>, tensor<f32>
  %d = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %4 = nn.where_positive %low, %d, %zero : tensor<4x8xbf16>, tensor<4x8xf32>, tensor<f32>
  %e = nn.matmul %dz, %w : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
  %f = nn.where_positive %y, %e, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  %5 = nn.mul %f, %row : tensor<4x8xf32>, tensor<8xf32>
  %g = nn.matmul %dz, %w bias %row : (tensor<4x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %6 = nn.where_positive %y, %g, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  return %twice, %0, %1, %2, %3, %4, %5, %6 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xbf16>, tensor<4x8xf32>, tensor<4x8xf32>
}
