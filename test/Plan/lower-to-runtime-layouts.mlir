// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// Activations around convolutions and pooling lie channels-last. A tensor that
// a matrix product needs row-major is copied once, at the edge; a first layer
// with one channel needs no copy at all.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}

// CHECK-DAG: [[GRAY:%[0-9]+]] = rt.buffer input "gray" : memref<2x1x6x6xf32>
// CHECK-DAG: [[COLOR:%[0-9]+]] = rt.buffer input "color" : memref<2x3x6x6xf32>
// CHECK-DAG: [[A:%[0-9]+]] = rt.buffer temporary "conv" : memref<2x4x4x4xf32, strided<[64, 1, 16, 4]>>
// CHECK-DAG: [[CONVERTED:%[0-9]+]] = rt.buffer temporary "color.channels_last" : memref<2x3x6x6xf32, strided<[108, 1, 18, 3]>>
// CHECK-DAG: [[FLAT:%[0-9]+]] = rt.buffer temporary "reshape" : memref<2x64xf32>
// Another shape of the same order is a view.
// CHECK-DAG: rt.view "reshape" of %{{[0-9]+}} at 0 : memref<2x8xf32> -> memref<16xf32>
// CHECK: rt.kernel @add grid [128]
dist.fragment @f(%gray: tensor<2x1x6x6xf32>, %color: tensor<2x3x6x6xf32>, %w1: tensor<4x1x3x3xf32>, %w3: tensor<4x3x3x3xf32>, %p: tensor<8x64xf32>, %weight: tensor<2xf32>) -> tensor<f32> {
  // CHECK: rt.call "conv"([[GRAY]], %{{.*}}) -> ([[A]])
  %a = nn.conv %gray, %w1 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<2x1x6x6xf32>, tensor<4x1x3x3xf32>) -> tensor<2x4x4x4xf32>
  // CHECK: rt.call "copy"([[COLOR]]) -> ([[CONVERTED]])
  // CHECK: rt.call "conv"([[CONVERTED]], %{{.*}}) -> ([[B:%[0-9]+]])
  %b = nn.conv %color, %w3 strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<2x3x6x6xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x4x4xf32>
  // The kernel is one loop: all its buffers lie alike.
  // CHECK: rt.launch @add([[A]], [[B]]) -> ([[C:%[0-9]+]]) : (memref<2x4x4x4xf32, strided<[64, 1, 16, 4]>>, memref<2x4x4x4xf32, strided<[64, 1, 16, 4]>>) -> memref<2x4x4x4xf32, strided<[64, 1, 16, 4]>>
  %empty = tensor.empty() : tensor<2x4x4x4xf32>
  %c = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a, %b : tensor<2x4x4x4xf32>, tensor<2x4x4x4xf32>) outs(%empty : tensor<2x4x4x4xf32>) attrs = {dtc.ops = ["add"]} {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> tensor<2x4x4x4xf32>
  // Flattening moves elements, because the weights behind it count channels first.
  // CHECK: rt.call "copy"([[C]]) -> ([[FLAT]])
  %flat = nn.reshape %c : tensor<2x4x4x4xf32> -> tensor<2x64xf32>
  // CHECK: rt.call "matmul"([[FLAT]], %{{.*}}) -> ([[Y:%[0-9]+]]) options {transpose_b = true}
  %y = nn.matmul %flat, %p transposed : (tensor<2x64xf32>, tensor<8x64xf32>) -> tensor<2x8xf32>
  // CHECK-NOT: "copy"
  %z = nn.reshape %y : tensor<2x8xf32> -> tensor<16xf32>
  %loss = nn.reduce_sum %z axes [0] : (tensor<16xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}

dist.timeline @evaluate(%gray: tensor<2x1x6x6xf32> {nn.input = "gray"}, %color: tensor<2x3x6x6xf32> {nn.input = "color"}, %w1: tensor<4x1x3x3xf32> {nn.parameter = "w1", nn.init = #nn.constant<value = 1.0>}, %w3: tensor<4x3x3x3xf32> {nn.parameter = "w3", nn.init = #nn.constant<value = 1.0>}, %p: tensor<8x64xf32> {nn.parameter = "p", nn.init = #nn.constant<value = 1.0>}, %weight: tensor<2xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {phase = "evaluate", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %loss = dist.run @f(%gray, %color, %w1, %w3, %p, %weight) : (tensor<2x1x6x6xf32>, tensor<2x3x6x6xf32>, tensor<4x1x3x3xf32>, tensor<4x3x3x3xf32>, tensor<8x64xf32>, tensor<2xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}
