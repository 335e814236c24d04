// RUN: dtc-opt %s -dtc-form-timelines | FileCheck %s

// What is made of parameters alone is made once a step, on each device that uses
// it, before the microbatches; what is a view of one stays where it is.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4x4xbf16> {nn.input = "x", dist.shard = "data"}, %w1: tensor<4x4xf32> {nn.parameter = "w1"},
    %w2: tensor<16xf32> {nn.parameter = "w2"})
    -> (tensor<f32> {nn.loss}, tensor<4x4xf32> {nn.parameter = "w1"}, tensor<16xf32> {nn.parameter = "w2"})
    attributes {nn.phase = "train", nn.precision = "bf16", dist.axis = "data", dist.microbatches = 2 : i64} {
  %c1 = nn.cast %w1 {dist.stage = 0 : i64} : tensor<4x4xf32> -> tensor<4x4xbf16> loc("w1")
  %t1 = nn.transpose %c1 [1, 0] {dist.stage = 0 : i64} : (tensor<4x4xbf16>) -> tensor<4x4xbf16> loc("w1")
  %h = nn.matmul %x, %t1 {dist.stage = 0 : i64} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16> loc("fc1")
  %m2 = nn.reshape %w2 {dist.stage = 1 : i64} : tensor<16xf32> -> tensor<4x4xf32> loc("fc2")
  %c2 = nn.cast %m2 {dist.stage = 1 : i64} : tensor<4x4xf32> -> tensor<4x4xbf16> loc("fc2")
  %y = nn.matmul %h, %c1 {dist.stage = 1 : i64} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16> loc("fc2")
  %z = nn.matmul %y, %c2 {dist.stage = 1 : i64} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16> loc("fc2")
  %l = nn.reduce_sum %z axes [0, 1] {dist.stage = 1 : i64} : (tensor<4x4xbf16>) -> tensor<f32> loc("loss")
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss, %w1, %w2 : tensor<f32>, tensor<4x4xf32>, tensor<16xf32>
}

// CHECK-LABEL: dist.fragment @stage0_forward(
// CHECK-SAME: %{{.*}}: tensor<4x4xbf16>, %{{.*}}: tensor<4x4xbf16>) -> tensor<4x4xbf16>
// CHECK-NOT: nn.cast
// CHECK-LABEL: dist.fragment @stage1_forward(
// CHECK: nn.reshape
// CHECK: nn.cast
// CHECK-LABEL: dist.fragment @stage0_weights(%arg0: tensor<4x4xf32>) -> tensor<4x4xbf16>
// CHECK-NEXT: %[[C:.*]] = nn.cast %arg0
// CHECK-NEXT: %[[T:.*]] = nn.transpose %[[C]]
// CHECK-NEXT: dist.return %[[T]]
// CHECK-LABEL: dist.fragment @stage1_weights(%arg0: tensor<4x4xf32>) -> tensor<4x4xbf16>
// CHECK-NEXT: %[[C:.*]] = nn.cast %arg0
// CHECK-NEXT: dist.return %[[C]]
// CHECK-LABEL: dist.timeline @stage0
// CHECK-SAME: nn.precision = "bf16"
// CHECK: %[[W:.*]] = dist.run @stage0_weights(%{{.*}}) :
// CHECK: dist.run @stage0_forward(%{{.*}}, %[[W]]) microbatch 0
// CHECK: dist.run @stage0_forward(%{{.*}}, %[[W]]) microbatch 1
// CHECK-LABEL: dist.timeline @stage1
// CHECK: dist.run @stage1_weights
// CHECK-NOT: dist.run @stage1_weights
