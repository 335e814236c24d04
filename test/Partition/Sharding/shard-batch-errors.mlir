// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-shard-batch=devices=4
// RUN: not dtc-opt %S/../Stages/assign-stages.mlir -dtc-shard-batch=microbatches=0 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: microbatches must be from 1 to 1048576, not 0
// RUN: not dtc-opt %S/../Stages/assign-stages.mlir -dtc-shard-batch=microbatches=5 2>&1 | FileCheck %s --check-prefix=FIVE
// FIVE: error: a batch of 8 makes 4 microbatches of 2, not 5; use --microbatches=4 or a batch that 5 divides
// RUN: not dtc-opt %S/../Stages/assign-stages.mlir -dtc-shard-batch='devices=3 microbatches=5 mesh=data:3' 2>&1 | FileCheck %s --check-prefix=RANK
// RANK: error: a batch of 3 on a rank makes 3 microbatches of 1, not 5
// RUN: not dtc-opt %S/../Stages/assign-stages.mlir -dtc-shard-batch=mesh=pipe 2>&1 | FileCheck %s --check-prefix=AXIS
// AXIS: error: 'pipe' is no axis of a mesh; axes are NAME:SIZE
// RUN: not dtc-opt %S/../Stages/assign-stages.mlir -dtc-shard-batch='devices=2 mesh=data:3' 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: error: the mesh has 3 devices along 'data', not 2
// RUN: dtc-opt %S/../Stages/assign-stages.mlir -dtc-shard-batch='microbatches=5 fewer=1' | FileCheck %s --check-prefix=FEWER
// FEWER: dist.microbatches = 4

func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{mixes the samples of a batch: operand #0 ('tensor<8x4xf32>') is shared out along dimension 0, of which the op needs several samples at once}}
  %y = nn.softmax %x axis 0 : tensor<8x4xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Each row of the reshaped tensor holds two samples.
func.func @train(%x: tensor<6x4xf32> {nn.input = "x"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{mixes the samples of a batch}}
  %y = nn.reshape %x : tensor<6x4xf32> -> tensor<3x8xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<3x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// The similarity of every sample with every other.
func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{mixes the samples of a batch: operand #1}}
  %y = nn.matmul %x, %x transposed : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<8x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}, %rows: tensor<8x4xf32> {nn.parameter = "rows"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{it needs a row for each sample of argument #1 (parameter 'rows'), which every device has whole}}
  %y = nn.add %x, %rows : tensor<8x4xf32>, tensor<8x4xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

func.func @train(%x: tensor<4x1xf32> {nn.input = "x"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{mixes the samples of a batch: 'tensor<4x1xf32>' is not made row by row}}
  %rows = nn.constant dense<[[1.0], [2.0], [3.0], [4.0]]> : tensor<4x1xf32> : tensor<4x1xf32>
  // expected-note @below {{used sample by sample here}}
  %y = nn.add %x, %rows : tensor<4x1xf32>, tensor<4x1xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<4x1xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A sum over all samples, of which each sample then takes a row.
func.func @train(%x: tensor<8x8xf32> {nn.input = "x"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{mixes the samples of a batch: operand #0}}
  %s = nn.matmul %x transposed, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %y = nn.add %x, %s : tensor<8x8xf32>, tensor<8x8xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<8x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// 10 samples on 4 ranks are 12 rows: a sum without the weights counts 2 too many.
func.func @train(%x: tensor<10x4xf32> {nn.input = "x"}) -> tensor<f32> attributes {nn.phase = "train"} {
  // expected-error @below {{sums over the samples of a batch, so that padding would count: 4 shares do not divide the batch of 10}}
  %loss = nn.reduce_sum %x axes [0, 1] : (tensor<10x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// expected-error @below {{result #0 ('tensor<8x4xf32>') has a part for each sample}}
func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}) -> tensor<8x4xf32> attributes {nn.phase = "train"} {
  // expected-note @below {{made here}}
  %y = nn.relu %x : tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// expected-error @below {{argument #1 ('tensor<6xf32>') has a batch of 6}}
func.func @train(
    // expected-note @below {{but argument #0 has a batch of 8}}
    %x: tensor<8x4xf32> {nn.input = "x"},
    %weight: tensor<6xf32> {nn.sample_weight}) attributes {nn.phase = "train"} {
  return
}

// -----

// expected-error @below {{argument #0 ('tensor<f32>') has no dimension 0 for the batch}}
func.func @train(%x: tensor<f32> {nn.input = "x"}) attributes {nn.phase = "train"} {
  return
}

// -----

// expected-error @below {{has no batch}}
func.func @train(%w: tensor<4xf32> {nn.parameter = "w"}) attributes {nn.phase = "train"} {
  return
}

// -----

// expected-error @below {{a batch of 1 cannot be shared out; use a batch of at least 2}}
func.func @train(%x: tensor<1x4xf32> {nn.input = "x"}) attributes {nn.phase = "train"} {
  return
}

// -----

// expected-error @below {{has no step to share out: no function carries 'nn.phase'}}
module {
  func.func @model(%x: tensor<8x4xf32> {nn.input = "x"}) {
    return
  }
}

// -----

// expected-error @below {{is partitioned already}}
module {
  // expected-note @below {{defined here}}
  shard.grid @mesh(shape = 4)
}

// -----

func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}) attributes {nn.phase = "train"} {
  // expected-error @below {{has no sharding rule}}
  func.call @other(%x) : (tensor<8x4xf32>) -> ()
  return
}
func.func private @other(tensor<8x4xf32>)

// -----

// What each share keeps for itself is nothing that a step could give back,
// expected-error @below {{result #0 ('tensor<4xf32>') is what each share of the batch has of its own; a step gives back whole values only}}
func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}, %c: tensor<4xf32>, %weight: tensor<8xf32> {nn.sample_weight}) -> tensor<4xf32> attributes {nn.phase = "train"} {
  // expected-note @below {{made here}}
  // expected-warning @below {{statistics over shares}}
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %c, %c, %weight {epsilon = 1.0e-5} : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %mean : tensor<4xf32>
}

// -----

// nor what an op could take that is the same for all;
func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}, %c: tensor<4xf32>, %weight: tensor<8xf32> {nn.sample_weight}) -> tensor<4xf32> attributes {nn.phase = "train"} {
  // expected-warning @below {{statistics over shares}}
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %c, %c, %weight {epsilon = 1.0e-5} : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  // expected-error @below {{mixes the shares of a batch: operand #0 ('tensor<4xf32>') is what each share has of its own, but the op needs one value for all}}
  %d = nn.add %mean, %c : tensor<4xf32>, tensor<4xf32>
  return %d : tensor<4xf32>
}

// -----

// and statistics of all are no share's.
func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}, %c: tensor<4xf32>, %weight: tensor<8xf32> {nn.sample_weight}) -> tensor<4xf32> attributes {nn.phase = "train"} {
  // expected-error @below {{mixes the shares of a batch: operand #4 ('tensor<4xf32>') is one value for all, but the op needs what each share has of its own}}
  %dx, %dscale, %dbias = nn.batch_norm_gradient %x, %x, %c, %weight statistics %c, %c : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %dscale : tensor<4xf32>
}

// -----

// A share needs more than one value a channel, also the last;
func.func @train(%x: tensor<7x4xf32> {nn.input = "x"}, %c: tensor<4xf32>, %weight: tensor<7xf32> {nn.sample_weight}) -> tensor<4xf32> attributes {nn.phase = "train"} {
  // expected-error @below {{batch normalisation needs more than one value a channel to train on: of the batch of 7 on 4 devices, a share has 1 sample; use a larger batch, or fewer devices, or --batch-norm=whole where there is no pipeline}}
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %c, %c, %weight {epsilon = 1.0e-5} : (tensor<7x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<7xf32>) -> (tensor<7x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %a : tensor<4xf32>
}

// -----

// of an image with two positions one is enough.
func.func @train(%x: tensor<7x4x2xf32> {nn.input = "x"}, %c: tensor<4xf32>, %weight: tensor<7xf32> {nn.sample_weight}) -> tensor<4xf32> attributes {nn.phase = "train"} {
  // expected-warning @below {{statistics over shares}}
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %c, %c, %weight {epsilon = 1.0e-5} : (tensor<7x4x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<7xf32>) -> (tensor<7x4x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %a : tensor<4xf32>
}
