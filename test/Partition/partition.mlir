// RUN: dtc-opt %s -dtc-partition=devices=4 | FileCheck %s --check-prefix=FOUR
// RUN: dtc-opt %s -dtc-partition=devices=1 | FileCheck %s --check-prefix=ONE --implicit-check-not=all_reduce

// From a step on the global batch to timelines. One device has the same form,
// and nothing to communicate.

// FOUR: shard.grid @mesh(shape = 4)
// FOUR: dist.fragment @forward_backward(%{{.*}}: tensor<3x8xf32>
// FOUR: dist.timeline @train
// FOUR: dist.all_reduce_start sum {{.*}} bucket "bucket0" ["loss", "w"]

// ONE: shard.grid @mesh(shape = 1)
// ONE: dist.fragment @forward_backward(%{{.*}}: tensor<10x8xf32>
// ONE: dist.fragment @update
// ONE: dist.timeline @train(%{{.*}}: tensor<10x8xf32> {dist.shard = "data", nn.input = "x"}
// ONE: %[[R:.*]]:2 = dist.run @forward_backward
// ONE-NEXT: %[[W:.*]] = dist.run @update(%{{.*}}, %{{.*}}, %[[R]]#1)
// ONE-NEXT: dist.return %[[R]]#0, %[[W]]
func.func @train(%x: tensor<10x8xf32> {nn.input = "x"}, %label: tensor<10xi64> {nn.label},
                 %weight: tensor<10xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                 %w: tensor<5x8xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<5x8xf32> {nn.parameter = "w"})
    attributes {nn.phase = "train", nn.model = "linear"} {
  %y = nn.matmul %x, %w transposed : (tensor<10x8xf32>, tensor<5x8xf32>) -> tensor<10x5xf32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<10x5xf32>, tensor<10xi64>, tensor<10xf32>) -> (tensor<f32>, tensor<10x5xf32>)
  %dw = nn.matmul %dy transposed, %x : (tensor<10x5xf32>, tensor<10x8xf32>) -> tensor<5x8xf32>
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<5x8xf32>, tensor<5x8xf32>, tensor<f64>, tensor<i64>) -> tensor<5x8xf32>
  return %loss, %w1 : tensor<f32>, tensor<5x8xf32>
}
