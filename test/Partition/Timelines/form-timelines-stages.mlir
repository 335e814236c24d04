// RUN: dtc-opt %s -dtc-form-timelines | FileCheck %s
// RUN: dtc-opt %s -dtc-form-timelines=recompute=1 | FileCheck %s --check-prefix=AGAIN
// RUN: dtc-opt %s -dtc-form-timelines=schedule=zero-bubble | FileCheck %s --check-prefix=SPLIT
// RUN: sed 's/shape = 2) {dist.axes = \["pipe"/shape = 2x2) {dist.axes = ["data", "pipe"/' %s | dtc-opt -dtc-form-timelines | FileCheck %s --check-prefix=HYBRID

// Two stages, two microbatches. What the batch sums up grows in place.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}, %w1: tensor<4x4xf32> {nn.parameter = "w1"},
    %w2: tensor<4x4xf32> {nn.parameter = "w2"}, %weight: tensor<4xf32> {nn.sample_weight, dist.shard = "data"})
    -> (tensor<f32> {nn.loss}, tensor<4x4xf32> {nn.parameter = "w1"}, tensor<4x4xf32> {nn.parameter = "w2"})
    attributes {nn.phase = "train", dist.axis = "data", dist.microbatches = 2 : i64} {
  %h = nn.matmul %x, %w1 {dist.stage = 0 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("fc1")
  %a = nn.tanh %h {dist.stage = 0 : i64} : tensor<4x4xf32> loc("tanh")
  %y = nn.matmul %a, %w2 {dist.stage = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("fc2")
  %r = nn.reshape %weight {dist.stage = 1 : i64} : tensor<4xf32> -> tensor<4x1xf32> loc("loss")
  %g = nn.mul %y, %r {dist.stage = 1 : i64} : tensor<4x4xf32>, tensor<4x1xf32> loc("loss")
  %p = nn.mul %y, %g {dist.stage = 1 : i64} : tensor<4x4xf32>, tensor<4x4xf32> loc("loss")
  %l = nn.reduce_sum %p axes [0, 1] {dist.stage = 1 : i64} : (tensor<4x4xf32>) -> tensor<f32> loc("loss")
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  %d2 = nn.matmul %a transposed, %g {dist.stage = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["fc2"])
  %dw2 = dist.batch_sum %d2 over "data" : tensor<4x4xf32>
  %da = nn.matmul %g, %w2 transposed {dist.stage = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["fc2"])
  %dh = nn.mul %da, %a {dist.stage = 0 : i64} : tensor<4x4xf32>, tensor<4x4xf32> loc(fused<"adjoint">["tanh"])
  %d1 = nn.matmul %x transposed, %dh {dist.stage = 0 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["fc1"])
  %dw1 = dist.batch_sum %d1 over "data" : tensor<4x4xf32>
  %new1 = nn.sub %w1, %dw1 : tensor<4x4xf32>, tensor<4x4xf32>
  %new2 = nn.sub %w2, %dw2 : tensor<4x4xf32>, tensor<4x4xf32>
  return %loss, %new1, %new2 : tensor<f32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// CHECK-LABEL: dist.fragment @stage0_forward(
// CHECK: %[[A:.*]] = nn.tanh
// CHECK: dist.return %[[A]]
// CHECK-LABEL: dist.fragment @stage0_backward(
// CHECK-SAME: -> (tensor<4x4xf32> {dist.in_place = 3 : i64})
// CHECK: %[[D:.*]] = nn.matmul %{{.*}} transposed
// CHECK: nn.add %arg3, %[[D]]
// CHECK-LABEL: dist.fragment @stage1_forward(
// CHECK-SAME: -> (tensor<f32> {dist.in_place = 3 : i64}, tensor<4x4xf32>
// CHECK-LABEL: dist.fragment @stage1_backward(
// CHECK-LABEL: dist.fragment @stage0_update(
// CHECK: nn.sub
// CHECK-LABEL: dist.fragment @stage1_update(

// Recomputation keeps what came in, here the input, and runs forward again; the
// last stage does not.
// AGAIN-LABEL: dist.fragment @stage0_backward(
// AGAIN: nn.matmul
// AGAIN: nn.tanh
// AGAIN: nn.mul
// AGAIN-LABEL: dist.fragment @stage1_backward(
// AGAIN-NOT: nn.reshape
// AGAIN-LABEL: dist.fragment @stage0_update(

// Nobody waits for the weight gradients, so stage 0 has no other backward.
// SPLIT-NOT: @stage0_backward
// SPLIT: dist.fragment @stage0_weight_gradients(
// SPLIT-LABEL: dist.fragment @stage1_backward(
// SPLIT-NOT: transposed, %
// SPLIT: dist.return
// SPLIT-LABEL: dist.fragment @stage1_weight_gradients(
// SPLIT: transposed, %

// CHECK-LABEL: dist.timeline @stage0(%arg0: tensor<8x4xf32> {dist.shard = "data", nn.input = "x"}, %arg1: tensor<4x4xf32> {nn.parameter = "w1"})
// CHECK-SAME: dist.at = {pipe = 0 : i64}, dist.local_batch = 8 : i64, phase = "train", role = "stage0"
// CHECK: %[[ZERO:.*]] = dist.zeros "w1.gradient"
// CHECK: %[[X0:.*]] = dist.microbatch 0 of %arg0
// CHECK: %[[A0:.*]] = dist.run @stage0_forward(%[[X0]], %arg1) microbatch 0
// CHECK: %[[S0:.*]] = dist.send_start %[[A0]] "tanh" to 1 over "pipe" microbatch 0
// CHECK: %[[R0:.*]] = dist.recv_start "fc2.gradient" from 1 over "pipe" microbatch 0
// CHECK: dist.run @stage0_forward({{.*}}) microbatch 1
// CHECK: dist.wait %[[S0]]
// CHECK: %[[G0:.*]] = dist.wait %[[R0]]
// CHECK: %[[SUM:.*]] = dist.run @stage0_backward(%[[X0]], %[[A0]], %[[G0]], %[[ZERO]]) microbatch 0
// CHECK: %[[WHOLE:.*]] = dist.run @stage0_backward({{.*}}, %[[SUM]]) microbatch 1
// CHECK: %[[R:.*]] = dist.recv_start "loss" from 1 over "pipe" :
// CHECK: %[[LOSS:.*]] = dist.wait %[[R]]
// CHECK: %[[NEW:.*]] = dist.run @stage0_update(%arg1, %[[WHOLE]])
// CHECK: dist.return %[[LOSS]], %[[NEW]]

// CHECK-LABEL: dist.timeline @stage1(
// CHECK-SAME: nn.sample_weight
// CHECK: dist.run @stage1_forward({{.*}}) microbatch 0
// CHECK: dist.recv_start "tanh" from 0 over "pipe" microbatch 1
// CHECK: dist.run @stage1_backward({{.*}}) microbatch 0
// CHECK: dist.send_start %{{.*}} "fc2.gradient" to 0 over "pipe" microbatch 0
// CHECK: dist.run @stage1_forward({{.*}}) microbatch 1

// With a batch that ranks share, the sums of the last microbatch travel.
// HYBRID-LABEL: dist.timeline @stage1(
// HYBRID: dist.run @stage1_forward({{.*}}) microbatch 1
// HYBRID-NEXT: dist.all_reduce_start sum %{{.*}} over "data" bucket "bucket0" ["loss"]
// HYBRID-NEXT: dist.run @stage1_backward({{.*}}) microbatch 1
// HYBRID: dist.all_reduce_start sum %{{.*}} over "data" bucket "bucket1" ["w2"]
// HYBRID: dist.run @stage1_update
