// RUN: dtc-opt %s -dtc-fuse -dtc-lower-to-runtime | FileCheck %s

// Copies in bf16 are a call that takes tuples, named after what they are of; a
// product that stays f32 can add to its output, one that is rounded cannot.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @forward(%x: tensor<4x8xf32> loc("x"), %weight: tensor<4xf32>, %w: tensor<8x8xf32> loc("fc.weight")) -> tensor<f32> {
  %lx = nn.cast %x : tensor<4x8xf32> -> tensor<4x8xbf16> loc("fc")
  %lw = nn.cast %w : tensor<8x8xf32> -> tensor<8x8xbf16> loc(fused<"cast">["fc.weight"])
  %y = nn.matmul %lx, %lw : (tensor<4x8xbf16>, tensor<8x8xbf16>) -> tensor<4x8xbf16> loc("fc")
  %z = nn.matmul %y transposed, %lx {wide} : (tensor<4x8xbf16>, tensor<4x8xbf16>) -> tensor<8x8xf32> loc("product")
  %s = nn.reduce_sum %z axes [0, 1] : (tensor<8x8xf32>) -> tensor<f32> loc("loss")
  dist.return %s : tensor<f32>
}
// CHECK: rt.program @all
// CHECK-SAME: precision = "bf16"
// CHECK-DAG: %[[X:.*]] = rt.buffer input "x"
// CHECK-DAG: %[[W:.*]] = rt.buffer parameter "fc.weight"
// CHECK-DAG: %[[LX:.*]] = rt.buffer temporary "x.bf16" : memref<4x8xbf16>
// CHECK-DAG: %[[LW:.*]] = rt.buffer temporary "fc.weight.bf16" : memref<8x8xbf16>
// CHECK-DAG: %[[Y:.*]] = rt.buffer temporary "fc" : memref<4x8xbf16>
// CHECK-DAG: %[[Z:.*]] = rt.buffer temporary "product" : memref<8x8xf32>
// CHECK: rt.call "cast" tuples of 2(%[[X]], %[[LX]]) -> ()
// CHECK-NEXT: rt.call "cast" tuples of 2(%[[W]], %[[LW]]) -> ()
// CHECK-NEXT: rt.call "matmul"(%[[LX]], %[[LW]]) -> (%[[Y]]) {can_sum = {{.*}}} : (memref<4x8xbf16>, memref<8x8xbf16>) -> memref<4x8xbf16>
// CHECK-NEXT: rt.call "matmul"(%[[Y]], %[[LX]]) -> (%[[Z]]) options {transpose_a = true} {can_accumulate, can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>, #rt.sum<"bias_gradient_b", of 1 over[0]>]} : (memref<4x8xbf16>, memref<4x8xbf16>) -> memref<8x8xf32>
dist.timeline @train(%x: tensor<4x8xf32> {nn.input = "x"} loc("x"), %weight: tensor<4xf32> {nn.sample_weight}, %w: tensor<8x8xf32> {nn.parameter = "fc.weight", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<8x8xf32> {nn.parameter = "fc.weight"}) attributes {phase = "train", role = "all", nn.model = "m", nn.precision = "bf16", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %s = dist.run @forward(%x, %weight, %w) : (tensor<4x8xf32>, tensor<4xf32>, tensor<8x8xf32>) -> tensor<f32>
  dist.return %s, %w : tensor<f32>, tensor<8x8xf32>
}
