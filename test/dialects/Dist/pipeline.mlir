// Pipelines: microbatches, and messages between stages.
// RUN: dtc-opt %s | dtc-opt | FileCheck %s
// RUN: dtc-opt %s --cse | FileCheck %s --check-prefix=CSE

shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}

// CHECK: dist.fragment @f{{.*}} tensor<f32> {dist.in_place = 1 : i64}
dist.fragment @f(%x: tensor<2x4xf32>, %sum: tensor<f32>) -> (tensor<2x4xf32>, tensor<f32> {dist.in_place = 1}) {
  dist.return %x, %sum : tensor<2x4xf32>, tensor<f32>
}

// CHECK: %[[ZEROS:.*]] = dist.zeros "loss" : tensor<f32>
// CHECK: %[[ROWS:.*]] = dist.microbatch 1 of %{{.*}} : tensor<4x4xf32> -> tensor<2x4xf32>
// CHECK: %[[Y:.*]]:2 = dist.run @f(%[[ROWS]], %[[ZEROS]]) microbatch 1 :
// CHECK: %[[SENT:.*]] = dist.send_start %[[Y]]#0 "y" to 1 over "pipe" microbatch 1 : tensor<2x4xf32> -> <>
// CHECK: dist.wait %[[SENT]] : <>
dist.timeline @stage0(%image: tensor<4x4xf32> {nn.input = "image"}) -> tensor<f32>
    attributes {phase = "train", role = "stage0", dist.at = {pipe = 0}} {
  %zeros = dist.zeros "loss" : tensor<f32>
  %rows = dist.microbatch 1 of %image : tensor<4x4xf32> -> tensor<2x4xf32>
  %y:2 = dist.run @f(%rows, %zeros) microbatch 1 : (tensor<2x4xf32>, tensor<f32>) -> (tensor<2x4xf32>, tensor<f32>)
  %sent = dist.send_start %y#0 "y" to 1 over "pipe" microbatch 1 : tensor<2x4xf32> -> <>
  dist.wait %sent : <>
  dist.return %y#1 : tensor<f32>
}

// CHECK: %[[COMING:.*]] = dist.recv_start "y" from 0 over "pipe" microbatch 1 : <tensor<2x4xf32>>
// CHECK: dist.wait %[[COMING]] : <tensor<2x4xf32>> -> tensor<2x4xf32>
dist.timeline @stage1() attributes {phase = "train", role = "stage1", dist.at = {pipe = 1}} {
  %coming = dist.recv_start "y" from 0 over "pipe" microbatch 1 : <tensor<2x4xf32>>
  %y = dist.wait %coming : <tensor<2x4xf32>> -> tensor<2x4xf32>
  dist.return
}

// Two sums of one name and type keep memory of their own.
// CSE-LABEL: dist.timeline @sums
// CSE: %[[A:.*]] = dist.zeros "w.gradient" : tensor<f32>
// CSE: %[[B:.*]] = dist.zeros "w.gradient" : tensor<f32>
// CSE: dist.run @f(%{{.*}}, %[[A]])
// CSE: dist.run @f(%{{.*}}, %[[B]])
dist.timeline @sums(%image: tensor<2x4xf32> {nn.input = "image"}) -> (tensor<f32>, tensor<f32>)
    attributes {phase = "train", role = "sums", dist.at = {pipe = 0}} {
  %a = dist.zeros "w.gradient" : tensor<f32>
  %b = dist.zeros "w.gradient" : tensor<f32>
  %y:2 = dist.run @f(%image, %a) microbatch 0 : (tensor<2x4xf32>, tensor<f32>) -> (tensor<2x4xf32>, tensor<f32>)
  %z:2 = dist.run @f(%image, %b) microbatch 1 : (tensor<2x4xf32>, tensor<f32>) -> (tensor<2x4xf32>, tensor<f32>)
  dist.return %y#1, %z#1 : tensor<f32>, tensor<f32>
}
