// RUN: dtc-opt %s -split-input-file -dtc-differentiate-graph -dtc-simplify-graph -cse -dtc-verify-step -verify-diagnostics | FileCheck %s

// A frozen parameter has no gradient, no update and no state, and nothing is computed that only it would need: of the first layer
// there is no adjoint at all.
// CHECK-LABEL: func.func @train
// CHECK-SAME: nn.frozen
// CHECK-NOT: adam.m/first
// CHECK: %[[H:.*]] = nn.matmul
// CHECK: nn.matmul
// CHECK: nn.matmul %{{.*}} transposed, %{{.*}}
// CHECK-NOT: nn.matmul
// CHECK: nn.update
// CHECK-NOT: nn.update
// CHECK: return %{{[^,]*}}, %arg[[FIRST:[0-9]+]],
func.func @half(%x: tensor<4x2xf32> {nn.input = "x"},
                %first: tensor<2x2xf32> {nn.parameter = "first", nn.frozen, nn.init = #nn.constant<value = 0.5>},
                %second: tensor<2x1xf32> {nn.parameter = "second", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x1xf32> {nn.output = "y"})
    attributes {nn.model = "half", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.adam<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %first : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %1 = nn.tanh %0 : tensor<4x2xf32>
  %2 = nn.matmul %1, %second : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
  return %2 : tensor<4x1xf32>
}

// -----

// One notion of influence: an op reads %w, but its slope is 0 everywhere, so no gradient arrives.
// CHECK-LABEL: func.func @train
// CHECK-SAME: nn.frozen
func.func @power(%x: tensor<4x2xf32> {nn.input = "x"},
                 // expected-warning @+1 {{parameter "w" does not influence the loss: it keeps its value}}
                 %w: tensor<2x2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>},
                 %v: tensor<2x1xf32> {nn.parameter = "v", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x1xf32> {nn.output = "y"})
    attributes {nn.model = "power", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %0 = nn.matmul %x, %w : (tensor<4x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %1 = nn.pow %0, %zero : tensor<4x2xf32>, tensor<f32>
  %2 = nn.matmul %1, %v : (tensor<4x2xf32>, tensor<2x1xf32>) -> tensor<4x1xf32>
  return %2 : tensor<4x1xf32>
}

// -----

// Likewise as the condition of a selection; a factor of 0 has a gradient, of zeros (NaN times 0 is no 0), and is updated.
// CHECK-LABEL: func.func @train
// CHECK: nn.update
// CHECK: nn.update
// CHECK-NOT: nn.update
func.func @selection(%x: tensor<4x2xf32> {nn.input = "x"},
                     // expected-warning @+1 {{parameter "condition" does not influence the loss: it keeps its value}}
                     %condition: tensor<2xf32> {nn.parameter = "condition", nn.init = #nn.constant<value = 0.5>},
                     %factor: tensor<2xf32> {nn.parameter = "factor", nn.init = #nn.constant<value = 0.5>},
                     %a: tensor<2xf32> {nn.parameter = "a", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "selection", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %0 = nn.where_positive %condition, %a, %x : tensor<2xf32>, tensor<2xf32>, tensor<4x2xf32>
  %1 = nn.mul %factor, %zero : tensor<2xf32>, tensor<f32>
  %2 = nn.add %0, %1 : tensor<4x2xf32>, tensor<2xf32>
  return %2 : tensor<4x2xf32>
}

// -----

// expected-error @below {{all parameters of the model are frozen: there is nothing to train}}
func.func @all(%x: tensor<4x2xf32> {nn.input = "x"},
               %w: tensor<2xf32> {nn.parameter = "w", nn.frozen, nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "all", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.mul %x, %w : tensor<4x2xf32>, tensor<2xf32>
  return %0 : tensor<4x2xf32>
}
