// RUN: dtc-opt %s -dtc-fuse -dtc-lower-to-runtime | FileCheck %s --implicit-check-not=where_positive

// What a product does for backward is options of its call; which sums it can write besides, and that relu leaves a mask, is said for the passes behind.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @step(%x: tensor<4x8xf32> loc("x"), %weight: tensor<4xf32>, %w: tensor<8x6xf32> loc("fc.weight")) -> tensor<f32> {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32> loc("fc")
  %y = nn.relu %0 : tensor<4x6xf32> loc("fc")
  %n = nn.neg %x : tensor<4x8xf32> loc("n")
  %d = nn.matmul %n, %w : (tensor<4x8xf32>, tensor<8x6xf32>) -> tensor<4x6xf32> loc("gradient")
  %dx = nn.where_positive %y, %d, %zero : tensor<4x6xf32>, tensor<4x6xf32>, tensor<f32> loc("gradient")
  %s = nn.reduce_sum %dx axes [0, 1] : (tensor<4x6xf32>) -> tensor<f32> loc("loss")
  dist.return %s : tensor<f32>
}
// CHECK-DAG: %[[Y:.*]] = rt.buffer temporary "fc" : memref<4x6xf32>
// CHECK-DAG: %[[DX:.*]] = rt.buffer temporary "gradient" : memref<4x6xf32>
// CHECK: rt.call "matmul"({{.*}}) -> (%[[Y]]) options {activation = "relu"} {can_write_mask} :
// CHECK: rt.call "matmul"({{.*}}) -> (%[[DX]]) named %[[Y]] ["gradient_at"] options {activation_gradient = "relu"}
// CHECK-SAME: {can_read_mask = "gradient_at", can_sum = [#rt.sum<"bias_gradient", of 2 over[0]>, #rt.sum<"bias_gradient_a", of 0 over[1]>, #rt.sum<"bias_gradient_b", of 1 over[0]>]}
// CHECK-NEXT: rt.call "reduce_sum"(%[[DX]]) -> (%{{.*}}) {sum_over = array<i64: 0, 1>}
dist.timeline @train(%x: tensor<4x8xf32> {nn.input = "x"} loc("x"), %weight: tensor<4xf32> {nn.sample_weight}, %w: tensor<8x6xf32> {nn.parameter = "fc.weight", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<8x6xf32> {nn.parameter = "fc.weight"}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %s = dist.run @step(%x, %weight, %w) : (tensor<4x8xf32>, tensor<4xf32>, tensor<8x6xf32>) -> tensor<f32>
  dist.return %s, %w : tensor<f32>, tensor<8x6xf32>
}
