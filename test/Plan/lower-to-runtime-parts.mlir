// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// A gradient is made where it is scattered from, the rank updates its part, and the parts are gathered straight into the parameter.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}

// CHECK-DAG: [[X:%[0-9]+]] = rt.buffer input "x"
// CHECK-DAG: [[W:%[0-9]+]] = rt.buffer parameter "w"
// CHECK-DAG: [[PART:%[0-9]+]] = rt.buffer state "w.part" {{.*}} : memref<3xf32>
// CHECK-DAG: [[BUCKET:%[0-9]+]] = rt.buffer bucket "bucket0" : memref<32xf32>
// CHECK-DAG: [[DW:%[0-9]+]] = rt.view "w.scattered" of [[BUCKET]] at 0 : memref<32xf32> -> memref<5xf32>
// CHECK-DAG: [[DV:%[0-9]+]] = rt.view "v.scattered" of [[BUCKET]] at 16 : memref<32xf32> -> memref<2x4xf32>
// CHECK-DAG: [[PARTS:%[0-9]+]] = rt.buffer bucket "bucket0.parts" : memref<32xf32>
// CHECK-DAG: [[DW_PART:%[0-9]+]] = rt.view "w.part" of [[PARTS]] at 0 : memref<32xf32> -> memref<3xf32>
// CHECK-DAG: [[DV_PART:%[0-9]+]] = rt.view "v.part" of [[PARTS]] at 16 : memref<32xf32> -> memref<4xf32>
dist.fragment @gradients(%x: tensor<4x5xf32>, %v: tensor<2x4xf32>) -> (tensor<5xf32>, tensor<2x4xf32>) {
  // CHECK: rt.fragment @gradients
  // CHECK: rt.call "reduce_sum"([[X]]) -> ([[DW]])
  %dw = nn.reduce_sum %x axes [0] : (tensor<4x5xf32>) -> tensor<5xf32>
  dist.return %dw, %v : tensor<5xf32>, tensor<2x4xf32>
}
dist.fragment @look(%v: tensor<2x4xf32>) -> tensor<2xf32> {
  %sum = nn.reduce_sum %v axes [1] : (tensor<2x4xf32>) -> tensor<2xf32>
  dist.return %sum : tensor<2xf32>
}
dist.fragment @update(%w: tensor<3xf32>, %dw: tensor<3xf32>, %rate: tensor<f64>, %step: tensor<i64>) -> tensor<3xf32> {
  // CHECK: rt.call "update_parameters" of @sgd tuples of 2([[PART]], [[DW_PART]],
  %w1 = nn.update %w, %dw rate %rate step %step by sgd<lr = 0.1> : (tensor<3xf32>, tensor<3xf32>, tensor<f64>, tensor<i64>) -> tensor<3xf32>
  dist.return %w1 : tensor<3xf32>
}
// CHECK: rt.timeline @train
dist.timeline @train(%x: tensor<4x5xf32> {nn.input = "x", dist.shard = "data"}, %weight: tensor<4xf32> {nn.sample_weight}, %rate: tensor<f64> {nn.learning_rate}, %step: tensor<i64> {nn.step},
                     %w: tensor<5xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
                     %v: tensor<2x4xf32> {nn.parameter = "v", nn.init = #nn.constant<value = 0.0>},
                     %own: tensor<3xf32> {nn.state = "w.part", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<5xf32> {nn.parameter = "w"}, tensor<2x4xf32> {nn.parameter = "v"}, tensor<3xf32> {nn.state = "w.part"})
    attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  // CHECK: rt.run @gradients
  %dw, %dv = dist.run @gradients(%x, %v) : (tensor<4x5xf32>, tensor<2x4xf32>) -> (tensor<5xf32>, tensor<2x4xf32>)
  // What cannot be made there is brought there.
  // CHECK-NEXT: rt.call "copy"({{.*}}) -> ([[DV]])
  // CHECK-NEXT: %[[T:.*]] = rt.reduce_scatter_start "sum"([[DW]], [[DV]]) -> ([[DW_PART]], [[DV_PART]]) over "data" name "bucket0" ["w", "v"]
  %t = dist.reduce_scatter_start sum %dw, %dv over "data" bucket "bucket0" ["w", "v"] : tensor<5xf32>, tensor<2x4xf32> -> <tensor<3xf32>, tensor<4xf32>>
  // CHECK-NEXT: rt.wait %[[T]]
  %dw_part, %dv_part = dist.wait %t : <tensor<3xf32>, tensor<4xf32>> -> tensor<3xf32>, tensor<4xf32>
  // CHECK-NEXT: rt.run @update
  %own1 = dist.run @update(%own, %dw_part, %rate, %step) : (tensor<3xf32>, tensor<3xf32>, tensor<f64>, tensor<i64>) -> tensor<3xf32>
  // v is still used behind the start: its new value goes elsewhere, and is copied at the end.
  // CHECK-NEXT: %[[U:.*]] = rt.all_gather_start([[PART]], [[DV_PART]]) -> ([[W]], %[[WHOLE:.*]]) over "data" name "p" ["w", "v"]
  %u = dist.all_gather_start %own1, %dv_part over "data" bucket "p" ["w", "v"] : tensor<3xf32>, tensor<4xf32> -> <tensor<5xf32>, tensor<2x4xf32>>
  %looked = dist.run @look(%v) : (tensor<2x4xf32>) -> tensor<2xf32>
  %w1, %v1 = dist.wait %u : <tensor<5xf32>, tensor<2x4xf32>> -> tensor<5xf32>, tensor<2x4xf32>
  // CHECK: rt.wait %[[U]]
  // CHECK: rt.call "copy"(%[[WHOLE]])
  dist.return %w1, %v1, %own1 : tensor<5xf32>, tensor<2x4xf32>, tensor<3xf32>
}
