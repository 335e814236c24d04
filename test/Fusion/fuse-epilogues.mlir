// RUN: dtc-opt %s --dtc-fuse-epilogues -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: dist.fragment @linear
dist.fragment @linear(%x: tensor<64x784xf32>, %w: tensor<128x784xf32>, %b: tensor<128xf32>) -> tensor<64x128xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.matmul %{{.*}}, %{{.*}} transposed bias %{{.*}} epilogue<activation = relu> :
  // CHECK-SAME: loc(fused["fc1"("model":1:1), "relu1"])
  // CHECK-NEXT: dist.return %[[Y]]
  %0 = nn.matmul %x, %w transposed : (tensor<64x784xf32>, tensor<128x784xf32>) -> tensor<64x128xf32> loc("fc1"("model":1:1))
  %1 = nn.add %0, %b : tensor<64x128xf32>, tensor<128xf32> loc("fc1"("model":1:1))
  %2 = nn.relu %1 : tensor<64x128xf32> loc("relu1")
  dist.return %2 : tensor<64x128xf32>
}

// Operands the other way round, the bias as a row, computed after the matmul.
// CHECK-LABEL: func.func @row_bias_first
func.func @row_bias_first(%x: tensor<2x64x32xf32>, %w: tensor<32x8xf32>, %b: tensor<1x8xf32>) -> tensor<2x64x8xf32> {
  // CHECK-NEXT: %[[EXP:.*]] = nn.exp
  // CHECK-NEXT: %[[B:.*]] = nn.reshape %[[EXP]] : tensor<1x8xf32> -> tensor<8xf32>
  // CHECK-NEXT: %[[Y:.*]] = nn.matmul %{{.*}}, %{{.*}} bias %[[B]] :
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.matmul %x, %w : (tensor<2x64x32xf32>, tensor<32x8xf32>) -> tensor<2x64x8xf32>
  %1 = nn.exp %b : tensor<1x8xf32>
  %2 = nn.add %1, %0 : tensor<1x8xf32>, tensor<2x64x8xf32>
  return %2 : tensor<2x64x8xf32>
}

// A convolution's bias has one element for each channel.
// CHECK-LABEL: func.func @conv
func.func @conv(%x: tensor<4x1x8x8xf32>, %w: tensor<6x1x3x3xf32>, %b: tensor<1x6x1x1xf32>) -> tensor<4x6x6x6xf32> {
  // CHECK-NEXT: %[[B:.*]] = nn.reshape %{{.*}} : tensor<1x6x1x1xf32> -> tensor<6xf32>
  // CHECK-NEXT: %[[Y:.*]] = nn.conv %{{.*}}, %{{.*}} bias %[[B]] {{.*}} groups 1 epilogue<activation = leaky_relu, alpha = 1.000000e-01> :
  // CHECK-NEXT: return %[[Y]]
  %0 = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<4x1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<4x6x6x6xf32>
  %1 = nn.add %0, %b : tensor<4x6x6x6xf32>, tensor<1x6x1x1xf32>
  %2 = nn.leaky_relu %1 {alpha = 0.1} : tensor<4x6x6x6xf32>
  return %2 : tensor<4x6x6x6xf32>
}

// The index is not part of the epilogue: it may have other uses.
// CHECK-LABEL: func.func @max_pool
func.func @max_pool(%x: tensor<4x6x6x6xf32>) -> (tensor<4x6x3x3xf32>, tensor<4x6x3x3xui8>) {
  // CHECK-NEXT: %[[Y:.*]], %[[INDEX:.*]] = nn.max_pool {{.*}} epilogue<activation = tanh> :
  // CHECK-NEXT: return %[[Y]], %[[INDEX]]
  %0, %index = nn.max_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<4x6x6x6xf32>) -> (tensor<4x6x3x3xf32>, tensor<4x6x3x3xui8>)
  %1 = nn.tanh %0 : tensor<4x6x3x3xf32>
  return %1, %index : tensor<4x6x3x3xf32>, tensor<4x6x3x3xui8>
}

// One activation each; the second stays.
// CHECK-LABEL: func.func @two_activations
func.func @two_activations(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: %[[Y:.*]] = nn.matmul {{.*}} epilogue<activation = sigmoid> :
  // CHECK-NEXT: %[[ADD:.*]] = nn.add %[[Y]]
  // CHECK-NEXT: nn.elu %[[ADD]] {alpha = 2.000000e+00 : f64}
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.sigmoid %0 : tensor<4x8xf32>
  // An epilogue's bias comes before its activation, this one after.
  %2 = nn.add %1, %b : tensor<4x8xf32>, tensor<8xf32>
  %3 = nn.elu %2 {alpha = 2.0} : tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// A dead reader is no second use.
// CHECK-LABEL: func.func @dead_reader
func.func @dead_reader(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: nn.matmul {{.*}} epilogue<activation = elu, alpha = 5.000000e-01> :
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.elu %0 {alpha = 0.5} : tensor<4x8xf32>
  %dead = nn.exp %0 : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
