// RUN: dtc-opt %s -dtc-lower-to-runtime | FileCheck %s

// The places of samples are a buffer that the runtime fills; forward and adjoint are one call.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.fragment @step(%x: tensor<4x8xf32> loc("x"), %t: tensor<3x4xf32>, %weight: tensor<4xf32>, %sample: tensor<4xi64>, %step: tensor<i64>) -> tensor<f32> {
  %0 = nn.dropout_training %x step %step sample %sample {ratio = 0.25 : f64, stream = 0 : i64} : (tensor<4x8xf32>, tensor<i64>, tensor<4xi64>) -> tensor<4x8xf32> loc("dropout")
  %1 = nn.dropout_training %t step %step sample %sample {ratio = 0.25 : f64, stream = 3 : i64, outer = 3 : i64} : (tensor<3x4xf32>, tensor<i64>, tensor<4xi64>) -> tensor<3x4xf32> loc("parts")
  %s = nn.reduce_sum %0 axes [0, 1] : (tensor<4x8xf32>) -> tensor<f32> loc("loss")
  dist.return %s : tensor<f32>
}
// CHECK-DAG: %[[SAMPLE:.*]] = rt.buffer sample_index "sample_index" : memref<4xi64>
// CHECK-DAG: %[[STEP:.*]] = rt.buffer step "step" : memref<i64>
// CHECK-DAG: %[[X:.*]] = rt.buffer input "x" : memref<4x8xf32>
// CHECK-DAG: %[[Y:.*]] = rt.buffer temporary "dropout" : memref<4x8xf32>
// CHECK: rt.call "dropout"(%[[X]], %[[STEP]]) -> (%[[Y]]) named %[[SAMPLE]] ["sample"] options {ratio = 2.500000e-01 : f64}
// CHECK: rt.call "dropout"({{.*}}) named %[[SAMPLE]] ["sample"] options {ratio = 2.500000e-01 : f64, stream = 3 : i64, outer = 3 : i64}
dist.timeline @train(%x: tensor<4x8xf32> {nn.input = "x"} loc("x"), %t: tensor<3x4xf32> {nn.input = "t"}, %weight: tensor<4xf32> {nn.sample_weight}, %sample: tensor<4xi64> {nn.sample_index}, %step: tensor<i64> {nn.step})
    -> (tensor<f32> {nn.loss}) attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  %s = dist.run @step(%x, %t, %weight, %sample, %step) : (tensor<4x8xf32>, tensor<3x4xf32>, tensor<4xf32>, tensor<4xi64>, tensor<i64>) -> tensor<f32>
  dist.return %s : tensor<f32>
}
