// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK-LABEL: @matmul
func.func @matmul(%x: tensor<4x3xf32>, %w: tensor<3x2xf32>, %b: tensor<2xf32>, %at: tensor<4x2xf32>) {
  // CHECK: nn.matmul %{{.*}}, %{{.*}} bias %{{.*}} epilogue<activation = leaky_relu, alpha = 1.000000e-01> :
  %0 = nn.matmul %x, %w bias %b epilogue<activation = leaky_relu, alpha = 0.1> : (tensor<4x3xf32>, tensor<3x2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  // CHECK: nn.matmul %{{.*}}, %{{.*}} epilogue<gradient = gelu_tanh>(%[[AT:.*]]) :
  %1 = nn.matmul %x, %w epilogue<gradient = gelu_tanh>(%at) : (tensor<4x3xf32>, tensor<3x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return
}

// CHECK-LABEL: @images
func.func @images(%x: tensor<4x2x8x8xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>) {
  // CHECK: nn.conv %{{.*}}, %{{.*}} bias %{{.*}} strides {{.*}} groups 1 epilogue<activation = tanh> :
  %0 = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 epilogue<activation = tanh>
     : (tensor<4x2x8x8xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<4x6x6x6xf32>
  // CHECK: nn.conv %{{.*}}, %{{.*}} strides {{.*}} groups 1 epilogue<activation = relu> :
  %1 = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 epilogue<activation = relu>
     : (tensor<4x2x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<4x6x6x6xf32>
  // CHECK: nn.max_pool %{{.*}} dilations [1, 1] epilogue<activation = sigmoid> :
  %2, %index = nn.max_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] epilogue<activation = sigmoid>
     : (tensor<4x2x8x8xf32>) -> (tensor<4x2x4x4xf32>, tensor<4x2x4x4xui8>)
  return
}

// The parts may stand in any order.
// CHECK-LABEL: @batch_norm
func.func @batch_norm(%x: tensor<4x3xf32>, %c: tensor<3xf32>, %weight: tensor<4xf32>) {
  // CHECK: nn.batch_norm_training %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} epilogue<residual>(%{{.*}}) {epsilon
  %0:5 = nn.batch_norm_training %x, %c, %c, %weight epilogue<residual>(%x) {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  // CHECK: nn.batch_norm_training %{{.*}} running %{{.*}}, %{{.*}} epilogue<residual, activation = elu, alpha = 5.000000e-01>(%{{.*}}) {epsilon
  %1:5 = nn.batch_norm_training %x, %c, %c, %weight running %c, %c epilogue<alpha = 0.5, activation = elu, residual>(%x) {epsilon = 1.0e-5}
     : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}
