// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK-LABEL: @mnist_cnn
// CHECK-SAME: nn.init = #nn.uniform<bound = 3.333000e-01>, nn.parameter = "conv1.weight"
// CHECK-SAME: nn.model = "mnist_cnn", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.adam<lr = 1.000000e-03>, batch = 256>
func.func @mnist_cnn(
    %image: tensor<256x1x28x28xf32> {nn.input = "image"},
    %conv1_w: tensor<32x1x3x3xf32> {nn.parameter = "conv1.weight", nn.init = #nn.uniform<bound = 0.3333>},
    %conv1_b: tensor<32xf32> {nn.parameter = "conv1.bias", nn.init = #nn.constant<value = 0.0>},
    %fc_w: tensor<10x5408xf32> {nn.parameter = "fc.weight", nn.init = #nn.normal<mean = 0.0, stddev = 0.1>},
    %fc_b: tensor<10xf32> {nn.parameter = "fc.bias", nn.init = dense<0.5> : tensor<10xf32>})
    -> (tensor<256x10xf32> {nn.output = "logits"})
    attributes {nn.model = "mnist_cnn", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.adam<lr = 1.0e-3>, batch = 256>} {
  %0 = nn.conv %image, %conv1_w bias %conv1_b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<256x1x28x28xf32>, tensor<32x1x3x3xf32>, tensor<32xf32>) -> tensor<256x32x26x26xf32>
  %1 = nn.relu %0 : tensor<256x32x26x26xf32>
  %2, %index = nn.max_pool %1 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<256x32x26x26xf32>) -> (tensor<256x32x13x13xf32>, tensor<256x32x13x13xui8>)
  %3 = nn.reshape %2 : tensor<256x32x13x13xf32> -> tensor<256x5408xf32>
  %4 = nn.matmul %3, %fc_w transposed : (tensor<256x5408xf32>, tensor<10x5408xf32>) -> tensor<256x10xf32>
  // CHECK: nn.add %{{.*}}, %{{.*}} : tensor<256x10xf32>, tensor<10xf32>
  %5 = nn.add %4, %fc_b : tensor<256x10xf32>, tensor<10xf32>
  return %5 : tensor<256x10xf32>
}
