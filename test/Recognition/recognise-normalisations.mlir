// RUN: dtc-opt %s -pass-pipeline='builtin.module(func.func(dtc-recognise-normalisations))' | FileCheck %s

// torch.nn.LayerNorm before opset 17.
// CHECK-LABEL: func.func @layer_norm
// CHECK-NEXT: %[[Y:.*]], %{{.*}}, %{{.*}} = nn.layer_norm %arg0 scale %arg1 bias %arg2 {axis = 2 : i64, epsilon = 9.9999997473787516E-6 : f64}
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<2x3x8xf32>, %scale: tensor<8xf32>, %bias: tensor<8xf32>) -> tensor<2x3x8xf32> {
  %two = nn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %epsilon = nn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %mean = nn.reduce_mean %x axes [2] keep : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %d = nn.sub %x, %mean : tensor<2x3x8xf32>, tensor<2x3x1xf32>
  %square = nn.pow %d, %two : tensor<2x3x8xf32>, tensor<f32>
  %variance = nn.reduce_mean %square axes [2] keep : (tensor<2x3x8xf32>) -> tensor<2x3x1xf32>
  %sum = nn.add %variance, %epsilon : tensor<2x3x1xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<2x3x1xf32>
  %y = nn.div %d, %root : tensor<2x3x8xf32>, tensor<2x3x1xf32>
  %scaled = nn.mul %y, %scale : tensor<2x3x8xf32>, tensor<8xf32>
  %shifted = nn.add %scaled, %bias : tensor<2x3x8xf32>, tensor<8xf32>
  return %shifted : tensor<2x3x8xf32>
}

// The square as a product of two differences, the mean through a reshape, a reciprocal root; a bias without a scale.
// CHECK-LABEL: func.func @other_spelling
// CHECK: nn.layer_norm %arg0 bias %{{.*}} {axis = 1 : i64
// CHECK-NOT: nn.sqrt
func.func @other_spelling(%x: tensor<2x3x8xf32>, %bias: tensor<1x3x8xf32>) -> tensor<2x3x8xf32> {
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %epsilon = nn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %m = nn.reduce_mean %x axes [1, 2] : (tensor<2x3x8xf32>) -> tensor<2xf32>
  %mean = nn.reshape %m : tensor<2xf32> -> tensor<2x1x1xf32>
  %d = nn.sub %x, %mean : tensor<2x3x8xf32>, tensor<2x1x1xf32>
  %e = nn.sub %x, %mean : tensor<2x3x8xf32>, tensor<2x1x1xf32>
  %square = nn.mul %e, %e : tensor<2x3x8xf32>, tensor<2x3x8xf32>
  %variance = nn.reduce_mean %square axes [1, 2] keep : (tensor<2x3x8xf32>) -> tensor<2x1x1xf32>
  %sum = nn.add %epsilon, %variance : tensor<f32>, tensor<2x1x1xf32>
  %root = nn.sqrt %sum : tensor<2x1x1xf32>
  %inverse = nn.div %one, %root : tensor<f32>, tensor<2x1x1xf32>
  %y = nn.mul %d, %inverse : tensor<2x3x8xf32>, tensor<2x1x1xf32>
  %shifted = nn.add %bias, %y : tensor<1x3x8xf32>, tensor<2x3x8xf32>
  return %shifted : tensor<2x3x8xf32>
}

// Llama's.
// CHECK-LABEL: func.func @rms_norm
// CHECK-NEXT: %[[Y:.*]], %{{.*}} = nn.rms_norm %arg0 scale %arg1 {axis = 1 : i64, epsilon = 9.9999999747524271E-7 : f64}
// CHECK-NEXT: return %[[Y]]
func.func @rms_norm(%x: tensor<4x8xf32>, %scale: tensor<8xf32>) -> tensor<4x8xf32> {
  %two = nn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %epsilon = nn.constant dense<1.0e-6> : tensor<f32> : tensor<f32>
  %square = nn.pow %x, %two : tensor<4x8xf32>, tensor<f32>
  %mean = nn.reduce_mean %square axes [1] keep : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %sum = nn.add %mean, %epsilon : tensor<4x1xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<4x1xf32>
  %inverse = nn.div %one, %root : tensor<f32>, tensor<4x1xf32>
  %y = nn.mul %x, %inverse : tensor<4x8xf32>, tensor<4x1xf32>
  %scaled = nn.mul %scale, %y : tensor<8xf32>, tensor<4x8xf32>
  return %scaled : tensor<4x8xf32>
}

// torch.nn.GroupNorm before opset 21: an instance normalisation of groups between reshapes.
// CHECK-LABEL: func.func @group_norm
// CHECK: nn.group_norm %arg0, %{{.*}}, %{{.*}} groups 2 {epsilon = 1.000000e-05 : f64} : (tensor<2x6x5x5xf32>, tensor<6xf32>, tensor<6xf32>)
// CHECK-NOT: nn.mul
// CHECK: return
func.func @group_norm(%x: tensor<2x6x5x5xf32>, %scale: tensor<6x1x1xf32>, %bias: tensor<6x1x1xf32>) -> tensor<2x6x5x5xf32> {
  %ones = nn.constant dense<1.0> : tensor<2xf32> : tensor<2xf32>
  %zeros = nn.constant dense<0.0> : tensor<2xf32> : tensor<2xf32>
  %groups = nn.reshape %x : tensor<2x6x5x5xf32> -> tensor<2x2x75xf32>
  %y, %mean, %inverse = nn.group_norm %groups, %ones, %zeros groups 2 {epsilon = 1.0e-5}
     : (tensor<2x2x75xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<2x2x75xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  %image = nn.reshape %y : tensor<2x2x75xf32> -> tensor<2x6x5x5xf32>
  %scaled = nn.mul %image, %scale : tensor<2x6x5x5xf32>, tensor<6x1x1xf32>
  %shifted = nn.add %scaled, %bias : tensor<2x6x5x5xf32>, tensor<6x1x1xf32>
  return %shifted : tensor<2x6x5x5xf32>
}

// Instance normalisation from its parts.
// CHECK-LABEL: func.func @instance_norm
// CHECK: nn.group_norm %arg0, %{{.*}}, %{{.*}} groups 6
// CHECK-NOT: nn.sqrt
func.func @instance_norm(%x: tensor<2x6x5x5xf32>, %scale: tensor<1x6x1x1xf32>, %bias: tensor<6x1x1xf32>) -> tensor<2x6x5x5xf32> {
  %epsilon = nn.constant dense<1.0e-5> : tensor<f32> : tensor<f32>
  %mean = nn.reduce_mean %x axes [2, 3] keep : (tensor<2x6x5x5xf32>) -> tensor<2x6x1x1xf32>
  %d = nn.sub %x, %mean : tensor<2x6x5x5xf32>, tensor<2x6x1x1xf32>
  %square = nn.mul %d, %d : tensor<2x6x5x5xf32>, tensor<2x6x5x5xf32>
  %variance = nn.reduce_mean %square axes [2, 3] keep : (tensor<2x6x5x5xf32>) -> tensor<2x6x1x1xf32>
  %sum = nn.add %variance, %epsilon : tensor<2x6x1x1xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<2x6x1x1xf32>
  %y = nn.div %d, %root : tensor<2x6x5x5xf32>, tensor<2x6x1x1xf32>
  %scaled = nn.mul %y, %scale : tensor<2x6x5x5xf32>, tensor<1x6x1x1xf32>
  %shifted = nn.add %scaled, %bias : tensor<2x6x5x5xf32>, tensor<6x1x1xf32>
  return %shifted : tensor<2x6x5x5xf32>
}

// A scale for each sample is none of the normalisation; nor is an epsilon that is trained, nor a mean over the batch.
// CHECK-LABEL: func.func @scale_of_samples
// CHECK: %[[Y:.*]], %{{.*}} = nn.rms_norm %arg0 {
// CHECK: nn.mul %[[Y]], %arg1
func.func @scale_of_samples(%x: tensor<4x8xf32>, %scale: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %epsilon = nn.constant dense<1.0e-6> : tensor<f32> : tensor<f32>
  %square = nn.mul %x, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %mean = nn.reduce_mean %square axes [1] keep : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %sum = nn.add %mean, %epsilon : tensor<4x1xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<4x1xf32>
  %y = nn.div %x, %root : tensor<4x8xf32>, tensor<4x1xf32>
  %scaled = nn.mul %y, %scale : tensor<4x8xf32>, tensor<4x8xf32>
  return %scaled : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @trained_epsilon
// CHECK-NOT: nn.rms_norm
// CHECK: return
func.func @trained_epsilon(%x: tensor<4x8xf32>, %epsilon: tensor<f32>) -> tensor<4x8xf32> {
  %square = nn.mul %x, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %mean = nn.reduce_mean %square axes [1] keep : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %sum = nn.add %mean, %epsilon : tensor<4x1xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<4x1xf32>
  %y = nn.div %x, %root : tensor<4x8xf32>, tensor<4x1xf32>
  return %y : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @over_the_batch
// CHECK-NOT: nn.rms_norm
// CHECK: return
func.func @over_the_batch(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %epsilon = nn.constant dense<1.0e-6> : tensor<f32> : tensor<f32>
  %square = nn.mul %x, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %mean = nn.reduce_mean %square axes [0] keep : (tensor<4x8xf32>) -> tensor<1x8xf32>
  %sum = nn.add %mean, %epsilon : tensor<1x8xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<1x8xf32>
  %y = nn.div %x, %root : tensor<4x8xf32>, tensor<1x8xf32>
  return %y : tensor<4x8xf32>
}
// CHECK-LABEL: func.func @variance_read_elsewhere
// CHECK-NOT: nn.rms_norm
// CHECK: return
func.func @variance_read_elsewhere(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x1xf32>) {
  %epsilon = nn.constant dense<1.0e-6> : tensor<f32> : tensor<f32>
  %square = nn.mul %x, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %mean = nn.reduce_mean %square axes [1] keep : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %sum = nn.add %mean, %epsilon : tensor<4x1xf32>, tensor<f32>
  %root = nn.sqrt %sum : tensor<4x1xf32>
  %y = nn.div %x, %root : tensor<4x8xf32>, tensor<4x1xf32>
  return %y, %mean : tensor<4x8xf32>, tensor<4x1xf32>
}
