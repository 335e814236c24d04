// RUN: dtc-opt %s -dtc-simplify-graph -split-input-file | FileCheck %s

// The gradient of a relu behind batch normalisation: neither y nor a selection of dy is read.
// CHECK-LABEL: @relu_gradient
// CHECK: %[[Y:.*]], %{{.*}}, %{{.*}}, %[[MEAN:.*]], %[[INVERSE:.*]] = nn.batch_norm_training %arg0, %arg1, %arg2, %arg3
// CHECK-NOT: nn.where_positive
// CHECK: nn.batch_norm_gradient %arg4, %arg0, %arg1, %arg3 statistics %[[MEAN]], %[[INVERSE]] relu %arg2
func.func @relu_gradient(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %dy: tensor<4x3xf32>)
    -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %r = nn.relu %y : tensor<4x3xf32>
  %d = nn.where_positive %r, %dy, %zero : tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>
  %dx, %ds, %db = nn.batch_norm_gradient %d, %x, %scale, %weight statistics %mean, %inverse
     : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %r, %dx, %ds, %db : tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>
}

// -----

// A residual connection reads the selection too.
// CHECK-LABEL: @relu_gradient_read_again
// CHECK: nn.where_positive
// CHECK: nn.batch_norm_gradient
// CHECK-NOT: relu
// CHECK: return
func.func @relu_gradient_read_again(%x: tensor<4x3xf32>, %z: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %dy: tensor<4x3xf32>)
    -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %r = nn.relu %y : tensor<4x3xf32>
  %d = nn.where_positive %r, %dy, %zero : tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>
  %dx, %ds, %db = nn.batch_norm_gradient %d, %x, %scale, %weight statistics %mean, %inverse
     : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %d, %dx : tensor<4x3xf32>, tensor<4x3xf32>
}

// -----

// The relu is of more than y.
// CHECK-LABEL: @relu_of_a_sum
// CHECK: nn.where_positive
// CHECK: nn.batch_norm_gradient
// CHECK-NOT: relu
// CHECK: return
func.func @relu_of_a_sum(%x: tensor<4x3xf32>, %z: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %dy: tensor<4x3xf32>)
    -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %s = nn.add %y, %z : tensor<4x3xf32>, tensor<4x3xf32>
  %r = nn.relu %s : tensor<4x3xf32>
  %d = nn.where_positive %r, %dy, %zero : tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>
  %dx, %ds, %db = nn.batch_norm_gradient %d, %x, %scale, %weight statistics %mean, %inverse
     : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %r, %dx : tensor<4x3xf32>, tensor<4x3xf32>
}

// -----

// The gradient is that of another batch normalisation.
// CHECK-LABEL: @relu_of_another_norm
// CHECK: nn.where_positive
// CHECK: nn.batch_norm_gradient
// CHECK-NOT: relu
// CHECK: return
func.func @relu_of_another_norm(%x: tensor<4x3xf32>, %z: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %dy: tensor<4x3xf32>)
    -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %r = nn.relu %y : tensor<4x3xf32>
  %d = nn.where_positive %r, %dy, %zero : tensor<4x3xf32>, tensor<4x3xf32>, tensor<f32>
  %dx, %ds, %db = nn.batch_norm_gradient %d, %z, %scale, %weight statistics %mean, %inverse
     : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %r, %dx : tensor<4x3xf32>, tensor<4x3xf32>
}

// -----

// Another slope than 0 on the other side.
// CHECK-LABEL: @leaky_relu_gradient
// CHECK: nn.where_positive
// CHECK: nn.batch_norm_gradient
// CHECK-NOT: relu
// CHECK: return
func.func @leaky_relu_gradient(%x: tensor<4x3xf32>, %z: tensor<4x3xf32>, %scale: tensor<3xf32>, %bias: tensor<3xf32>, %weight: tensor<4xf32>, %dy: tensor<4x3xf32>)
    -> (tensor<4x3xf32>, tensor<4x3xf32>) {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %bias, %weight {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  %r = nn.relu %y : tensor<4x3xf32>
  %d = nn.where_positive %r, %dy, %z : tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>
  %dx, %ds, %db = nn.batch_norm_gradient %d, %x, %scale, %weight statistics %mean, %inverse
     : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %r, %dx : tensor<4x3xf32>, tensor<4x3xf32>
}
