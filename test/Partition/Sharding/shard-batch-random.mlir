// RUN: dtc-opt %s -split-input-file -dtc-shard-batch=devices=2 | FileCheck %s

// The places of samples are shared out as the samples are; what is dropped with them needs nothing of other ranks, nor does the one
// mask of a parameter. A constant with a row for each sample is made at the size of a share.
// CHECK-LABEL: func.func @train(
// CHECK-SAME: %[[SAMPLE:[^:,]*]]: tensor<4xi64> {dist.shard = "data", nn.sample_index}
// CHECK-SAME: %[[STEP:[^:,]*]]: tensor<i64> {nn.step}
func.func @train(%x: tensor<8x6xf32> {nn.input = "x"}, %weight: tensor<8xf32> {nn.sample_weight}, %sample: tensor<8xi64> {nn.sample_index},
                 %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<6xf32> {nn.parameter = "w"})
    -> (tensor<6xf32> {nn.parameter = "w"}) attributes {nn.phase = "train"} {
  %one = nn.constant dense<1.0> : tensor<8x1xf32> : tensor<8x1xf32>
  // CHECK: nn.dropout_training %{{.*}} step %[[STEP]] sample %[[SAMPLE]] {ratio = 2.500000e-01 : f64, stream = 0 : i64} : (tensor<4x6xf32>, tensor<i64>, tensor<4xi64>) -> tensor<4x6xf32>
  %0 = nn.dropout_training %x step %step sample %sample {ratio = 0.25 : f64, stream = 0 : i64} : (tensor<8x6xf32>, tensor<i64>, tensor<8xi64>) -> tensor<8x6xf32>
  // CHECK: nn.dropout_training %{{.*}} step %[[STEP]] sample %[[SAMPLE]] {ratio = 5.000000e-01 : f64, stream = 1 : i64} : (tensor<4x1xf32>, tensor<i64>, tensor<4xi64>) -> tensor<4x1xf32>
  %1 = nn.dropout_training %one step %step sample %sample {ratio = 0.5 : f64, stream = 1 : i64} : (tensor<8x1xf32>, tensor<i64>, tensor<8xi64>) -> tensor<8x1xf32>
  %2 = nn.mul %0, %1 : tensor<8x6xf32>, tensor<8x1xf32>
  // A sum over samples: its mask is one on all ranks, and the sum may stay in parts through it.
  %sum = nn.reduce_sum %2 axes [0] : (tensor<8x6xf32>) -> tensor<6xf32>
  // CHECK: nn.dropout_training %{{.*}} step %[[STEP]] {ratio = 2.500000e-01 : f64, stream = 2 : i64} : (tensor<6xf32>, tensor<i64>) -> tensor<6xf32>
  %3 = nn.dropout_training %sum step %step {ratio = 0.25 : f64, stream = 2 : i64} : (tensor<6xf32>, tensor<i64>) -> tensor<6xf32>
  // CHECK: dist.batch_sum
  %w1 = nn.update %w, %3 rate %lr step %step by sgd<lr = 0.1> : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<i64>) -> tensor<6xf32>
  return %w1 : tensor<6xf32>
}
