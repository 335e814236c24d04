// RUN: dtc-opt %s -dtc-form-timelines -dtc-verify-communication | FileCheck %s
// RUN: sed 's/shape = 4/shape = 1/' %s | dtc-opt -dtc-form-timelines | FileCheck %s --check-prefix=ALONE --implicit-check-not=batch_sum

// The batch's mean is needed to go on: it travels alone, is awaited at once, and
// the step is cut there, once forward and once backward. What had started before
// is awaited first. Nothing is left of dist.batch_sum.

shard.grid @mesh(shape = 4) {dist.axes = ["data"]}

// A rank that shares the batch with nobody has nothing to wait for.
// ALONE: dist.fragment @forward_backward(
// ALONE: dist.run @forward_backward
// ALONE-NEXT: dist.run @update

// CHECK-NOT: dist.batch_sum
// CHECK-LABEL: dist.fragment @forward_0(
// CHECK-LABEL: dist.fragment @head(
// CHECK: nn.softmax_cross_entropy
// CHECK-LABEL: dist.fragment @tail(
// CHECK-LABEL: dist.fragment @update(
// CHECK-LABEL: dist.timeline @train(
// CHECK: dist.run @forward_0
// CHECK-NEXT: %[[MEAN:.*]] = dist.all_reduce_start sum {{.*}} ["norm"]
// CHECK-NEXT: dist.wait %[[MEAN]]
// CHECK-NEXT: dist.run @head
// CHECK-NEXT: %[[DMEAN:.*]] = dist.all_reduce_start sum {{.*}} ["sum"]
// CHECK-NEXT: dist.wait %[[DMEAN]]
// CHECK-NEXT: dist.run @tail
// CHECK-NEXT: %[[REST:.*]] = dist.all_reduce_start sum {{.*}} ["loss", "w"]
// CHECK-NEXT: dist.wait %[[REST]]
// CHECK-NEXT: dist.run @update
// CHECK-NEXT: dist.return
func.func @train(%x: tensor<2x5xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<2xi64> {nn.label, dist.shard = "data"},
                 %weight: tensor<2xf32> {nn.sample_weight, dist.shard = "data"}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                 %w: tensor<5x3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<5x3xf32> {nn.parameter = "w"}) attributes {nn.phase = "train", dist.axis = "data"} {
  %h = nn.matmul %x, %w : (tensor<2x5xf32>, tensor<5x3xf32>) -> tensor<2x3xf32>
  %s = nn.reduce_sum %h axes [0] keep : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %sum = dist.batch_sum %s over "data" : tensor<1x3xf32> loc("norm")
  %y = nn.sub %h, %sum : tensor<2x3xf32>, tensor<1x3xf32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xf32>) -> (tensor<f32>, tensor<2x3xf32>)
  %loss_sum = dist.batch_sum %loss over "data" : tensor<f32>
  %d = nn.reduce_sum %dy axes [0] keep : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %dsum = dist.batch_sum %d over "data" : tensor<1x3xf32>
  %dh = nn.sub %dy, %dsum : tensor<2x3xf32>, tensor<1x3xf32>
  %dw = nn.matmul %x transposed, %dh : (tensor<2x5xf32>, tensor<2x3xf32>) -> tensor<5x3xf32>
  %dw_sum = dist.batch_sum %dw over "data" : tensor<5x3xf32>
  %w1 = nn.update %w, %dw_sum rate %lr step %step by sgd<lr = 0.1> : (tensor<5x3xf32>, tensor<5x3xf32>, tensor<f64>, tensor<i64>) -> tensor<5x3xf32>
  return %loss_sum, %w1 : tensor<f32>, tensor<5x3xf32>
}
