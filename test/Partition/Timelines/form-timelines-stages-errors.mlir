// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-form-timelines
// RUN: not dtc-opt %S/form-timelines-stages.mlir -dtc-form-timelines=schedule=2f2b 2>&1 | FileCheck %s
// RUN: not dtc-opt %S/form-timelines-stages.mlir -dtc-form-timelines=axis=tensor 2>&1 | FileCheck %s --check-prefix=AXIS
// AXIS: error: ops carry stages, but the mesh has no axis 'tensor'
// CHECK: error: no schedule is called '2f2b'; there are 1f1b, gpipe, interleaved, zero-bubble, zero-bubble-2, zero-bubble-v, v-half, v-min

// expected-error @below {{has no mesh: run dtc-shard-batch first}}
module {
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data"} {
  // expected-error @below {{has a negative stage}}
  %l = nn.reduce_sum %x axes [0] {dist.stage = -1 : i64} : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data"} {
  // expected-error @below {{has no stage: run dtc-assign-stages first}}
  %l = nn.reduce_sum %x axes [0] : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}

// -----

// expected-error @below {{schedule '1f1b' has one stage a device, but 3 stages are on 2 devices}}
module {
  shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
  func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
      attributes {nn.phase = "train", dist.axis = "data"} {
    %l = nn.reduce_sum %x axes [0] {dist.stage = 2 : i64} : (tensor<4xf32>) -> tensor<f32>
    %loss = dist.batch_sum %l over "data" : tensor<f32>
    return %loss : tensor<f32>
  }
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data", dist.microbatches = 3 : i64} {
  %s = nn.reduce_sum %x axes [0] keep {dist.stage = 0 : i64} : (tensor<4xf32>) -> tensor<1xf32>
  // expected-error @below {{needs all samples of the batch at once, but 3 microbatches run apart: use --microbatches=1}}
  %all = dist.batch_sum %s over "data" : tensor<1xf32>
  %c = nn.sub %x, %all {dist.stage = 0 : i64} : tensor<4xf32>, tensor<1xf32>
  %l = nn.reduce_sum %c axes [0] {dist.stage = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}

// -----

// The update of w1 reads w2, which is on the other device.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
// expected-error @below {{the update of device 0 reads the parameter 'w2', which is on other devices}}
func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}, %w1: tensor<f32> {nn.parameter = "w1"},
    %w2: tensor<f32> {nn.parameter = "w2"})
    -> (tensor<f32> {nn.loss}, tensor<f32> {nn.parameter = "w1"}, tensor<f32> {nn.parameter = "w2"})
    attributes {nn.phase = "train", dist.axis = "data"} {
  %a = nn.mul %x, %w1 {dist.stage = 0 : i64} : tensor<4xf32>, tensor<f32>
  %b = nn.mul %a, %w2 {dist.stage = 1 : i64} : tensor<4xf32>, tensor<f32>
  %l = nn.reduce_sum %b axes [0] {dist.stage = 1 : i64} : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  %new1 = nn.sub %w1, %w2 : tensor<f32>, tensor<f32>
  %new2 = nn.sub %w2, %loss : tensor<f32>, tensor<f32>
  return %loss, %new1, %new2 : tensor<f32>, tensor<f32>, tensor<f32>
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<f32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<f32> {nn.parameter = "w"})
    attributes {nn.phase = "train", dist.axis = "data"} {
  %a = nn.mul %x, %w {dist.stage = 0 : i64} : tensor<4xf32>, tensor<f32>
  %l = nn.reduce_sum %a axes [0] {dist.stage = 1 : i64} : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  %new = nn.sub %w, %loss : tensor<f32>, tensor<f32>
  return %loss, %new : tensor<f32>, tensor<f32>
}
// expected-error @below {{evaluation uses the parameter "w" on device 1, which does not train it}}
func.func @evaluate(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}, %w: tensor<f32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}) attributes {nn.phase = "evaluate", dist.axis = "data"} {
  %a = nn.mul %x, %w {dist.stage = 1 : i64} : tensor<4xf32>, tensor<f32>
  %l = nn.reduce_sum %a axes [0] {dist.stage = 1 : i64} : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}
