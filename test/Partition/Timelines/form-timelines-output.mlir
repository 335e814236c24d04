// RUN: dtc-opt %s -split-input-file -dtc-form-timelines -dtc-verify-communication | FileCheck %s

// Of an output each microbatch gives its rows; no rank tells another.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// CHECK-LABEL: dist.fragment @predict_forward(
// CHECK-SAME: kind = #dist<kind forward>
// CHECK-LABEL: dist.timeline @predict(%arg0: tensor<8x4xf32>
// CHECK-SAME: -> (tensor<4x4xf32> {dist.shard = "data", nn.output = "y"}, tensor<4x4xf32> {dist.shard = "data", nn.output = "y"})
// CHECK-SAME: phase = "predict"
// CHECK-NEXT: %[[X0:.*]] = dist.microbatch 0 of %arg0
// CHECK-NEXT: %[[Y0:.*]] = dist.run @predict_forward(%[[X0]], %arg1) microbatch 0
// CHECK-NEXT: %[[X1:.*]] = dist.microbatch 1 of %arg0
// CHECK-NEXT: %[[Y1:.*]] = dist.run @predict_forward(%[[X1]], %arg1) microbatch 1
// CHECK-NEXT: dist.return %[[Y0]], %[[Y1]]
func.func @predict(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<4x4xf32> {nn.parameter = "w"})
    -> (tensor<4x4xf32> {nn.output = "y", dist.shard = "data"})
    attributes {nn.phase = "predict", dist.axis = "data", dist.microbatches = 2 : i64} {
  %y = nn.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("fc")
  return %y : tensor<4x4xf32>
}

// -----

// In a pipeline the stage that makes it gives it; the others send what it takes.
shard.grid @mesh(shape = 3) {dist.axes = ["pipe"]}
// CHECK-LABEL: dist.timeline @stage0_predict(
// CHECK-SAME: attributes {
// CHECK: dist.send_start %{{.*}} "a" to 1
// CHECK: dist.return{{$}}
// CHECK-LABEL: dist.timeline @stage1_predict(
// CHECK-SAME: -> (tensor<4x4xf32> {dist.shard = "data", nn.output = "y"})
// CHECK: %[[A:.*]] = dist.wait
// CHECK: %[[Y:.*]] = dist.run @stage1_predict_forward(%[[A]])
// CHECK: dist.return %[[Y]]
// Where training has the loss alone nothing is done.
// CHECK-LABEL: dist.timeline @stage2_predict(
// CHECK-NEXT: dist.return{{$}}
func.func @predict(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<4x4xf32> {nn.parameter = "w"})
    -> (tensor<4x4xf32> {nn.output = "y", dist.shard = "data"})
    attributes {nn.phase = "predict", dist.axis = "data"} {
  %a = nn.matmul %x, %w {dist.stage = 0 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("a")
  %y = nn.relu %a {dist.stage = 1 : i64} : tensor<4x4xf32> loc("b")
  return %y : tensor<4x4xf32>
}
