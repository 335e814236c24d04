// What looks like a residual of batch normalisation and must stay an addition.
// RUN: dtc-opt %s --dtc-fuse-epilogues | FileCheck %s

// CHECK-NOT: residual

// Another op reads the sum's operand.
// CHECK-LABEL: func.func @read_again
// CHECK: nn.add
func.func @read_again(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %s: tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y, %s : tensor<4x3xf32>, tensor<4x3xf32>
  return %y, %h : tensor<4x3xf32>, tensor<4x3xf32>
}

// A row is repeated.
// CHECK-LABEL: func.func @row
// CHECK: nn.add
func.func @row(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %s: tensor<1x3xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y, %s : tensor<4x3xf32>, tensor<1x3xf32>
  return %h : tensor<4x3xf32>
}

// The sum is larger than y.
// CHECK-LABEL: func.func @repeated
// CHECK: nn.add
func.func @repeated(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %s: tensor<2x4x3xf32>) -> tensor<2x4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y, %s : tensor<4x3xf32>, tensor<2x4x3xf32>
  return %h : tensor<2x4x3xf32>
}

// Of another element type.
// CHECK-LABEL: func.func @mixed
// CHECK: nn.add
func.func @mixed(%x: tensor<4x3xbf16>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %s: tensor<4x3xf32>) -> tensor<4x3xbf16> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xbf16>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xbf16>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y, %s : tensor<4x3xbf16>, tensor<4x3xf32>
  return %h : tensor<4x3xbf16>
}

// Twice the result is no residual.
// CHECK-LABEL: func.func @twice
// CHECK: nn.add
func.func @twice(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y, %y : tensor<4x3xf32>, tensor<4x3xf32>
  return %h : tensor<4x3xf32>
}

// The activation stands before the addition.
// CHECK-LABEL: func.func @behind_activation
// CHECK: nn.batch_norm_training {{.*}} epilogue<activation = relu> {epsilon
// CHECK: nn.add
func.func @behind_activation(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %s: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %r = nn.relu %y : tensor<4x3xf32>
  %h = nn.add %r, %s : tensor<4x3xf32>, tensor<4x3xf32>
  return %h : tensor<4x3xf32>
}

// The residual is made of the statistics, which the op must stand before.
// CHECK-LABEL: func.func @of_statistics
// CHECK: nn.add
func.func @of_statistics(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %z: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %s = nn.mul %z, %a : tensor<4x3xf32>, tensor<3xf32>
  %h = nn.add %y, %s : tensor<4x3xf32>, tensor<4x3xf32>
  return %h : tensor<4x3xf32>
}

// A matrix product takes none.
// CHECK-LABEL: func.func @product
// CHECK: nn.add
func.func @product(%x: tensor<4x3xf32>, %w: tensor<3x3xf32>, %s: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %y = nn.matmul %x, %w : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32>
  %h = nn.add %y, %s : tensor<4x3xf32>, tensor<4x3xf32>
  return %h : tensor<4x3xf32>
}
