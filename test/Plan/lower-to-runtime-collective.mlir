// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// A collective inside a fragment works in place on a copy, so that the value
// before it stays what it was.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// CHECK-DAG: [[WEIGHT:%[0-9]+]] = rt.buffer sample_weight
// CHECK-DAG: [[LOSS:%[0-9]+]] = rt.buffer loss
// CHECK-DAG: [[SUM:%[0-9]+]] = rt.buffer temporary "total" : memref<2xf32>
dist.fragment @f(%weight: tensor<2xf32>) -> tensor<f32> {
  // CHECK: rt.call "copy"([[WEIGHT]]) -> ([[SUM]])
  // CHECK-NEXT: rt.all_reduce "sum" [[SUM]] over "data" name "total" : memref<2xf32>
  %sum = dist.all_reduce sum %weight over "data" : tensor<2xf32> loc("total")
  // CHECK-NEXT: rt.call "reduce_sum"([[SUM]]) -> ([[LOSS]])
  %loss = nn.reduce_sum %sum axes [0] : (tensor<2xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}
dist.timeline @evaluate(%weight: tensor<2xf32> {nn.sample_weight}) -> (tensor<f32> {nn.loss})
    attributes {phase = "evaluate", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %loss = dist.run @f(%weight) : (tensor<2xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}
