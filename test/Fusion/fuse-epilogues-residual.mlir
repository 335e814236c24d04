// RUN: dtc-opt %s --dtc-fuse-epilogues | FileCheck %s

// Batch normalisation takes the other operand of an addition, and an activation.
// CHECK-LABEL: dist.fragment @unit
// CHECK-NEXT: %[[Y:.*]], %{{.*}}, %{{.*}}, %[[MEAN:.*]], %[[INVERSE:.*]] = nn.batch_norm_training %arg0, %arg1, %arg2, %arg3 epilogue<residual, activation = relu>(%arg4) {epsilon
// CHECK-NEXT: dist.return %[[Y]], %[[MEAN]], %[[INVERSE]]
dist.fragment @unit(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %s: tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y, %s : tensor<4x3xf32>, tensor<4x3xf32>
  %r = nn.relu %h : tensor<4x3xf32>
  dist.return %r, %mean, %inverse : tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>
}

// The activation alone.
// CHECK-LABEL: func.func @activation
// CHECK-NEXT: nn.batch_norm_training {{.*}} epilogue<activation = leaky_relu, alpha = 1.000000e-01> {epsilon
// CHECK-NEXT: return
func.func @activation(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %r = nn.leaky_relu %y {alpha = 0.1} : tensor<4x3xf32>
  return %r : tensor<4x3xf32>
}

// The projection of a stage's first unit is normalised too: the later of both takes the earlier one's result.
// CHECK-LABEL: func.func @projection
// CHECK: %[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} = nn.batch_norm_training %arg0, %arg1, %arg2, %arg3 {epsilon
// CHECK: nn.batch_norm_training %arg4, %arg1, %arg2, %arg3 epilogue<residual, activation = relu>(%[[S]]) {epsilon
// CHECK-NEXT: return
func.func @projection(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %z: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %y2, %a2, %b2, %mean2, %inverse2 = nn.batch_norm_training %z, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %h = nn.add %y2, %y : tensor<4x3xf32>, tensor<4x3xf32>
  %r = nn.relu %h : tensor<4x3xf32>
  return %r : tensor<4x3xf32>
}

// A residual that is made later: the op moves behind it.
// CHECK-LABEL: func.func @later
// CHECK-NEXT: %[[E:.*]] = nn.exp
// CHECK-NEXT: nn.batch_norm_training {{.*}} epilogue<residual>(%[[E]]) {epsilon
// CHECK-NEXT: return
func.func @later(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %z: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %e = nn.exp %z : tensor<4x3xf32>
  %h = nn.add %e, %y : tensor<4x3xf32>, tensor<4x3xf32>
  return %h : tensor<4x3xf32>
}
