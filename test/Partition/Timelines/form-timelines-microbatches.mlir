// RUN: dtc-opt %s -dtc-form-timelines=bucket-bytes=1 | FileCheck %s
// RUN: dtc-opt %s -dtc-form-timelines=schedule=gpipe | FileCheck %s --check-prefix=GPIPE
// RUN: sed 's/shape = 2/shape = 1/' %s | dtc-opt -dtc-form-timelines | FileCheck %s --check-prefix=ALONE --implicit-check-not=all_reduce

// Gradient accumulation: no stages, so that names have no numbers, but microbatches. What the batch sums up grows in place, and travels
// behind the last one.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
func.func @train(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<4x4xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<4x4xf32> {nn.parameter = "w"})
    attributes {nn.phase = "train", dist.axis = "data", dist.microbatches = 2 : i64} {
  %y = nn.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("fc")
  %l = nn.reduce_sum %y axes [0, 1] : (tensor<4x4xf32>) -> tensor<f32> loc("loss")
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  %d = nn.matmul %x transposed, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["fc"])
  %dw = dist.batch_sum %d over "data" : tensor<4x4xf32>
  %new = nn.sub %w, %dw : tensor<4x4xf32>, tensor<4x4xf32>
  return %loss, %new : tensor<f32>, tensor<4x4xf32>
}

// CHECK-LABEL: dist.fragment @forward(
// CHECK-SAME: -> (tensor<f32> {dist.in_place = 2 : i64}, tensor<4x4xf32>)
// CHECK-SAME: kind = #dist<kind forward>
// CHECK-NOT: stage =
// CHECK-LABEL: dist.fragment @backward(
// CHECK-SAME: -> (tensor<4x4xf32> {dist.in_place = 2 : i64})
// CHECK-LABEL: dist.fragment @update(
// CHECK-LABEL: dist.timeline @train(%arg0: tensor<8x4xf32> {dist.shard = "data", nn.input = "x"}, %arg1: tensor<4x4xf32> {nn.parameter = "w"})
// CHECK-NOT: dist.at
// CHECK-SAME: role = "all"
// CHECK: %[[LOSS:.*]] = dist.zeros "loss"
// CHECK: %[[SUM:.*]] = dist.zeros "w.gradient"
// CHECK: %[[X0:.*]] = dist.microbatch 0 of %arg0
// CHECK: %[[F0:.*]]:2 = dist.run @forward(%[[X0]], %arg1, %[[LOSS]]) microbatch 0
// CHECK: %[[B0:.*]] = dist.run @backward(%[[X0]], %[[F0]]#1, %[[SUM]]) microbatch 0
// CHECK: %[[X1:.*]] = dist.microbatch 1 of %arg0
// CHECK: %[[F1:.*]]:2 = dist.run @forward(%[[X1]], %arg1, %[[F0]]#0) microbatch 1
// CHECK: %[[S0:.*]] = dist.all_reduce_start sum %[[F1]]#0 over "data" bucket "bucket0" ["loss"]
// CHECK: %[[B1:.*]] = dist.run @backward(%[[X1]], %[[F1]]#1, %[[B0]]) microbatch 1
// CHECK: %[[S1:.*]] = dist.all_reduce_start sum %[[B1]] over "data" bucket "bucket1" ["w"]
// CHECK-NEXT: %[[WHOLE:.*]] = dist.wait %[[S0]]
// CHECK-NEXT: %[[DW:.*]] = dist.wait %[[S1]]
// CHECK-NEXT: %[[NEW:.*]] = dist.run @update(%arg1, %[[DW]])
// CHECK-NEXT: dist.return %[[WHOLE]], %[[NEW]]

// GPIPE: dist.run @forward({{.*}}) microbatch 0
// GPIPE: dist.run @forward({{.*}}) microbatch 1
// GPIPE: dist.run @backward({{.*}}) microbatch 0

// ALONE: %[[B1:.*]] = dist.run @backward({{.*}}) microbatch 1
// ALONE-NEXT: dist.run @update(%arg1, %[[B1]])
