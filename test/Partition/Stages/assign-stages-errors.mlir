// RUN: split-file %s %t
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages=stages-per-device=0 2>&1 | FileCheck %s --check-prefix=PER-DEVICE
// PER-DEVICE: error: stages-per-device must be from 1 to 1024, not 0
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages=device-speeds=1,1,1 2>&1 | FileCheck %s --check-prefix=SPEEDS
// SPEEDS: error: there are 3 device speeds for 2 devices
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages=device-speeds=1,0 2>&1 | FileCheck %s --check-prefix=SPEED
// SPEED: error: a device's speed is a positive number, not 0
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages=schedule=2f2b 2>&1 | FileCheck %s --check-prefix=SCHEDULE
// SCHEDULE: error: no schedule is called '2f2b'
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages=cluster=%t/none.yaml 2>&1 | FileCheck %s --check-prefix=CLUSTER
// CLUSTER: error: {{.*}}none.yaml
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages='stages-per-device=2 schedule=gpipe' 2>&1 | FileCheck %s --check-prefix=STAGES
// STAGES: error: cannot cut 2 nodes into 4 stages
// RUN: not dtc-opt %t/step.mlir -dtc-assign-stages=cut-after=other 2>&1 | FileCheck %s --check-prefix=NODE
// NODE: error: cannot cut after 'other': there is no such node; the nodes are only, loss
// RUN: not dtc-opt %t/no-mesh.mlir -dtc-assign-stages 2>&1 | FileCheck %s --check-prefix=MESH
// MESH: error: {{.*}}mesh
// RUN: not dtc-opt %t/middle.mlir -dtc-assign-stages 2>&1 | FileCheck %s --check-prefix=MIDDLE
// MIDDLE: error: {{.*}}needs all samples of the batch at once, but 2 microbatches run apart: use --microbatches=1

//--- step.mlir
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data"} {
  %a = nn.tanh %x : tensor<4x4xf32> loc("only")
  %l = nn.reduce_sum %a axes [0, 1] : (tensor<4x4xf32>) -> tensor<f32> loc("loss")
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}

//--- no-mesh.mlir
func.func @train(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data"} {
  %a = nn.tanh %x : tensor<4x4xf32> loc("only")
  %l = nn.reduce_sum %a axes [0, 1] : (tensor<4x4xf32>) -> tensor<f32> loc("loss")
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}

//--- middle.mlir
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
func.func @train(%x: tensor<4x4xf32> {nn.input = "x", dist.shard = "data"}) -> (tensor<f32> {nn.loss})
    attributes {nn.phase = "train", dist.axis = "data", dist.microbatches = 2 : i64} {
  %sum = nn.reduce_sum %x axes [0] keep : (tensor<4x4xf32>) -> tensor<1x4xf32>
  %all = dist.batch_sum %sum over "data" : tensor<1x4xf32>
  %a = nn.sub %x, %all : tensor<4x4xf32>, tensor<1x4xf32>
  %l = nn.reduce_sum %a axes [0, 1] : (tensor<4x4xf32>) -> tensor<f32>
  %loss = dist.batch_sum %l over "data" : tensor<f32>
  return %loss : tensor<f32>
}
