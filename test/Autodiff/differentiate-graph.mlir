// RUN: dtc-opt %s -dtc-differentiate-graph -dtc-verify-step -split-input-file -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s
// RUN: dtc-opt %s -dtc-differentiate-graph -split-input-file | dtc-opt -split-input-file -dtc-verify-step | FileCheck %s --check-prefix=READS-BACK
// READS-BACK: @train

// A linear layer: the arguments in their order and with their attributes.
// CHECK-LABEL: func.func @train
// CHECK-SAME: (%[[X:.*]]: tensor<4x2xf32> {nn.input = "x"} loc({{.*}}), %[[LABEL:[^:]*]]: tensor<4x1xf32> {nn.label} loc("label"),
// CHECK-SAME: %[[WEIGHT:[^:]*]]: tensor<4xf32> {nn.sample_weight} loc("sample_weight"), %[[STEP:[^:]*]]: tensor<i64> {nn.step} loc("step"), %[[RATE:[^:]*]]: tensor<f64> {nn.learning_rate} loc("learning_rate"),
// CHECK-SAME: %[[W:[^:]*]]: tensor<2x1xf32> {nn.init = #nn.constant<value = 0.000000e+00>, nn.parameter = "w"} loc({{.*}}))
// CHECK-SAME: -> (tensor<f32> {nn.loss}, tensor<2x1xf32> {nn.parameter = "w"})
// CHECK-SAME: attributes {nn.model = "line", nn.phase = "train", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.000000e-01>, batch = 4>}
// CHECK: %[[Y:.*]] = nn.matmul %[[X]], %[[W]]
// CHECK: %[[COLUMN:.*]] = nn.reshape %[[WEIGHT]] : tensor<4xf32> -> tensor<4x1xf32>
// CHECK: %[[DIFFERENCE:.*]] = nn.sub %[[Y]], %[[LABEL]]
// CHECK: %[[SCALED:.*]] = nn.mul %[[DIFFERENCE]], %[[COLUMN]]
// CHECK: %[[SQUARES:.*]] = nn.mul %[[DIFFERENCE]], %[[SCALED]]
// CHECK: %[[LOSS:.*]] = nn.reduce_sum %[[SQUARES]] axes [0, 1]
// CHECK: %[[DY:.*]] = nn.mul %[[SCALED]], %{{.*}}
// CHECK: %[[DW:.*]] = nn.matmul %[[X]] transposed, %[[DY]]
// No gradient of the input.
// CHECK-NOT: nn.matmul
// CHECK: %[[NEW:.*]] = nn.update %[[W]], %[[DW]] rate %[[RATE]] step %[[STEP]] by sgd<lr = 1.000000e-01>
// CHECK: return %[[LOSS]], %[[NEW]]
//
// CHECK-LABEL: func.func @evaluate
// CHECK-SAME: {nn.input = "x"} {{.*}} {nn.label} {{.*}} {nn.sample_weight}
// CHECK-SAME: nn.parameter = "w"} loc({{.*}})) -> (tensor<f32> {nn.loss})
// CHECK-SAME: nn.phase = "evaluate"
// CHECK: %[[LOSS:.*]] = nn.reduce_sum
// CHECK-NEXT: return %[[LOSS]]
// CHECK-NOT: func.func @line
func.func @line(%x: tensor<4x2xf32> {nn.input = "x"},
                %w: tensor<2x1xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x1xf32> {nn.output = "y"})
    attributes {nn.model = "line", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
  return %y : tensor<4x1xf32>
}

// -----

// A convolutional network: adjoints in the order in which gradients are
// finished, under the names of the layers; then all updates, with their state.
// CHECK-LABEL: func.func @train
// CHECK-SAME: nn.parameter = "fc.bias"} loc({{.*}}), %{{.*}}: tensor<4x1x3x3xf32> {nn.init = #nn.constant<value = 0.000000e+00>, nn.state = "adam.m/conv.weight"} loc("adam.m/conv.weight")
// CHECK-SAME: nn.state = "adam.v/conv.weight"
// CHECK-SAME: -> (tensor<f32> {nn.loss}, tensor<4x1x3x3xf32> {nn.parameter = "conv.weight"}
// CHECK-SAME: {nn.parameter = "fc.bias"}, tensor<4x1x3x3xf32> {nn.state = "adam.m/conv.weight"}
// CHECK: nn.conv {{.*}} loc("conv")
// CHECK: %[[POOL:.*]], %[[INDEX:.*]] = nn.max_pool {{.*}} loc("pool")
// CHECK: %[[LOSS:.*]], %[[D:.*]] = nn.softmax_cross_entropy {{.*}} loc("loss"("logits"))
// CHECK-NEXT: nn.reduce_sum %[[D]] axes [0] {{.*}} -> tensor<5xf32> loc(fused<"adjoint">["fc"])
// CHECK-NEXT: nn.matmul %[[D]] transposed, {{.*}} -> tensor<5x16xf32> loc(fused<"adjoint">["fc"])
// CHECK-NEXT: %[[DX:.*]] = nn.matmul %[[D]], {{.*}} -> tensor<2x16xf32> loc(fused<"adjoint">["fc"])
// CHECK-NEXT: %[[DP:.*]] = nn.reshape %[[DX]] {{.*}} loc(fused<"adjoint">["flatten"])
// CHECK-NEXT: nn.constant
// CHECK-NEXT: %[[DR:.*]] = nn.where_positive %{{.*}}, %[[DP]], %{{.*}} loc(fused<"adjoint">["relu"])
// CHECK-NEXT: %[[DC:.*]] = nn.max_pool_gradient %[[DR]], %[[INDEX]]
// CHECK-NEXT: %{{.*}}, %{{.*}} = nn.conv_weight_gradient {{.*}} loc(fused<"adjoint">["conv"])
// CHECK-NOT: nn.conv_input_gradient
// CHECK-COUNT-4: nn.update {{.*}} loc(fused<"update">
// CHECK-NEXT: return
// CHECK-LABEL: func.func @evaluate
// CHECK: %[[LOSS:.*]], %{{.*}} = nn.softmax_cross_entropy
// CHECK: %[[CORRECT:.*]] = nn.count_correct
// CHECK: return %[[LOSS]], %[[CORRECT]]
func.func @cnn(
    %image: tensor<2x1x6x6xf32> {nn.input = "image"},
    %cw: tensor<4x1x3x3xf32> {nn.parameter = "conv.weight", nn.init = #nn.uniform<bound = 0.25>},
    %cb: tensor<4xf32> {nn.parameter = "conv.bias", nn.init = #nn.constant<value = 0.0>},
    %fw: tensor<5x16xf32> {nn.parameter = "fc.weight", nn.init = #nn.normal<mean = 0.0, stddev = 0.1>},
    %fb: tensor<5xf32> {nn.parameter = "fc.bias", nn.init = dense<0.5> : tensor<5xf32>})
    -> (tensor<2x5xf32> {nn.output = "logits"})
    attributes {nn.model = "cnn", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.adam<lr = 1.0e-3>, batch = 2>} {
  %0 = nn.conv %image, %cw bias %cb strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x1x6x6xf32>, tensor<4x1x3x3xf32>, tensor<4xf32>) -> tensor<2x4x4x4xf32> loc("conv")
  %1, %index = nn.max_pool %0 kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x4x4x4xf32>) -> (tensor<2x4x2x2xf32>, tensor<2x4x2x2xui8>) loc("pool")
  %2 = nn.relu %1 : tensor<2x4x2x2xf32> loc("relu")
  %3 = nn.reshape %2 : tensor<2x4x2x2xf32> -> tensor<2x16xf32> loc("flatten")
  %4 = nn.matmul %3, %fw transposed : (tensor<2x16xf32>, tensor<5x16xf32>) -> tensor<2x5xf32> loc("fc")
  %5 = nn.add %4, %fb : tensor<2x5xf32>, tensor<5xf32> loc("fc")
  return %5 : tensor<2x5xf32>
}

// -----

// A parameter that is used twice: its gradient is the sum of both contributions.
// CHECK-LABEL: func.func @train
// CHECK: nn.softmax_cross_entropy
// CHECK: %[[SECOND:.*]] = nn.matmul {{.*}} -> tensor<3x3xf32>
// CHECK: %[[FIRST:.*]] = nn.matmul {{.*}} -> tensor<3x3xf32>
// CHECK: %[[SUM:.*]] = nn.add %[[SECOND]], %[[FIRST]]
// CHECK: nn.update %{{.*}}, %[[SUM]] state(
func.func @shared(%x: tensor<2x3xf32> {nn.input = "x"},
                  %w: tensor<3x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<2x3xf32> {nn.output = "logits"})
    attributes {nn.model = "shared", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1, momentum = 0.9>, batch = 2>} {
  %0 = nn.matmul %x, %w : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
  %1 = nn.tanh %0 : tensor<2x3xf32>
  %2 = nn.matmul %1, %w : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// -----

// Ids have no gradient. The smallest table that they choose from bounds them, also behind ops that only move them.
// CHECK-LABEL: func.func @train
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<4x3xi64> {nn.classes = 5 : i64, nn.input = "ids"}
// CHECK-SAME: %[[FREE:[^:]*]]: tensor<4xi32> {nn.input = "free"}
// CHECK: nn.gather %{{.*}}, %[[IDS]] axis 0
// CHECK: %[[FLAT:.*]] = nn.reshape %[[IDS]] : tensor<4x3xi64> -> tensor<12xi64>
// CHECK: nn.gather %{{.*}}, %[[FLAT]] axis 0
// CHECK-DAG: nn.gather_gradient %{{.*}}, %[[FLAT]] axis 0 : tensor<12x2xf32>, tensor<12xi64> -> tensor<5x2xf32>
// CHECK-DAG: nn.gather_gradient %{{.*}}, %[[IDS]] axis 0 : tensor<4x3x2xf32>, tensor<4x3xi64> -> tensor<7x2xf32>
// CHECK-LABEL: func.func @evaluate
// CHECK-SAME: {nn.classes = 5 : i64, nn.input = "ids"}
func.func @tables(%ids: tensor<4x3xi64> {nn.input = "ids"}, %free: tensor<4xi32> {nn.input = "free"},
                  %large: tensor<7x2xf32> {nn.parameter = "large", nn.init = #nn.constant<value = 0.0>},
                  %small: tensor<5x2xf32> {nn.parameter = "small", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x3x2xf32> {nn.output = "y"})
    attributes {nn.model = "tables", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %a = nn.gather %large, %ids axis 0 : (tensor<7x2xf32>, tensor<4x3xi64>) -> tensor<4x3x2xf32>
  %flat = nn.reshape %ids : tensor<4x3xi64> -> tensor<12xi64>
  %b = nn.gather %small, %flat axis 0 : (tensor<5x2xf32>, tensor<12xi64>) -> tensor<12x2xf32>
  %c = nn.reshape %b : tensor<12x2xf32> -> tensor<4x3x2xf32>
  %y = nn.add %a, %c : tensor<4x3x2xf32>, tensor<4x3x2xf32>
  return %y : tensor<4x3x2xf32>
}
