// RUN: dtc-opt %s -dtc-lower-precision -split-input-file | FileCheck %s
// RUN: dtc-opt %s -dtc-lower-precision=precision=tf32 -split-input-file | FileCheck %s --check-prefix=TF32
// RUN: dtc-opt %s -dtc-lower-precision=precision=f32 -split-input-file | FileCheck %s --check-prefix=F32

// Parameters and the input are cast once; what lies between is bf16; gradients
// of weights and biases, their updates and the loss are f32.
// CHECK-LABEL: func.func @train
// CHECK-SAME: nn.precision = "bf16"
// CHECK-SAME: {
// CHECK-NEXT: %[[W:.*]] = nn.cast %arg3 : tensor<4x3x3x3xf32> -> tensor<4x3x3x3xbf16>
// CHECK-NEXT: %[[B:.*]] = nn.cast %arg4 : tensor<4xf32> -> tensor<4xbf16>
// CHECK-NEXT: %[[V:.*]] = nn.cast %arg5 : tensor<16x5xf32> -> tensor<16x5xbf16>
// CHECK-NEXT: %[[C:.*]] = nn.cast %arg6 : tensor<5xf32> -> tensor<5xbf16>
// CHECK-NEXT: %[[X:.*]] = nn.cast %arg0 : tensor<8x3x6x6xf32> -> tensor<8x3x6x6xbf16>
// CHECK-NEXT: %[[Y:.*]] = nn.conv %[[X]], %[[W]] bias %[[B]] {{.*}} -> tensor<8x4x4x4xbf16>
// CHECK-NEXT: %[[P:.*]], %[[AT:.*]] = nn.max_pool %[[Y]] {{.*}} -> (tensor<8x4x2x2xbf16>, tensor<8x4x2x2xui8>)
// CHECK-NEXT: %[[R:.*]] = nn.relu %[[P]] : tensor<8x4x2x2xbf16>
// CHECK-NEXT: %[[F:.*]] = nn.reshape %[[R]] : tensor<8x4x2x2xbf16> -> tensor<8x16xbf16>
// CHECK-NEXT: %[[H:.*]] = nn.matmul %[[F]], %[[V]] : {{.*}} -> tensor<8x5xbf16>
// CHECK-NEXT: %[[L:.*]] = nn.add %[[H]], %[[C]] : tensor<8x5xbf16>, tensor<5xbf16>
// CHECK-NEXT: %[[LOSS:.*]], %[[D:.*]] = nn.softmax_cross_entropy %[[L]], {{.*}} -> (tensor<f32>, tensor<8x5xbf16>)
// CHECK-NEXT: %[[DC:.*]] = nn.reduce_sum %[[D]] axes [0] : (tensor<8x5xbf16>) -> tensor<5xf32>
// CHECK-NEXT: %[[DV:.*]] = nn.matmul %[[F]] transposed, %[[D]] {wide} : (tensor<8x16xbf16>, tensor<8x5xbf16>) -> tensor<16x5xf32>
// CHECK-NEXT: %[[DF:.*]] = nn.matmul %[[D]], %[[V]] transposed : {{.*}} -> tensor<8x16xbf16>
// CHECK-NEXT: %[[DR:.*]] = nn.reshape %[[DF]]
// CHECK-NEXT: %[[DY:.*]] = nn.max_pool_gradient %[[DR]], %[[AT]] {{.*}} -> tensor<8x4x4x4xbf16>
// CHECK-NEXT: %[[DW:.*]], %[[DB:.*]] = nn.conv_weight_gradient %[[X]], %[[DY]] {{.*}} -> (tensor<4x3x3x3xf32>, tensor<4xf32>)
// CHECK-NEXT: nn.update %arg3, %[[DW]]
// CHECK-NEXT: nn.update %arg4, %[[DB]]
// CHECK-NEXT: nn.update %arg5, %[[DV]]
// CHECK-NEXT: nn.update %arg6, %[[DC]]
// CHECK-NEXT: return %[[LOSS]]

// The types of tf32 are f32's.
// TF32-LABEL: func.func @train
// TF32-SAME: nn.precision = "tf32"
// TF32-NOT: nn.cast
// F32-LABEL: func.func @train
// F32-NOT: nn.precision
// F32-NOT: nn.cast
func.func @train(%x: tensor<8x3x6x6xf32> {nn.input = "x"}, %label: tensor<8xi64> {nn.label, nn.classes = 5 : i64}, %weight: tensor<8xf32> {nn.sample_weight},
    %w: tensor<4x3x3x3xf32> {nn.parameter = "w"}, %b: tensor<4xf32> {nn.parameter = "b"}, %v: tensor<16x5xf32> {nn.parameter = "v"}, %c: tensor<5xf32> {nn.parameter = "c"}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate})
    -> (tensor<f32> {nn.loss}, tensor<4x3x3x3xf32> {nn.parameter = "w"}, tensor<4xf32> {nn.parameter = "b"}, tensor<16x5xf32> {nn.parameter = "v"}, tensor<5xf32> {nn.parameter = "c"})
    attributes {nn.phase = "train"} {
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<8x3x6x6xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<8x4x4x4xf32>
  %p, %at = nn.max_pool %y kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<8x4x4x4xf32>) -> (tensor<8x4x2x2xf32>, tensor<8x4x2x2xui8>)
  %r = nn.relu %p : tensor<8x4x2x2xf32>
  %f = nn.reshape %r : tensor<8x4x2x2xf32> -> tensor<8x16xf32>
  %h = nn.matmul %f, %v : (tensor<8x16xf32>, tensor<16x5xf32>) -> tensor<8x5xf32>
  %l = nn.add %h, %c : tensor<8x5xf32>, tensor<5xf32>
  %loss, %d = nn.softmax_cross_entropy %l, %label, %weight : (tensor<8x5xf32>, tensor<8xi64>, tensor<8xf32>) -> (tensor<f32>, tensor<8x5xf32>)
  %dc = nn.reduce_sum %d axes [0] : (tensor<8x5xf32>) -> tensor<5xf32>
  %dv = nn.matmul %f transposed, %d : (tensor<8x16xf32>, tensor<8x5xf32>) -> tensor<16x5xf32>
  %df = nn.matmul %d, %v transposed : (tensor<8x5xf32>, tensor<16x5xf32>) -> tensor<8x16xf32>
  %dr = nn.reshape %df : tensor<8x16xf32> -> tensor<8x4x2x2xf32>
  %dy = nn.max_pool_gradient %dr, %at kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<8x4x2x2xf32>, tensor<8x4x2x2xui8>) -> tensor<8x4x4x4xf32>
  %dw, %db = nn.conv_weight_gradient %x, %dy strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<8x3x6x6xf32>, tensor<8x4x4x4xf32>) -> (tensor<4x3x3x3xf32>, tensor<4xf32>)
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<4x3x3x3xf32>, tensor<4x3x3x3xf32>, tensor<f64>, tensor<i64>) -> tensor<4x3x3x3xf32>
  %b1 = nn.update %b, %db rate %lr step %step by sgd<lr = 0.1> : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> tensor<4xf32>
  %v1 = nn.update %v, %dv rate %lr step %step by sgd<lr = 0.1> : (tensor<16x5xf32>, tensor<16x5xf32>, tensor<f64>, tensor<i64>) -> tensor<16x5xf32>
  %c1 = nn.update %c, %dc rate %lr step %step by sgd<lr = 0.1> : (tensor<5xf32>, tensor<5xf32>, tensor<f64>, tensor<i64>) -> tensor<5xf32>
  return %loss, %w1, %b1, %v1, %c1 : tensor<f32>, tensor<4x3x3x3xf32>, tensor<4xf32>, tensor<16x5xf32>, tensor<5xf32>
}

// -----

// A tied weight: the terms of its gradient stay f32 through transposition and sum.
// CHECK-LABEL: func.func @tied
// CHECK: %[[W:.*]] = nn.cast %arg1
// CHECK: nn.matmul %{{.*}}, %[[W]] : {{.*}} -> tensor<4x4xbf16>
// CHECK: nn.matmul %{{.*}}, %[[W]] transposed : {{.*}} -> tensor<4x4xbf16>
// CHECK: %[[A:.*]] = nn.matmul {{.*}} {wide} : {{.*}} -> tensor<4x4xf32>
// CHECK: %[[T:.*]] = nn.transpose %[[A]] {{.*}} -> tensor<4x4xf32>
// CHECK: %[[B:.*]] = nn.matmul {{.*}} {wide} : {{.*}} -> tensor<4x4xf32>
// CHECK: %[[S:.*]] = nn.add %[[T]], %[[B]] : tensor<4x4xf32>, tensor<4x4xf32>
// CHECK: nn.update %arg1, %[[S]]
func.func @tied(%x: tensor<4x4xf32> {nn.input = "x"}, %w: tensor<4x4xf32> {nn.parameter = "w"}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}) -> (tensor<4x4xf32> {nn.parameter = "w"})
    attributes {nn.phase = "train"} {
  %y = nn.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %z = nn.matmul %y, %w transposed : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %a = nn.matmul %z transposed, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %t = nn.transpose %a [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %b = nn.matmul %x transposed, %z : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = nn.add %t, %b : tensor<4x4xf32>, tensor<4x4xf32>
  %w1 = nn.update %w, %s rate %lr step %step by sgd<lr = 0.1> : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<f64>, tensor<i64>) -> tensor<4x4xf32>
  return %w1 : tensor<4x4xf32>
}

// -----

// Differences from labels are f32, their square is added up in f32; only the
// gradient that a product reads is rounded, where it is made.
// CHECK-LABEL: func.func @squared
// CHECK: %[[Y:.*]] = nn.matmul {{.*}} -> tensor<4x1xbf16>
// CHECK: %[[P:.*]] = nn.cast %[[Y]] : tensor<4x1xbf16> -> tensor<4x1xf32>
// CHECK: %[[E:.*]] = nn.sub %[[P]], %arg2 : tensor<4x1xf32>, tensor<4x1xf32>
// CHECK: %[[S:.*]] = nn.mul %[[E]], %[[E]] : tensor<4x1xf32>, tensor<4x1xf32>
// CHECK: %[[LOSS:.*]] = nn.reduce_sum %[[S]] axes [0, 1] : (tensor<4x1xf32>) -> tensor<f32>
// CHECK: %[[G:.*]] = nn.mul %[[E]], %{{.*}} : tensor<4x1xf32>, tensor<f32>
// CHECK: %[[D:.*]] = nn.cast %[[G]] : tensor<4x1xf32> -> tensor<4x1xbf16>
// CHECK: %[[DW:.*]] = nn.matmul %{{.*}} transposed, %[[D]] {wide}
// CHECK: nn.reduce_sum %[[D]] axes [0, 1] : (tensor<4x1xbf16>) -> tensor<f32>
// CHECK: return %[[LOSS]]
func.func @squared(%x: tensor<4x4xf32> {nn.input = "x"}, %w: tensor<4x1xf32> {nn.parameter = "w"}, %label: tensor<4x1xf32> {nn.label}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate})
    -> (tensor<f32> {nn.loss}, tensor<4x1xf32> {nn.parameter = "w"}, tensor<f32>) attributes {nn.phase = "train"} {
  %two = nn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %y = nn.matmul %x, %w : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %e = nn.sub %y, %label : tensor<4x1xf32>, tensor<4x1xf32>
  %s = nn.mul %e, %e : tensor<4x1xf32>, tensor<4x1xf32>
  %loss = nn.reduce_sum %s axes [0, 1] : (tensor<4x1xf32>) -> tensor<f32>
  %g = nn.mul %e, %two : tensor<4x1xf32>, tensor<f32>
  %dw = nn.matmul %x transposed, %g : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %sum = nn.reduce_sum %g axes [0, 1] : (tensor<4x1xf32>) -> tensor<f32>
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<4x1xf32>, tensor<4x1xf32>, tensor<f64>, tensor<i64>) -> tensor<4x1xf32>
  return %loss, %w1, %sum : tensor<f32>, tensor<4x1xf32>, tensor<f32>
}

// -----

// Probabilities that a logarithm is taken of are f32; they are computed from bf16 logits.
// CHECK-LABEL: func.func @probabilities
// CHECK: %[[L:.*]] = nn.matmul {{.*}} -> tensor<4x1xbf16>
// CHECK: %[[W:.*]] = nn.cast %[[L]] : tensor<4x1xbf16> -> tensor<4x1xf32>
// CHECK: %[[P:.*]] = nn.sigmoid %[[W]] : tensor<4x1xf32>
// CHECK: nn.binary_cross_entropy %[[P]], {{.*}} (tensor<4x1xf32>, tensor<4x1xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<4x1xf32>)
func.func @probabilities(%x: tensor<4x4xf32> {nn.input = "x"}, %w: tensor<4x1xf32> {nn.parameter = "w"}, %label: tensor<4x1xf32> {nn.label}, %weight: tensor<4xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {nn.phase = "evaluate"} {
  %l = nn.matmul %x, %w : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %p = nn.sigmoid %l : tensor<4x1xf32>
  %loss, %d = nn.binary_cross_entropy %p, %label, %weight : (tensor<4x1xf32>, tensor<4x1xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<4x1xf32>)
  return %loss : tensor<f32>
}

// -----

// Statistics and scales are f32; the images that they meet stay bf16.
// CHECK-LABEL: func.func @normalised
// CHECK: %[[Y:.*]] = nn.conv {{.*}} -> tensor<4x2x3x3xbf16>
// CHECK: %[[C:.*]] = nn.sub %[[Y]], %arg2 : tensor<4x2x3x3xbf16>, tensor<1x2x1x1xf32>
// CHECK: %[[S:.*]] = nn.mul %[[C]], %arg3 : tensor<4x2x3x3xbf16>, tensor<1x2x1x1xf32>
// CHECK: %[[N:[^,]*]], %[[M:[^,]*]], %{{.*}} = nn.batch_norm_training %[[S]], %arg4, %arg5, %arg6 {{.*}} (tensor<4x2x3x3xbf16>, tensor<2xf32>, tensor<2xf32>, tensor<4xf32>) -> (tensor<4x2x3x3xbf16>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
// CHECK: nn.softmax %[[N]] axis 1 {wide} : tensor<4x2x3x3xbf16>
func.func @normalised(%x: tensor<4x1x3x3xf32> {nn.input = "x"}, %w: tensor<2x1x1x1xf32> {nn.parameter = "w"}, %mean: tensor<1x2x1x1xf32> {nn.state = "mean"}, %scale: tensor<1x2x1x1xf32> {nn.parameter = "scale"},
    %a: tensor<2xf32> {nn.parameter = "a"}, %b: tensor<2xf32> {nn.parameter = "b"}, %weight: tensor<4xf32> {nn.sample_weight}) -> (tensor<2xf32>, tensor<f32>) attributes {nn.phase = "train"} {
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x1x3x3xf32>, tensor<2x1x1x1xf32>) -> tensor<4x2x3x3xf32>
  %c = nn.sub %y, %mean : tensor<4x2x3x3xf32>, tensor<1x2x1x1xf32>
  %s = nn.mul %c, %scale : tensor<4x2x3x3xf32>, tensor<1x2x1x1xf32>
  %n, %m, %v, %saved, %inverse = nn.batch_norm_training %s, %a, %b, %weight {epsilon = 1.0e-5} : (tensor<4x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<4xf32>) -> (tensor<4x2x3x3xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
  %p = nn.softmax %n axis 1 : tensor<4x2x3x3xf32>
  %sum = nn.reduce_sum %p axes [0, 1, 2, 3] : (tensor<4x2x3x3xf32>) -> tensor<f32>
  return %m, %sum : tensor<2xf32>, tensor<f32>
}

// -----

// A table is read where it lies: what is rounded for a product is what was gathered. Its gradient is added up in f32, of bf16.
// CHECK-LABEL: func.func @train(
// CHECK-NOT: nn.cast %arg2
// CHECK: %[[E:.*]] = nn.gather %arg2, %arg0 axis 0 : (tensor<9x4xf32>, tensor<8x3xi64>) -> tensor<8x3x4xf32>
// CHECK: %[[L:.*]] = nn.cast %[[E]] : tensor<8x3x4xf32> -> tensor<8x3x4xbf16>
// CHECK: nn.matmul %[[L]]
// CHECK: nn.gather_gradient %{{.*}}, %arg0 axis 0 : tensor<8x3x4xbf16>, tensor<8x3xi64> -> tensor<9x4xf32>
func.func @train(%ids: tensor<8x3xi64> {nn.input = "ids", nn.classes = 9 : i64}, %dy: tensor<8x3x2xf32> {nn.input = "dy"},
    %table: tensor<9x4xf32> {nn.parameter = "table"}, %w: tensor<4x2xf32> {nn.parameter = "w"})
    -> (tensor<8x3x2xf32>, tensor<9x4xf32>) attributes {nn.phase = "train"} {
  %e = nn.gather %table, %ids axis 0 : (tensor<9x4xf32>, tensor<8x3xi64>) -> tensor<8x3x4xf32>
  %y = nn.matmul %e, %w : (tensor<8x3x4xf32>, tensor<4x2xf32>) -> tensor<8x3x2xf32>
  %de = nn.matmul %dy, %w transposed : (tensor<8x3x2xf32>, tensor<4x2xf32>) -> tensor<8x3x4xf32>
  %dt = nn.gather_gradient %de, %ids axis 0 : tensor<8x3x4xf32>, tensor<8x3xi64> -> tensor<9x4xf32>
  return %y, %dt : tensor<8x3x2xf32>, tensor<9x4xf32>
}

// -----

// Of whatever rank a scale is, it is f32, as are statistics; rows stay bf16, and the gradient takes dy as forward took x.
// CHECK-LABEL: func.func @rows
// CHECK: %[[H:.*]] = nn.matmul {{.*}} -> tensor<4x6xbf16>
// CHECK: %[[R:.*]] = nn.reshape %[[H]] : tensor<4x6xbf16> -> tensor<4x2x3xbf16>
// CHECK: %[[Y:.*]], %{{.*}}, %{{.*}} = nn.layer_norm %[[R]] scale %arg2 {{.*}} (tensor<4x2x3xbf16>, tensor<2x3xf32>) -> (tensor<4x2x3xbf16>, tensor<4xf32>, tensor<4xf32>)
// CHECK: nn.layer_norm_gradient %[[Y]], %[[R]] {{.*}} : tensor<4x2x3xbf16>, tensor<4x2x3xbf16>, tensor<4xf32>, tensor<4xf32>, tensor<2x3xf32> -> tensor<4x2x3xbf16> scale tensor<2x3xf32>
func.func @rows(%x: tensor<4x5xf32> {nn.input = "x"}, %w: tensor<5x6xf32> {nn.parameter = "w"}, %s: tensor<2x3xf32> {nn.parameter = "s"})
    -> (tensor<2x3xf32>, tensor<f32>) attributes {nn.phase = "train"} {
  %h = nn.matmul %x, %w : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  %r = nn.reshape %h : tensor<4x6xf32> -> tensor<4x2x3xf32>
  %y, %mean, %inverse = nn.layer_norm %r scale %s {axis = 1, epsilon = 1.0e-5} : (tensor<4x2x3xf32>, tensor<2x3xf32>) -> (tensor<4x2x3xf32>, tensor<4xf32>, tensor<4xf32>)
  %dx, %ds = nn.layer_norm_gradient %y, %r inverse %inverse mean %mean scale %s : tensor<4x2x3xf32>, tensor<4x2x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2x3xf32> -> tensor<4x2x3xf32> scale tensor<2x3xf32>
  %sum = nn.reduce_sum %dx axes [0, 1, 2] : (tensor<4x2x3xf32>) -> tensor<f32>
  return %ds, %sum : tensor<2x3xf32>, tensor<f32>
}
