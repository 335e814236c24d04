// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// Attention is one call and so is its gradient; whoever takes no gradient does not ask for the logarithms of sums.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}

// CHECK-DAG: [[Q:%[0-9]+]] = rt.buffer input "q" : memref<2x4x6x8xf32>
// CHECK-DAG: [[K:%[0-9]+]] = rt.buffer input "k" : memref<2x2x6x8xf32>
// CHECK-DAG: [[M:%[0-9]+]] = rt.buffer parameter "m" {{.*}} : memref<6x6xf32>
// CHECK: rt.call "attention"([[Q]], [[K]], [[K]]) -> ([[Y:%[0-9]+]], [[LSE:%[0-9]+]]) named [[M]] ["bias"] options {{.*}}scale = 5.000000e-01{{.*}}causal = true
// CHECK: rt.call "attention_gradient"([[Y]], [[Q]], [[K]], [[K]], [[Y]], [[LSE]]) -> (%{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}}) named [[M]] ["bias"] options {{.*}}scale = 5.000000e-01{{.*}}causal = true
// CHECK: rt.call "attention"([[Q]], [[K]], [[K]]) -> (%{{[0-9]+}}) options {{.*}}scale = 5.000000e-01{{.*}}positions_first = true
dist.fragment @f(%q: tensor<2x4x6x8xf32>, %k: tensor<2x2x6x8xf32>, %m: tensor<6x6xf32>, %weight: tensor<2xf32>) -> tensor<f32> {
  %y, %lse = nn.attention %q, %k, %k mask %m causal {scale = 0.5} : (tensor<2x4x6x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, tensor<6x6xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x4x6xf32>)
  %dq, %dk, %dv, %dm = nn.attention_gradient %y, %q, %k, %k, %y, %lse mask %m causal {scale = 0.5}
     : (tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6xf32>, tensor<6x6xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>, tensor<6x6xf32>)
  %z, %lse_z = nn.attention %q, %k, %k positions_first {scale = 0.5} : (tensor<2x4x6x8xf32>, tensor<2x2x6x8xf32>, tensor<2x2x6x8xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x6x4xf32>)
  %loss = nn.reduce_sum %dm axes [0, 1] : (tensor<6x6xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}

dist.timeline @evaluate(%q: tensor<2x4x6x8xf32> {nn.input = "q"}, %k: tensor<2x2x6x8xf32> {nn.input = "k"}, %m: tensor<6x6xf32> {nn.parameter = "m", nn.init = #nn.constant<value = 0.0>}, %weight: tensor<2xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {phase = "evaluate", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %loss = dist.run @f(%q, %k, %m, %weight) : (tensor<2x4x6x8xf32>, tensor<2x2x6x8xf32>, tensor<6x6xf32>, tensor<2xf32>) -> tensor<f32>
  dist.return %loss : tensor<f32>
}
