// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-form-timelines

shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
// expected-error @below {{is no rank's step: 'dist.axis' is missing (run dtc-shard-batch first)}}
func.func @train(%x: tensor<2x5xf32> {nn.input = "x"}) attributes {nn.phase = "train"} {
  return
}

// -----

// A mean over the batch in the middle of the step: stages cannot wait for it.
shard.grid @mesh(shape = 2x2) {dist.axes = ["data", "pipe"]}
func.func @train(%x: tensor<4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data"} {
  %s = nn.reduce_sum %x axes [0] keep {dist.stage = 0 : i64} : (tensor<4xf32>) -> tensor<1xf32>
  // expected-error @below {{needs all samples of the batch at once, in the middle of a step that is cut into 2 stages: use a mesh without 'pipe'}}
  %all = dist.batch_sum %s over "data" : tensor<1xf32>
  %c = nn.sub %x, %all {dist.stage = 1 : i64} : tensor<4xf32>, tensor<1xf32>
  %l = nn.reduce_sum %c axes [0] {dist.stage = 1 : i64} : (tensor<4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}
