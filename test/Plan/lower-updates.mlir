// RUN: dtc-opt --dtc-lower-to-runtime %s | FileCheck %s

// What an optimizer says is a formula of the program, made once; each update is a call of it, in place.
shard.grid @mesh(shape = 1) {dist.axes = ["data"]}

// CHECK: %[[STEP:.*]] = rt.buffer step "step" : memref<i64>
// CHECK: %[[RATE:.*]] = rt.buffer learning_rate "learning_rate" : memref<f64>
// CHECK: %[[W:.*]] = rt.buffer parameter "w"
// CHECK: %[[B:.*]] = rt.buffer parameter "b"
// CHECK: %[[MW:.*]] = rt.buffer state "sgd.momentum/w" {init = #nn.constant<value = 0.000000e+00>}
// CHECK: %[[MB:.*]] = rt.buffer state "sgd.momentum/b"

// What is f64 is computed for a step; it is rounded where it meets an element.
// CHECK: rt.formula @sgd "sgd: {{.*}} (torch.optim.SGD)" settings ["momentum", "dampening", "weight_decay"] [9.000000e-01, 0.000000e+00, 0.000000e+00] states ["momentum"] {
// CHECK-NEXT: ^bb0(%[[LR:.*]]: f64, %{{.*}}: f64, %[[MOMENTUM:.*]]: f64, %{{.*}}: f64, %{{.*}}: f64, %[[P:.*]]: f32, %[[G:.*]]: f32, %[[BUFFER:.*]]: f32):
// CHECK-NEXT:   %[[KEEP:.*]] = arith.truncf %[[MOMENTUM]] : f64 to f32
// CHECK-NEXT:   %[[KEPT:.*]] = arith.mulf %[[KEEP]], %[[BUFFER]] : f32
// CHECK-NEXT:   %[[NEW:.*]] = arith.addf %[[KEPT]], %[[G]] : f32
// CHECK-NEXT:   %[[RATE32:.*]] = arith.truncf %[[LR]] : f64 to f32
// CHECK-NEXT:   %[[MOVE:.*]] = arith.mulf %[[RATE32]], %[[NEW]] : f32
// CHECK-NEXT:   %[[P1:.*]] = arith.subf %[[P]], %[[MOVE]] : f32
// CHECK-NEXT:   rt.yield %[[P1]], %[[NEW]] : f32, f32
// CHECK-NOT: rt.formula

// CHECK: rt.fragment @update
// CHECK-NEXT: rt.call "update_parameters" of @sgd tuples of 3(%[[W]], %{{.*}}, %[[MW]], %[[RATE]], %[[STEP]]) -> ()
// CHECK-NEXT: rt.call "update_parameters" of @sgd tuples of 3(%[[B]], %{{.*}}, %[[MB]], %[[RATE]], %[[STEP]]) -> ()
dist.fragment @update(%w: tensor<2x8xf32>, %b: tensor<8xf32>, %mw: tensor<2x8xf32>, %mb: tensor<8xf32>, %lr: tensor<f64>, %step: tensor<i64>)
    -> (tensor<2x8xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>) {
  %w1, %mw1 = nn.update %w, %w state(%mw) rate %lr step %step by sgd<momentum = 0.9>
     : (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<f64>, tensor<i64>) -> (tensor<2x8xf32>, tensor<2x8xf32>)
  %b1, %mb1 = nn.update %b, %b state(%mb) rate %lr step %step by sgd<momentum = 0.9>
     : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<f64>, tensor<i64>) -> (tensor<8xf32>, tensor<8xf32>)
  dist.return %w1, %b1, %mw1, %mb1 : tensor<2x8xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>
}
dist.timeline @train(%weight: tensor<4xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                     %w: tensor<2x8xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>}, %b: tensor<8xf32> {nn.parameter = "b", nn.init = #nn.constant<value = 1.0>},
                     %mw: tensor<2x8xf32> {nn.state = "sgd.momentum/w", nn.init = #nn.constant<value = 0.0>}, %mb: tensor<8xf32> {nn.state = "sgd.momentum/b", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<2x8xf32> {nn.parameter = "w"}, tensor<8xf32> {nn.parameter = "b"}, tensor<2x8xf32> {nn.state = "sgd.momentum/w"}, tensor<8xf32> {nn.state = "sgd.momentum/b"})
    attributes {phase = "train", role = "all", nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1, momentum = 0.9>, batch = 4>} {
  %w1, %b1, %mw1, %mb1 = dist.run @update(%w, %b, %mw, %mb, %lr, %step)
     : (tensor<2x8xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>, tensor<f64>, tensor<i64>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>)
  dist.return %w1, %b1, %mw1, %mb1 : tensor<2x8xf32>, tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>
}
