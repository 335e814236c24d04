// RUN: dtc-opt %s -dtc-simplify-graph -split-input-file | FileCheck %s

// CHECK-LABEL: @relu_behind_pool
// CHECK: %[[Y:.*]], %{{.*}} = nn.max_pool %arg0
// CHECK: %[[R:.*]] = nn.relu %[[Y]] : tensor<8x32x13x13xf32>
// CHECK: return %[[R]]
func.func @relu_behind_pool(%0: tensor<8x32x26x26xf32>) -> tensor<8x32x13x13xf32> {
  %1 = nn.relu %0 : tensor<8x32x26x26xf32>
  %2, %index = nn.max_pool %1 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<8x32x26x26xf32>) -> (tensor<8x32x13x13xf32>, tensor<8x32x13x13xui8>)
  return %2 : tensor<8x32x13x13xf32>
}

// -----

// CHECK-LABEL: @leaky_relu_behind_pool
// CHECK: nn.max_pool %arg0
// CHECK: nn.leaky_relu %{{.*}} {alpha = 1.000000e-02 : f64} : tensor<1x1x2xf32>
func.func @leaky_relu_behind_pool(%x: tensor<1x1x4xf32>) -> tensor<1x1x2xf32> {
  %0 = nn.leaky_relu %x {alpha = 0.01} : tensor<1x1x4xf32>
  %y, %index = nn.max_pool %0 kernel [2] strides [2] pads [0, 0] dilations [1]
     : (tensor<1x1x4xf32>) -> (tensor<1x1x2xf32>, tensor<1x1x2xui8>)
  return %y : tensor<1x1x2xf32>
}

// -----

// A negative alpha is not monotone, a second use needs the activation of all
// elements anyway, and an index that is read would change at ties.
// CHECK-LABEL: @activation_stays
// CHECK: nn.leaky_relu %arg0
// CHECK: nn.max_pool
// CHECK: nn.relu %arg0
// CHECK: nn.max_pool
// CHECK: nn.relu %arg1
// CHECK: nn.max_pool
func.func @activation_stays(%x: tensor<1x1x4xf32>, %z: tensor<1x1x4xf32>)
    -> (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x4xf32>, tensor<1x1x2xf32>, tensor<1x1x4xf32>) {
  %0 = nn.leaky_relu %x {alpha = -0.01} : tensor<1x1x4xf32>
  %y0, %i0 = nn.max_pool %0 kernel [2] strides [2] pads [0, 0] dilations [1]
     : (tensor<1x1x4xf32>) -> (tensor<1x1x2xf32>, tensor<1x1x2xui8>)
  %1 = nn.relu %x : tensor<1x1x4xf32>
  %y1, %i1 = nn.max_pool %1 kernel [2] strides [2] pads [0, 0] dilations [1]
     : (tensor<1x1x4xf32>) -> (tensor<1x1x2xf32>, tensor<1x1x2xui8>)
  %2 = nn.relu %z : tensor<1x1x4xf32>
  %y2, %i2 = nn.max_pool %2 kernel [2] strides [2] pads [0, 0] dilations [1]
     : (tensor<1x1x4xf32>) -> (tensor<1x1x2xf32>, tensor<1x1x2xui8>)
  %g = nn.max_pool_gradient %y2, %i2 kernel [2] strides [2] pads [0, 0] dilations [1]
     : (tensor<1x1x2xf32>, tensor<1x1x2xui8>) -> tensor<1x1x4xf32>
  return %y0, %y1, %1, %y2, %g : tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x4xf32>, tensor<1x1x2xf32>, tensor<1x1x4xf32>
}

// -----

// CHECK-LABEL: @reshapes
// CHECK-NEXT: nn.reshape %arg0 : tensor<2x6xf32> -> tensor<4x3xf32>
// CHECK-NEXT: return %{{.*}}, %arg0
func.func @reshapes(%x: tensor<2x6xf32>) -> (tensor<4x3xf32>, tensor<2x6xf32>) {
  %0 = nn.reshape %x : tensor<2x6xf32> -> tensor<12xf32>
  %1 = nn.reshape %0 : tensor<12xf32> -> tensor<4x3xf32>
  %2 = nn.reshape %0 : tensor<12xf32> -> tensor<2x6xf32>
  return %1, %2 : tensor<4x3xf32>, tensor<2x6xf32>
}

// -----

// CHECK-LABEL: @transposes
// CHECK-NEXT: nn.transpose %arg0 [1, 2, 0]
// CHECK-NEXT: return %{{.*}}, %arg0
func.func @transposes(%x: tensor<2x3x4xf32>) -> (tensor<3x4x2xf32>, tensor<2x3x4xf32>) {
  %0 = nn.transpose %x [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = nn.transpose %0 [2, 0, 1] : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  %2 = nn.transpose %0 [1, 2, 0] : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  return %1, %2 : tensor<3x4x2xf32>, tensor<2x3x4xf32>
}

// -----

// Only a swap of the last two dimensions is a transposed matrix.
// CHECK-LABEL: @transposed_matrices
// CHECK: nn.matmul %arg0 transposed, %arg1 : (tensor<5x3x2xf32>, tensor<5x3x4xf32>)
// CHECK: nn.matmul %arg0 transposed, %arg1 :
// CHECK: nn.transpose %arg0 [2, 1, 0]
func.func @transposed_matrices(%a: tensor<5x3x2xf32>, %b: tensor<5x3x4xf32>)
    -> (tensor<5x2x4xf32>, tensor<5x2x4xf32>, tensor<2x3x3xf32>) {
  %0 = nn.transpose %a [0, 2, 1] : (tensor<5x3x2xf32>) -> tensor<5x2x3xf32>
  %1 = nn.matmul %0, %b : (tensor<5x2x3xf32>, tensor<5x3x4xf32>) -> tensor<5x2x4xf32>
  %2 = nn.transpose %b [0, 2, 1] : (tensor<5x3x4xf32>) -> tensor<5x4x3xf32>
  %3 = nn.matmul %a transposed, %2 transposed : (tensor<5x3x2xf32>, tensor<5x4x3xf32>) -> tensor<5x2x4xf32>
  %4 = nn.transpose %a [2, 1, 0] : (tensor<5x3x2xf32>) -> tensor<2x3x5xf32>
  %5 = nn.matmul %4, %4 transposed : (tensor<2x3x5xf32>, tensor<2x3x5xf32>) -> tensor<2x3x3xf32>
  return %1, %3, %5 : tensor<5x2x4xf32>, tensor<5x2x4xf32>, tensor<2x3x3xf32>
}

// -----

// CHECK-LABEL: @log_of_softmax
// CHECK-NEXT: nn.log_softmax %arg0 axis 1
// CHECK-NEXT: %[[S:.*]] = nn.softmax %arg0 axis 0
// CHECK-NEXT: nn.log %[[S]]
func.func @log_of_softmax(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = nn.softmax %x axis 1 : tensor<2x3xf32>
  %1 = nn.log %0 : tensor<2x3xf32>
  %2 = nn.softmax %x axis 0 : tensor<2x3xf32>
  %3 = nn.log %2 : tensor<2x3xf32>
  return %1, %2, %3 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// The broadcast stays for exp, whose result would be smaller without it.
// CHECK-LABEL: @broadcasts
// CHECK-NEXT: %[[B:.*]] = nn.broadcast %arg1
// CHECK-NEXT: nn.add %arg0, %arg1 : tensor<2x3xf32>, tensor<3xf32>
// CHECK-NEXT: nn.exp %[[B]]
func.func @broadcasts(%x: tensor<2x3xf32>, %b: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = nn.broadcast %b : tensor<3xf32> -> tensor<2x3xf32>
  %1 = nn.add %x, %0 : tensor<2x3xf32>, tensor<2x3xf32>
  %2 = nn.exp %0 : tensor<2x3xf32>
  return %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>
}

// -----

// CHECK-LABEL: @square
// CHECK-NEXT: nn.mul %arg0, %arg0
func.func @square(%x: tensor<3xf32>) -> tensor<3xf32> {
  %two = nn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %0 = nn.pow %x, %two : tensor<3xf32>, tensor<f32>
  return %0 : tensor<3xf32>
}

// -----

// (1 + 1) / 4 is 0.5; that sqrt(-1) is not a number shall show at run time.
// CHECK-LABEL: @constants
// CHECK-DAG: dense<5.000000e-01> : tensor<3xf32>
// CHECK-DAG: %[[MINUS:.*]] = nn.constant dense<-1.000000e+00> : tensor<f32>
// CHECK: nn.sqrt %[[MINUS]]
// CHECK-NEXT: return
func.func @constants() -> (tensor<3xf32>, tensor<f32>) {
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %four = nn.constant dense<4.0> : tensor<3xf32> : tensor<3xf32>
  %0 = nn.add %one, %one : tensor<f32>, tensor<f32>
  %1 = nn.div %0, %four : tensor<f32>, tensor<3xf32>
  %2 = nn.neg %one : tensor<f32>
  %3 = nn.sqrt %2 : tensor<f32>
  return %1, %3 : tensor<3xf32>, tensor<f32>
}

// -----

// x * 1 is x, unless it makes x larger; dead ops go.
// CHECK-LABEL: @identities
// CHECK-NEXT: %[[ONES:.*]] = nn.constant dense<1.000000e+00> : tensor<2x3xf32>
// CHECK-NEXT: %[[LARGE:.*]] = nn.mul %arg1, %[[ONES]]
// CHECK-NEXT: return %arg0, %arg0, %arg0, %[[LARGE]]
func.func @identities(%x: tensor<2x3xf32>, %b: tensor<3xf32>)
    -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %ones = nn.constant dense<1.0> : tensor<2x3xf32> : tensor<2x3xf32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %0 = nn.mul %ones, %x : tensor<2x3xf32>, tensor<2x3xf32>
  %1 = nn.div %0, %ones : tensor<2x3xf32>, tensor<2x3xf32>
  %2 = nn.sub %1, %zero : tensor<2x3xf32>, tensor<f32>
  %3 = nn.pow %x, %ones : tensor<2x3xf32>, tensor<2x3xf32>
  %4 = nn.concat %3 axis 0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = nn.slice %x [0, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  %6 = nn.reduce_sum %5 axes [] : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %7 = nn.mul %b, %ones : tensor<3xf32>, tensor<2x3xf32>
  %dead = nn.exp %x : tensor<2x3xf32>
  return %2, %4, %6, %7 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}
