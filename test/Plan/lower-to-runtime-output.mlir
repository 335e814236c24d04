// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s
// RUN: dtc-opt --dtc-lower-to-runtime --dtc-plan-memory --dtc-verify-memory %s | FileCheck %s --check-prefix=MEMORY

// Microbatches make their rows where the runtime reads them, one behind the other.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}
dist.fragment @forward(%x: tensor<8x8xf32>, %w: tensor<64x8xf32>) -> tensor<f32> {
  %y = nn.matmul %x, %w transposed : (tensor<8x8xf32>, tensor<64x8xf32>) -> tensor<8x64xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<8x64xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}
dist.fragment @predict_forward(%x: tensor<4x8xf32>, %w: tensor<64x8xf32>) -> tensor<4x64xf32> {
  %h = nn.matmul %x, %w transposed : (tensor<4x8xf32>, tensor<64x8xf32>) -> tensor<4x64xf32>
  %g = nn.matmul %h, %w : (tensor<4x64xf32>, tensor<64x8xf32>) -> tensor<4x8xf32>
  %y = nn.matmul %g, %w transposed : (tensor<4x8xf32>, tensor<64x8xf32>) -> tensor<4x64xf32>
  dist.return %y : tensor<4x64xf32>
}

// CHECK: %[[OUTPUT:.*]] = rt.buffer output "y" : memref<8x64xf32>
// CHECK: %[[ROWS:.*]] = rt.view "y.rows" of %[[OUTPUT]] at 0 parts 2 : memref<8x64xf32> -> memref<4x64xf32>
// An output is memory of the prediction alone: it shares with what training has there, and with nothing of its own phase.
// MEMORY: rt.program @all arena([[ARENA:.*]]) shared
// MEMORY: rt.buffer temporary "{{.*}}" offset [[PLACE:[0-9]+]] : memref<8x64xf32>
// MEMORY-NEXT: rt.buffer output "y" offset [[PLACE]] : memref<8x64xf32>
// MEMORY: rt.buffer temporary "matmul" offset 4480
dist.timeline @train(%x: tensor<8x8xf32> {nn.input = "x", dist.shard = "data"}, %weight: tensor<8xf32> {nn.sample_weight},
                     %w: tensor<64x8xf32> {nn.parameter = "w", nn.init = #nn.uniform<bound = 0.5>}) -> (tensor<f32> {nn.loss})
    attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  %loss = dist.run @forward(%x, %w) : (tensor<8x8xf32>, tensor<64x8xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}

// CHECK: rt.fragment @predict_forward
// CHECK: rt.call "matmul"({{.*}}) -> (%[[ROWS]])
// CHECK: rt.timeline @predict phase "predict" {
// CHECK-NEXT: rt.run @predict_forward microbatch 0
// CHECK-NEXT: rt.run @predict_forward microbatch 1
// CHECK-NEXT: }
dist.timeline @predict(%x: tensor<8x8xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<64x8xf32> {nn.parameter = "w", nn.init = #nn.uniform<bound = 0.5>})
    -> (tensor<4x64xf32> {nn.output = "y", dist.shard = "data"}, tensor<4x64xf32> {nn.output = "y", dist.shard = "data"}) attributes {phase = "predict", role = "all"} {
  %x0 = dist.microbatch 0 of %x : tensor<8x8xf32> -> tensor<4x8xf32>
  %y0 = dist.run @predict_forward(%x0, %w) microbatch 0 : (tensor<4x8xf32>, tensor<64x8xf32>) -> tensor<4x64xf32>
  %x1 = dist.microbatch 1 of %x : tensor<8x8xf32> -> tensor<4x8xf32>
  %y1 = dist.run @predict_forward(%x1, %w) microbatch 1 : (tensor<4x8xf32>, tensor<64x8xf32>) -> tensor<4x64xf32>
  dist.return %y0, %y1 : tensor<4x64xf32>, tensor<4x64xf32>
}
