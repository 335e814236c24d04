// RUN: dtc-opt %s -split-input-file -dtc-shard-batch=devices=4 | FileCheck %s

// A linear layer with cross-entropy: the batch of 10 becomes 3 rows a rank, the
// loss and the gradients are partial sums.

// CHECK: shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
// CHECK-LABEL: func.func @train(
// CHECK-SAME: %[[X:.*]]: tensor<3x8xf32> {dist.shard = "data", nn.input = "x"}
// CHECK-SAME: %[[LABEL:.*]]: tensor<3xi64> {dist.shard = "data", nn.label}
// CHECK-SAME: %[[WEIGHT:.*]]: tensor<3xf32> {dist.shard = "data", nn.sample_weight}
// CHECK-SAME: %[[STEP:[^:]*]]: tensor<i64> {nn.step}, %{{[^:]*}}: tensor<f64> {nn.learning_rate}, %[[W:[^:]*]]: tensor<5x8xf32> {nn.parameter = "w"}
// CHECK-SAME: attributes {dist.axis = "data", nn.phase = "train"}
func.func @train(%x: tensor<10x8xf32> {nn.input = "x"}, %label: tensor<10xi64> {nn.label},
                 %weight: tensor<10xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                 %w: tensor<5x8xf32> {nn.parameter = "w"}, %b: tensor<5xf32> {nn.parameter = "b"})
    -> (tensor<f32> {nn.loss}, tensor<5x8xf32> {nn.parameter = "w"}, tensor<5xf32> {nn.parameter = "b"})
    attributes {nn.phase = "train"} {
  // CHECK: %[[Y:.*]] = nn.matmul %[[X]], %[[W]] transposed : (tensor<3x8xf32>, tensor<5x8xf32>) -> tensor<3x5xf32>
  %y0 = nn.matmul %x, %w transposed : (tensor<10x8xf32>, tensor<5x8xf32>) -> tensor<10x5xf32>
  %y = nn.add %y0, %b : tensor<10x5xf32>, tensor<5xf32>
  // CHECK: %[[LOSS:.*]], %[[DY:.*]] = nn.softmax_cross_entropy
  // CHECK: %[[LOSS_SUM:.*]] = dist.batch_sum %[[LOSS]] over "data" : tensor<f32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<10x5xf32>, tensor<10xi64>, tensor<10xf32>) -> (tensor<f32>, tensor<10x5xf32>)
  // CHECK: %[[DB:.*]] = nn.reduce_sum %[[DY]] axes [0] : (tensor<3x5xf32>) -> tensor<5xf32>
  // CHECK: %[[DB_SUM:.*]] = dist.batch_sum %[[DB]] over "data" : tensor<5xf32>
  %db = nn.reduce_sum %dy axes [0] : (tensor<10x5xf32>) -> tensor<5xf32>
  // CHECK: %[[DW:.*]] = nn.matmul %[[DY]] transposed, %[[X]]
  // CHECK: %[[DW_SUM:.*]] = dist.batch_sum %[[DW]] over "data" : tensor<5x8xf32>
  %dw = nn.matmul %dy transposed, %x : (tensor<10x5xf32>, tensor<10x8xf32>) -> tensor<5x8xf32>
  // CHECK: nn.update %[[W]], %[[DW_SUM]] rate %{{.*}} step %[[STEP]]
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<5x8xf32>, tensor<5x8xf32>, tensor<f64>, tensor<i64>) -> tensor<5x8xf32>
  %b1 = nn.update %b, %db rate %lr step %step by sgd<lr = 0.1> : (tensor<5xf32>, tensor<5xf32>, tensor<f64>, tensor<i64>) -> tensor<5xf32>
  // CHECK: return %[[LOSS_SUM]]
  return %loss, %w1, %b1 : tensor<f32>, tensor<5x8xf32>, tensor<5xf32>
}

// -----

// A parameter used twice: the sum of both partial gradients travels once.

// CHECK-LABEL: func.func @train
func.func @train(%x: tensor<8x6xf32> {nn.input = "x"}, %weight: tensor<8xf32> {nn.sample_weight},
                 %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<6xf32> {nn.parameter = "w"})
    -> (tensor<6xf32> {nn.parameter = "w"}) attributes {nn.phase = "train"} {
  // CHECK: %[[A:.*]] = nn.reduce_sum {{.*}} : (tensor<2x6xf32>) -> tensor<6xf32>
  // CHECK-NOT: all_reduce
  // CHECK: %[[B:.*]] = nn.neg %[[A]]
  // CHECK: %[[SUM:.*]] = nn.add %[[A]], %[[B]]
  // CHECK: %[[WHOLE:.*]] = dist.batch_sum %[[SUM]] over "data"
  // CHECK: nn.update %{{.*}}, %[[WHOLE]]
  // CHECK-NOT: all_reduce
  %a = nn.reduce_sum %x axes [0] : (tensor<8x6xf32>) -> tensor<6xf32>
  %b = nn.neg %a : tensor<6xf32>
  %sum = nn.add %a, %b : tensor<6xf32>, tensor<6xf32>
  %w1 = nn.update %w, %sum rate %lr step %step by sgd<lr = 0.1> : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<i64>) -> tensor<6xf32>
  return %w1 : tensor<6xf32>
}

// -----

// The batch stays the major part of a dimension that a reshape made, and may be
// an inner one after a transpose.

// CHECK-LABEL: func.func @train
func.func @train(%x: tensor<8x5x6xf32> {nn.input = "x"}, %weight: tensor<8xf32> {nn.sample_weight},
                 %w: tensor<6x4xf32> {nn.parameter = "w"})
    -> (tensor<6x4xf32> {nn.parameter = "w"}) attributes {nn.phase = "train"} {
  // CHECK: nn.reshape %{{.*}} : tensor<2x5x6xf32> -> tensor<10x6xf32>
  %rows = nn.reshape %x : tensor<8x5x6xf32> -> tensor<40x6xf32>
  // CHECK: nn.matmul {{.*}} -> tensor<10x4xf32>
  %y = nn.matmul %rows, %w : (tensor<40x6xf32>, tensor<6x4xf32>) -> tensor<40x4xf32>
  // CHECK: nn.reshape %{{.*}} : tensor<10x4xf32> -> tensor<2x5x4xf32>
  %z = nn.reshape %y : tensor<40x4xf32> -> tensor<8x5x4xf32>
  // CHECK: nn.transpose {{.*}} -> tensor<5x2x4xf32>
  %t = nn.transpose %z [1, 0, 2] : (tensor<8x5x4xf32>) -> tensor<5x8x4xf32>
  // CHECK: nn.reshape %{{.*}} : tensor<5x2x4xf32> -> tensor<10x4xf32>
  %inner = nn.reshape %t : tensor<5x8x4xf32> -> tensor<40x4xf32>
  // CHECK: nn.reshape %{{.*}} : tensor<10x4xf32> -> tensor<5x2x4xf32>
  %back = nn.reshape %inner : tensor<40x4xf32> -> tensor<5x8x4xf32>
  // CHECK: nn.transpose {{.*}} -> tensor<2x5x4xf32>
  %u = nn.transpose %back [1, 0, 2] : (tensor<5x8x4xf32>) -> tensor<8x5x4xf32>
  %rows2 = nn.reshape %u : tensor<8x5x4xf32> -> tensor<40x4xf32>
  // CHECK: %[[DW:.*]] = nn.matmul {{.*}} : (tensor<10x6xf32>, tensor<10x4xf32>) -> tensor<6x4xf32>
  // CHECK: dist.batch_sum %[[DW]]
  %dw = nn.matmul %rows transposed, %rows2 : (tensor<40x6xf32>, tensor<40x4xf32>) -> tensor<6x4xf32>
  return %dw : tensor<6x4xf32>
}

// -----

// Constants and broadcasts with a row for each sample are made at the local
// size; what is the same for all samples stays whole.

// CHECK-LABEL: func.func @evaluate
func.func @evaluate(%x: tensor<8x6xf32> {nn.input = "x"}, %weight: tensor<8xf32> {nn.sample_weight},
                    %w: tensor<6xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}) attributes {nn.phase = "evaluate"} {
  // CHECK-DAG: %[[TWO:.*]] = nn.constant dense<2.000000e+00> : tensor<2x6xf32>
  // CHECK-DAG: %[[ROWS:.*]] = nn.broadcast %{{.*}} : tensor<6xf32> -> tensor<2x6xf32>
  // CHECK-NOT: tensor<8x6xf32>
  %two = nn.constant dense<2.0> : tensor<8x6xf32> : tensor<8x6xf32>
  %rows = nn.broadcast %w : tensor<6xf32> -> tensor<8x6xf32>
  %scaled = nn.mul %two, %rows : tensor<8x6xf32>, tensor<8x6xf32>
  %y = nn.mul %x, %scaled : tensor<8x6xf32>, tensor<8x6xf32>
  %rowsum = nn.reduce_sum %y axes [1] : (tensor<8x6xf32>) -> tensor<8xf32>
  %weighted = nn.mul %rowsum, %weight : tensor<8xf32>, tensor<8xf32>
  %loss = nn.reduce_sum %weighted axes [0] : (tensor<8xf32>) -> tensor<f32>
  // CHECK: dist.batch_sum
  return %loss : tensor<f32>
}

// -----

// The batch's mean is subtracted: an all-reduce in the middle. Its adjoint is a
// broadcast of a sum over the samples: the sum travels before it is broadcast.

// CHECK-LABEL: func.func @train
func.func @train(%x: tensor<8x6xf32> {nn.input = "x"}, %weight: tensor<8xf32> {nn.sample_weight})
    -> (tensor<6xf32> {nn.parameter = "w"}) attributes {nn.phase = "train"} {
  // CHECK: %[[SUM:.*]] = nn.reduce_sum {{.*}} -> tensor<1x6xf32>
  // CHECK: %[[WHOLE:.*]] = dist.batch_sum %[[SUM]] over "data" : tensor<1x6xf32>
  %sum = nn.reduce_sum %x axes [0] keep : (tensor<8x6xf32>) -> tensor<1x6xf32>
  // CHECK: nn.sub %{{.*}}, %[[WHOLE]] : tensor<2x6xf32>, tensor<1x6xf32>
  %y = nn.sub %x, %sum : tensor<8x6xf32>, tensor<1x6xf32>
  // CHECK: %[[DSUM:.*]] = nn.reduce_sum {{.*}} -> tensor<1x6xf32>
  // CHECK: %[[DWHOLE:.*]] = dist.batch_sum %[[DSUM]] over "data" : tensor<1x6xf32>
  %dsum = nn.reduce_sum %y axes [0] keep : (tensor<8x6xf32>) -> tensor<1x6xf32>
  // CHECK: nn.broadcast %[[DWHOLE]] : tensor<1x6xf32> -> tensor<2x6xf32>
  %rows = nn.broadcast %dsum : tensor<1x6xf32> -> tensor<8x6xf32>
  %dx = nn.add %y, %rows : tensor<8x6xf32>, tensor<8x6xf32>
  %z = nn.reduce_sum %dx axes [0] : (tensor<8x6xf32>) -> tensor<6xf32>
  return %z : tensor<6xf32>
}
