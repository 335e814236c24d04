// RUN: dtc-opt %s -dtc-form-timelines | FileCheck %s

// One weight on both stages: each sums up its own terms over the microbatches.
// The devices exchange the two sums, once a step, and add them in the same order.

// CHECK-LABEL: dist.fragment @stage0_backward(
// CHECK-SAME: -> (tensor<4x4xf32> {dist.in_place = [[#]] : i64})
// CHECK-LABEL: dist.fragment @stage1_backward(
// CHECK-SAME: -> (tensor<4x4xf32> {dist.in_place = [[#]] : i64}, tensor<4x4xf32>)
// CHECK-LABEL: dist.fragment @stage0_update(%arg0: tensor<4x4xf32>, %arg1: tensor<4x4xf32>, %arg2: tensor<4x4xf32>)
// CHECK-NEXT: %[[SUM:.*]] = nn.add %arg1, %arg2
// CHECK-NEXT: nn.sub %arg0, %[[SUM]]
// CHECK-LABEL: dist.fragment @stage1_update(%arg0: tensor<4x4xf32>, %arg1: tensor<4x4xf32>, %arg2: tensor<4x4xf32>)
// CHECK-NEXT: %[[SUM:.*]] = nn.add %arg1, %arg2
// CHECK-NEXT: nn.sub %arg0, %[[SUM]]

// CHECK-LABEL: dist.timeline @stage0(
// CHECK: dist.run @stage0_backward({{.*}}) microbatch 0
// CHECK: %[[OWN:.*]] = dist.run @stage0_backward({{.*}}) microbatch 1
// CHECK-NEXT: dist.send_start %[[OWN]] "w.gradient" to 1 over "pipe" : tensor<4x4xf32>
// CHECK: %[[COMING:.*]] = dist.recv_start "w.gradient" from 1 over "pipe" : <tensor<4x4xf32>>
// CHECK: %[[OTHER:.*]] = dist.wait %[[COMING]]
// CHECK: dist.run @stage0_update(%arg1, %[[OWN]], %[[OTHER]])

// CHECK-LABEL: dist.timeline @stage1(
// CHECK: %[[OWN:.*]]:2 = dist.run @stage1_backward({{.*}}) microbatch 1
// CHECK: dist.send_start %[[OWN]]#0 "w.gradient" to 0 over "pipe" : tensor<4x4xf32>
// CHECK: dist.run @stage1_update(%arg0, %{{.*}}, %[[OWN]]#0)
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<4x4xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<4x4xf32> {nn.parameter = "w"})
    attributes {nn.phase = "train", dist.axis = "data", dist.microbatches = 2 : i64} {
  %h = nn.matmul %x, %w {dist.stage = 0 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("first")
  %y = nn.matmul %h, %w {dist.stage = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("last")
  %l = nn.reduce_sum %y axes [0, 1] {dist.stage = 1 : i64} : (tensor<4x4xf32>) -> tensor<f32> loc("loss")
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  %d1 = nn.matmul %h transposed, %y {dist.stage = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["last"])
  %dh = nn.matmul %y, %w transposed {dist.stage = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["last"])
  %d0 = nn.matmul %x transposed, %dh {dist.stage = 0 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["first"])
  %d = nn.add %d1, %d0 {dist.stage = 0 : i64} : tensor<4x4xf32>, tensor<4x4xf32> loc(fused<"adjoint">["first"])
  %dw = dist.batch_sum %d over "data" : tensor<4x4xf32>
  %new = nn.sub %w, %dw : tensor<4x4xf32>, tensor<4x4xf32>
  return %loss, %new : tensor<f32>, tensor<4x4xf32>
}
