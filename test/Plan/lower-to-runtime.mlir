// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// One layer, data parallel: the gradient is made in its bucket, the update
// works in place, both phases share inputs and parameters.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}

dist.fragment @forward_backward(%x: tensor<4x8xf32>, %label: tensor<4xi64>, %weight: tensor<4xf32>, %w: tensor<2x8xf32>) -> (tensor<f32>, tensor<2x8xf32>) {
  %y = nn.matmul %x, %w transposed : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32> loc("fc")
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<4x2xf32>, tensor<4xi64>, tensor<4xf32>) -> (tensor<f32>, tensor<4x2xf32>)
  %dw = nn.matmul %dy transposed, %x : (tensor<4x2xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
  dist.return %loss, %dw : tensor<f32>, tensor<2x8xf32>
}
dist.fragment @update(%w: tensor<2x8xf32>, %dw: tensor<2x8xf32>, %step: tensor<i64>, %lr: tensor<f64>) -> tensor<2x8xf32> {
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<2x8xf32>, tensor<2x8xf32>, tensor<f64>, tensor<i64>) -> tensor<2x8xf32>
  dist.return %w1 : tensor<2x8xf32>
}
dist.fragment @evaluate_forward(%x: tensor<4x8xf32>, %label: tensor<4xi64>, %weight: tensor<4xf32>, %w: tensor<2x8xf32>) -> (tensor<f32>, tensor<f32>) {
  %y = nn.matmul %x, %w transposed : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32> loc("fc")
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<4x2xf32>, tensor<4xi64>, tensor<4xf32>) -> (tensor<f32>, tensor<4x2xf32>)
  %correct = nn.count_correct %y, %label, %weight : (tensor<4x2xf32>, tensor<4xi64>, tensor<4xf32>) -> tensor<f32>
  dist.return %loss, %correct : tensor<f32>, tensor<f32>
}

// CHECK: rt.program @all
// CHECK-SAME: axes = ["data"], batch = 8
// CHECK-SAME: local_batch = 4
// CHECK-SAME: mesh = array<i64: 2>
// CHECK: %[[X:.*]] = rt.buffer input "x" : memref<4x8xf32>
// CHECK: %[[LABEL:.*]] = rt.buffer label "label" : memref<4xi64>
// CHECK: %[[WEIGHT:.*]] = rt.buffer sample_weight "sample_weight" : memref<4xf32>
// CHECK: %[[STEP:.*]] = rt.buffer step "step" : memref<i64>
// CHECK: %[[RATE:.*]] = rt.buffer learning_rate "learning_rate" : memref<f64>
// CHECK: %[[W:.*]] = rt.buffer parameter "fc.weight" {init = #nn.uniform<bound = 5.000000e-01>} : memref<2x8xf32>
// CHECK: %[[BUCKET:.*]] = rt.buffer bucket "bucket0" : memref<32xf32>
// CHECK: %[[LOSS:.*]] = rt.view "loss.sum" of %[[BUCKET]] at 0 : memref<32xf32> -> memref<f32>
// CHECK: %[[DW:.*]] = rt.view "fc.weight.gradient" of %[[BUCKET]] at 16 : memref<32xf32> -> memref<2x8xf32>
// CHECK: %[[LOSS_OUT:.*]] = rt.buffer loss "loss" : memref<f32>
// CHECK: %[[Y:.*]] = rt.buffer temporary "fc" : memref<4x2xf32>

// CHECK: rt.fragment @forward_backward flops 3.040000e+02 bytes 564 {
// CHECK-NEXT: rt.call "matmul"(%[[X]], %[[W]]) -> (%[[Y]]) options {transpose_b = true}
// CHECK-NEXT: rt.call "softmax_cross_entropy"(%[[Y]], %[[LABEL]], %[[WEIGHT]]) -> (%[[LOSS]], %[[DY:[^)]*]])
// CHECK-NEXT: rt.call "matmul"(%[[DY]], %[[X]]) -> (%[[DW]]) options {transpose_a = true}
// CHECK: rt.fragment @update
// CHECK-NEXT: rt.call "update_parameters" of @sgd tuples of 2(%[[W]], %[[DW]], %[[RATE]], %[[STEP]]) -> ()

// CHECK: rt.timeline @train phase "train"
// CHECK-NEXT: rt.run @forward_backward
// CHECK-NEXT: %[[T:.*]] = rt.all_reduce_start "sum" %[[BUCKET]] over "data" name "bucket0" ["loss", "fc.weight"]
// CHECK-NEXT: rt.wait %[[T]]
// CHECK-NEXT: rt.run @update
// CHECK-NEXT: rt.call "copy"(%[[LOSS]]) -> (%[[LOSS_OUT]])
dist.timeline @train(%x: tensor<4x8xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<4xi64> {nn.label}, %weight: tensor<4xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                     %w: tensor<2x8xf32> {nn.parameter = "fc.weight", nn.init = #nn.uniform<bound = 0.5>})
    -> (tensor<f32> {nn.loss}, tensor<2x8xf32> {nn.parameter = "fc.weight"})
    attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  %loss, %dw = dist.run @forward_backward(%x, %label, %weight, %w) : (tensor<4x8xf32>, tensor<4xi64>, tensor<4xf32>, tensor<2x8xf32>) -> (tensor<f32>, tensor<2x8xf32>)
  %t = dist.all_reduce_start sum %loss, %dw over "data" bucket "bucket0" ["loss", "fc.weight"] : tensor<f32>, tensor<2x8xf32> -> <tensor<f32>, tensor<2x8xf32>>
  %loss_sum, %dw_sum = dist.wait %t : <tensor<f32>, tensor<2x8xf32>> -> tensor<f32>, tensor<2x8xf32>
  %w1 = dist.run @update(%w, %dw_sum, %step, %lr) : (tensor<2x8xf32>, tensor<2x8xf32>, tensor<i64>, tensor<f64>) -> tensor<2x8xf32>
  dist.return %loss_sum, %w1 : tensor<f32>, tensor<2x8xf32>
}

// Without an axis to reduce over, results are made where the runtime reads them.
// CHECK: rt.fragment @evaluate_forward
// CHECK: rt.call "softmax_cross_entropy"(%{{.*}}, %[[LABEL]], %[[WEIGHT]]) -> (%[[LOSS_OUT]])
// CHECK: rt.timeline @evaluate phase "evaluate"
// CHECK-NEXT: rt.run @evaluate_forward
dist.timeline @evaluate(%x: tensor<4x8xf32> {nn.input = "x"}, %label: tensor<4xi64> {nn.label}, %weight: tensor<4xf32> {nn.sample_weight}, %w: tensor<2x8xf32> {nn.parameter = "fc.weight", nn.init = #nn.uniform<bound = 0.5>})
    -> (tensor<f32> {nn.loss}, tensor<f32> {nn.correct}) attributes {phase = "evaluate", role = "all"} {
  %loss, %correct = dist.run @evaluate_forward(%x, %label, %weight, %w) : (tensor<4x8xf32>, tensor<4xi64>, tensor<4xf32>, tensor<2x8xf32>) -> (tensor<f32>, tensor<f32>)
  dist.return %loss, %correct : tensor<f32>, tensor<f32>
}
