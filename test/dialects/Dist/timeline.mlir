// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK: shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}

// CHECK: dist.fragment @forward_backward(%{{.*}}: tensor<64x784xf32>, %{{.*}}: tensor<10x784xf32>) -> (tensor<f32>, tensor<10x784xf32>)
dist.fragment @forward_backward(%x: tensor<64x784xf32>, %w: tensor<10x784xf32>) -> (tensor<f32>, tensor<10x784xf32>) {
  %y = nn.matmul %x, %w transposed : (tensor<64x784xf32>, tensor<10x784xf32>) -> tensor<64x10xf32>
  %loss = nn.reduce_sum %y axes [0, 1] : (tensor<64x10xf32>) -> tensor<f32>
  %g = nn.broadcast %loss : tensor<f32> -> tensor<64x10xf32>
  %dw = nn.matmul %g transposed, %x : (tensor<64x10xf32>, tensor<64x784xf32>) -> tensor<10x784xf32>
  dist.return %loss, %dw : tensor<f32>, tensor<10x784xf32>
}

dist.fragment @update(%w: tensor<10x784xf32>, %dw: tensor<10x784xf32>, %step: tensor<i64>, %lr: tensor<f64>) -> tensor<10x784xf32> {
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<10x784xf32>, tensor<10x784xf32>, tensor<f64>, tensor<i64>) -> tensor<10x784xf32>
  dist.return %w1 : tensor<10x784xf32>
}

// CHECK: dist.timeline @train
// CHECK-SAME: attributes {phase = "train", role = "all"}
dist.timeline @train(%x: tensor<64x784xf32> {nn.input = "x", dist.shard = "data"},
                     %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                     %w: tensor<10x784xf32> {nn.parameter = "fc.weight"})
    -> (tensor<f32> {nn.loss}, tensor<10x784xf32> {nn.parameter = "fc.weight"})
    attributes {phase = "train", role = "all"} {
  %loss, %dw = dist.run @forward_backward(%x, %w) : (tensor<64x784xf32>, tensor<10x784xf32>) -> (tensor<f32>, tensor<10x784xf32>)
  // CHECK: dist.all_reduce_start sum %{{.*}}, %{{.*}} over "data" bucket "bucket0" ["loss", "fc.weight"] : tensor<f32>, tensor<10x784xf32> -> <tensor<f32>, tensor<10x784xf32>>
  %t = dist.all_reduce_start sum %loss, %dw over "data" bucket "bucket0" ["loss", "fc.weight"]
     : tensor<f32>, tensor<10x784xf32> -> <tensor<f32>, tensor<10x784xf32>>
  // CHECK: dist.wait
  %loss_sum, %dw_sum = dist.wait %t : <tensor<f32>, tensor<10x784xf32>> -> tensor<f32>, tensor<10x784xf32>
  %w1 = dist.run @update(%w, %dw_sum, %step, %lr) : (tensor<10x784xf32>, tensor<10x784xf32>, tensor<i64>, tensor<f64>) -> tensor<10x784xf32>
  dist.return %loss_sum, %w1 : tensor<f32>, tensor<10x784xf32>
}
