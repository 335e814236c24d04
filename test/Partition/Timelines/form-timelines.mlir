// RUN: dtc-opt %s -dtc-form-timelines=bucket-bytes=64 | FileCheck %s --check-prefixes=CHECK,MANY
// RUN: dtc-opt %s -dtc-form-timelines | FileCheck %s --check-prefixes=CHECK,ONE
// RUN: dtc-opt %s -dtc-form-timelines -mlir-use-nameloc-as-prefix | FileCheck %s --check-prefix=NAMES

shard.grid @mesh(shape = 4) {dist.axes = ["data"]}

// Two linear layers. fc2's gradients (4·3 + 3 floats) and the loss are finished
// first; with 64 bytes a bucket they leave while fc1's are still being made.

// MANY-LABEL: dist.fragment @head(
// MANY-SAME: %[[X:.*]]: tensor<2x5xf32>, %[[LABEL:.*]]: tensor<2xi64>, %[[WEIGHT:.*]]: tensor<2xf32>, %[[W1:.*]]: tensor<4x5xf32>, %[[W2:.*]]: tensor<3x4xf32>, %[[B2:.*]]: tensor<3xf32>
// MANY-SAME: -> (tensor<f32>, tensor<3xf32>, tensor<3x4xf32>, tensor<2x4xf32>, tensor<2x3xf32>)
// MANY-SAME: attributes {kind = #dist<kind forward_backward>
// MANY: nn.softmax_cross_entropy
// MANY: nn.reduce_sum
// MANY: nn.matmul
// MANY-NEXT: dist.return

// What stands between the buckets needs the saved activation and dy alone, and
// makes its constant itself.
// MANY-LABEL: dist.fragment @tail(
// MANY-SAME: tensor<2x5xf32>, %{{.*}}: tensor<3x4xf32>, %{{.*}}: tensor<2x4xf32>, %{{.*}}: tensor<2x3xf32>) -> tensor<4x5xf32>
// MANY-SAME: attributes {kind = #dist<kind backward>
// MANY: nn.constant dense<0.000000e+00>
// MANY: nn.where_positive

// ONE-LABEL: dist.fragment @forward_backward(
// ONE-SAME: -> (tensor<f32>, tensor<3xf32>, tensor<3x4xf32>, tensor<4x5xf32>)

// CHECK-LABEL: dist.fragment @update(
// CHECK: nn.update
// CHECK: nn.update
// CHECK: nn.update

// CHECK-LABEL: dist.timeline @train(
// CHECK-SAME: %{{.*}}: tensor<2x5xf32> {dist.shard = "data", nn.input = "x"}
// CHECK-SAME: nn.model = "mlp"
// CHECK-SAME: phase = "train"
// CHECK-SAME: role = "all"
// MANY: %[[HEAD:.*]]:5 = dist.run @head(
// MANY-NEXT: %[[T0:.*]] = dist.all_reduce_start sum %[[HEAD]]#0, %[[HEAD]]#1, %[[HEAD]]#2 over "data" bucket "bucket0" ["loss", "fc2.bias", "fc2.weight"]
// MANY-NEXT: %[[TAIL:.*]] = dist.run @tail(%{{.*}}, %{{.*}}, %[[HEAD]]#3, %[[HEAD]]#4)
// MANY-NEXT: %[[T1:.*]] = dist.all_reduce_start sum %[[TAIL]] over "data" bucket "bucket1" ["fc1.weight"]
// MANY-NEXT: %[[R0:.*]]:3 = dist.wait %[[T0]]
// MANY-NEXT: %[[R1:.*]] = dist.wait %[[T1]]
// ONE: %[[ALL:.*]]:4 = dist.run @forward_backward(
// ONE-NEXT: %[[T0:.*]] = dist.all_reduce_start sum {{.*}} bucket "bucket0" ["loss", "fc2.bias", "fc2.weight", "fc1.weight"]
// ONE-NEXT: %[[R0:.*]]:4 = dist.wait %[[T0]]
// CHECK-NEXT: %[[NEW:.*]]:9 = dist.run @update(
// CHECK-NEXT: dist.return %[[R0]]#0, %[[NEW]]#
func.func @train(%x: tensor<2x5xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<2xi64> {nn.label, dist.shard = "data"},
                 %weight: tensor<2xf32> {nn.sample_weight, dist.shard = "data"}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                 %w1: tensor<4x5xf32> {nn.parameter = "fc1.weight"}, %w2: tensor<3x4xf32> {nn.parameter = "fc2.weight"}, %b2: tensor<3xf32> {nn.parameter = "fc2.bias"},
                 %w1m: tensor<4x5xf32> {nn.state = "fc1.weight.m"}, %w1v: tensor<4x5xf32> {nn.state = "fc1.weight.v"},
                 %w2m: tensor<3x4xf32> {nn.state = "fc2.weight.m"}, %w2v: tensor<3x4xf32> {nn.state = "fc2.weight.v"},
                 %b2m: tensor<3xf32> {nn.state = "fc2.bias.m"}, %b2v: tensor<3xf32> {nn.state = "fc2.bias.v"})
    -> (tensor<f32> {nn.loss}, tensor<4x5xf32> {nn.parameter = "fc1.weight"}, tensor<3x4xf32> {nn.parameter = "fc2.weight"}, tensor<3xf32> {nn.parameter = "fc2.bias"},
        tensor<4x5xf32> {nn.state = "fc1.weight.m"}, tensor<4x5xf32> {nn.state = "fc1.weight.v"},
        tensor<3x4xf32> {nn.state = "fc2.weight.m"}, tensor<3x4xf32> {nn.state = "fc2.weight.v"},
        tensor<3xf32> {nn.state = "fc2.bias.m"}, tensor<3xf32> {nn.state = "fc2.bias.v"})
    attributes {nn.phase = "train", nn.model = "mlp", dist.axis = "data"} {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %h0 = nn.matmul %x, %w1 transposed : (tensor<2x5xf32>, tensor<4x5xf32>) -> tensor<2x4xf32>
  %h = nn.relu %h0 : tensor<2x4xf32>
  %y0 = nn.matmul %h, %w2 transposed : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<2x3xf32>
  %y = nn.add %y0, %b2 : tensor<2x3xf32>, tensor<3xf32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xf32>) -> (tensor<f32>, tensor<2x3xf32>)
  %loss_sum = dist.batch_sum %loss over "data" : tensor<f32>
  %db2 = nn.reduce_sum %dy axes [0] : (tensor<2x3xf32>) -> tensor<3xf32>
  %db2_sum = dist.batch_sum %db2 over "data" : tensor<3xf32>
  %dw2 = nn.matmul %dy transposed, %h : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %dw2_sum = dist.batch_sum %dw2 over "data" : tensor<3x4xf32>
  %dh = nn.matmul %dy, %w2 : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %dh0 = nn.where_positive %h, %dh, %zero : tensor<2x4xf32>, tensor<2x4xf32>, tensor<f32>
  %dw1 = nn.matmul %dh0 transposed, %x : (tensor<2x4xf32>, tensor<2x5xf32>) -> tensor<4x5xf32>
  %dw1_sum = dist.batch_sum %dw1 over "data" : tensor<4x5xf32>
  %w1n, %w1mn, %w1vn = nn.update %w1, %dw1_sum state(%w1m, %w1v) rate %lr step %step by adam<lr = 0.001> : (tensor<4x5xf32>, tensor<4x5xf32>, tensor<4x5xf32>, tensor<4x5xf32>, tensor<f64>, tensor<i64>) -> (tensor<4x5xf32>, tensor<4x5xf32>, tensor<4x5xf32>)
  %w2n, %w2mn, %w2vn = nn.update %w2, %dw2_sum state(%w2m, %w2v) rate %lr step %step by adam<lr = 0.001> : (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<f64>, tensor<i64>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>)
  %b2n, %b2mn, %b2vn = nn.update %b2, %db2_sum state(%b2m, %b2v) rate %lr step %step by adam<lr = 0.001> : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<f64>, tensor<i64>) -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  return %loss_sum, %w1n, %w2n, %b2n, %w1mn, %w1vn, %w2mn, %w2vn, %b2mn, %b2vn
      : tensor<f32>, tensor<4x5xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<4x5xf32>, tensor<4x5xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<3xf32>
}

// An evaluation travels as one message, however small buckets are.
// CHECK-LABEL: dist.fragment @evaluate_forward(
// CHECK-LABEL: dist.timeline @evaluate(
// CHECK: %[[E:.*]]:2 = dist.run @evaluate_forward(
// CHECK-NEXT: %[[T:.*]] = dist.all_reduce_start sum %[[E]]#0, %[[E]]#1 over "data" bucket "metrics" ["loss", "correct"]
// CHECK-NEXT: %[[R:.*]]:2 = dist.wait %[[T]]
// CHECK-NEXT: dist.return %[[R]]#0, %[[R]]#1
func.func @evaluate(%y: tensor<2x3xf32> {nn.input = "x", dist.shard = "data"}, %label: tensor<2xi64> {nn.label, dist.shard = "data"},
                    %weight: tensor<2xf32> {nn.sample_weight, dist.shard = "data"})
    -> (tensor<f32> {nn.loss}, tensor<f32> {nn.correct}) attributes {nn.phase = "evaluate", dist.axis = "data"} {
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xf32>) -> (tensor<f32>, tensor<2x3xf32>)
  %loss_sum = dist.batch_sum %loss over "data" : tensor<f32>
  %correct = nn.count_correct %y, %label, %weight : (tensor<2x3xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<f32>
  %correct_sum = dist.batch_sum %correct over "data" : tensor<f32>
  return %loss_sum, %correct_sum : tensor<f32>, tensor<f32>
}

// What timelines make has names, for those who print them.
// NAMES: %[[ALL:forward_backward]]:4 = dist.run @forward_backward(
// NAMES: %bucket0 = dist.all_reduce_start sum %[[ALL]]#0
// NAMES: %bucket0_sum:4 = dist.wait %bucket0
