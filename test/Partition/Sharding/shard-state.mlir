// RUN: dtc-opt %s -dtc-shard-state | FileCheck %s
// RUN: dtc-opt %s -dtc-shard-state -dtc-form-timelines=bucket-bytes=64 -dtc-verify-communication | FileCheck %s --check-prefix=FORMED
// RUN: sed 's/shape = 4/shape = 1/' %s | dtc-opt -dtc-shard-state | FileCheck %s --check-prefix=ALONE

// Four ranks: of 10 elements each has three, the last one and two of padding. Whole gradients are never there.
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}

// ALONE-NOT: dist.part
// ALONE-NOT: parts

// CHECK-LABEL: func.func @train(
// CHECK-SAME: tensor<3xf32> {dist.shares = [#dist.share<"data", [5, 2] as 1 x 10 x 1>], nn.state = "w.m"}
// CHECK: %[[DW:.*]] = dist.batch_sum %{{.*}} over "data" parts : tensor<5x2xf32> -> tensor<3xf32>
// CHECK: %[[W:.*]] = dist.part %{{.*}} over "data" : tensor<5x2xf32> -> tensor<3xf32>
// CHECK: %[[NEW:[^,]*]], %[[M:[^ ]*]] = nn.update %[[W]], %[[DW]] state(%{{.*}})
// CHECK: %[[WHOLE:.*]] = dist.all_gather %[[NEW]] over "data" : tensor<3xf32> -> tensor<5x2xf32>
// CHECK: return %{{[^,]*}}, %[[WHOLE]], %[[M]]

// What the first bucket brings is updated and gathered while the second still travels.
// FORMED-LABEL: dist.timeline @train(
// FORMED: dist.all_reduce_start {{.*}} ["loss"]
// FORMED: dist.reduce_scatter_start {{.*}} over "data" bucket {{.*}} -> <tensor<3xf32>
// FORMED: dist.wait
// FORMED: dist.run @update
// FORMED: %[[G:[^ ]*]] = dist.all_gather_start {{.*}} over "data" bucket "gather0" ["w"]
// FORMED-NEXT: dist.wait %[[G]]
// FORMED-NEXT: dist.return
func.func @train(%x: tensor<2x5xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<2xi64> {nn.label, dist.shard = "data"},
                 %weight: tensor<2xf32> {nn.sample_weight, dist.shard = "data"}, %step: tensor<i64> {nn.step}, %rate: tensor<f64> {nn.learning_rate},
                 %w: tensor<5x2xf32> {nn.parameter = "w"}, %m: tensor<5x2xf32> {nn.state = "w.m"})
    -> (tensor<f32> {nn.loss}, tensor<5x2xf32> {nn.parameter = "w"}, tensor<5x2xf32> {nn.state = "w.m"})
    attributes {nn.phase = "train", dist.axis = "data"} {
  %y = nn.matmul %x, %w : (tensor<2x5xf32>, tensor<5x2xf32>) -> tensor<2x2xf32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<2x2xf32>, tensor<2xi64>, tensor<2xf32>) -> (tensor<f32>, tensor<2x2xf32>)
  %loss_sum = dist.batch_sum %loss over "data" : tensor<f32>
  %dw = nn.matmul %x transposed, %dy : (tensor<2x5xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
  %dw_sum = dist.batch_sum %dw over "data" : tensor<5x2xf32>
  %w1, %m1 = nn.update %w, %dw_sum state(%m) rate %rate step %step by sgd<lr = 0.1, momentum = 0.9>
      : (tensor<5x2xf32>, tensor<5x2xf32>, tensor<5x2xf32>, tensor<f64>, tensor<i64>) -> (tensor<5x2xf32>, tensor<5x2xf32>)
  return %loss_sum, %w1, %m1 : tensor<f32>, tensor<5x2xf32>, tensor<5x2xf32>
}
