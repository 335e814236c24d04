// RUN: dtc-opt %s -split-input-file -dtc-mask-padding -verify-diagnostics | FileCheck %s

// What treats each sample alone stays as it is; a mean over its own elements is a sum times a constant.
// CHECK-LABEL: func.func @alone(
// CHECK-NOT:     nn.sample_weight
// CHECK:         %[[SUM:.*]] = nn.reduce_sum %{{.*}} axes [1] keep
// CHECK:         %[[THIRD:.*]] = nn.constant dense<0.333333343>
// CHECK:         nn.mul %[[SUM]], %[[THIRD]]
// CHECK-NOT:     nn.where_positive
func.func @alone(%x: tensor<4x3xf32> {nn.input = "x"}, %w: tensor<3x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "alone", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.matmul %x, %w : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32>
  %mean = nn.reduce_mean %h axes [1] keep : (tensor<4x3xf32>) -> tensor<4x1xf32>
  %y = nn.sub %h, %mean : tensor<4x3xf32>, tensor<4x1xf32>
  return %y : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: func.func @mean(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<4x3xf32> {nn.input = "x"},
// CHECK-SAME:    %[[WEIGHT:[a-z0-9]+]]: tensor<4xf32> {nn.sample_weight}
// CHECK:         %[[ONES:.*]] = nn.where_positive %[[WEIGHT]], %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<f32>, tensor<f32>
// CHECK:         %[[COUNT:.*]] = nn.reduce_sum %[[ONES]] axes [0] : (tensor<4xf32>) -> tensor<f32>
// CHECK:         %[[COLUMN:.*]] = nn.reshape %[[WEIGHT]] : tensor<4xf32> -> tensor<4x1xf32>
// CHECK:         %[[ZERO:.*]] = nn.constant dense<0.000000e+00> : tensor<f32>
// CHECK:         %[[MASKED:.*]] = nn.where_positive %[[COLUMN]], %[[X]], %[[ZERO]]
// CHECK:         %[[SUM:.*]] = nn.reduce_sum %[[MASKED]] axes [0] keep
// CHECK:         nn.div %[[SUM]], %[[COUNT]]
func.func @mean(%x: tensor<4x3xf32> {nn.input = "x"}, %w: tensor<3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "mean", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %mean = nn.reduce_mean %x axes [0] keep : (tensor<4x3xf32>) -> tensor<1x3xf32>
  %c = nn.sub %x, %mean : tensor<4x3xf32>, tensor<1x3xf32>
  %y = nn.mul %c, %w : tensor<4x3xf32>, tensor<3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// A product over samples masks both its operands; of all pairs of samples, softmax along one of them.
// CHECK-LABEL: func.func @pairs(
// CHECK:         %[[PAIRS:.*]] = nn.matmul %{{.*}}, %{{.*}} transposed
// CHECK:         %[[ROW:.*]] = nn.reshape %{{.*}} : tensor<4xf32> -> tensor<1x4xf32>
// CHECK:         %[[LOWEST:.*]] = nn.constant dense<-3.40282347E+38>
// CHECK:         %[[IN:.*]] = nn.where_positive %[[ROW]], %[[PAIRS]], %[[LOWEST]]
// CHECK:         %[[SOFT:.*]] = nn.softmax %[[IN]] axis 1
// CHECK:         %[[OUT:.*]] = nn.where_positive %{{.*}}, %[[SOFT]], %{{.*}} : tensor<1x4xf32>
// CHECK:         %[[LEFT:.*]] = nn.where_positive %{{.*}}, %[[OUT]]
// CHECK:         %[[RIGHT:.*]] = nn.where_positive
// CHECK:         nn.matmul %[[LEFT]], %[[RIGHT]]
func.func @pairs(%x: tensor<4x3xf32> {nn.input = "x"}, %w: tensor<3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "pairs", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.mul %x, %w : tensor<4x3xf32>, tensor<3xf32>
  %pairs = nn.matmul %h, %h transposed : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x4xf32>
  %soft = nn.softmax %pairs axis 1 : tensor<4x4xf32>
  %y = nn.matmul %soft, %h : (tensor<4x4xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// -----

// Samples inside a dimension: its other factors are taken apart for the mask.
// CHECK-LABEL: func.func @inside(
// CHECK:         %[[PARTS:.*]] = nn.reshape %{{.*}} : tensor<8xf32> -> tensor<2x4xf32>
// CHECK:         %[[ROWS:.*]] = nn.reshape %{{.*}} : tensor<4xf32> -> tensor<1x4xf32>
// CHECK:         %[[MASKED:.*]] = nn.where_positive %[[ROWS]], %[[PARTS]]
// CHECK:         %[[WHOLE:.*]] = nn.reshape %[[MASKED]] : tensor<2x4xf32> -> tensor<8xf32>
// CHECK:         nn.reduce_sum %[[WHOLE]] axes [0]
func.func @inside(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "inside", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.mul %x, %w : tensor<4x2xf32>, tensor<2xf32>
  %t = nn.transpose %h [1, 0] : (tensor<4x2xf32>) -> tensor<2x4xf32>
  %flat = nn.reshape %t : tensor<2x4xf32> -> tensor<8xf32>
  %sum = nn.reduce_sum %flat axes [0] : (tensor<8xf32>) -> tensor<f32>
  %y = nn.add %h, %sum : tensor<4x2xf32>, tensor<f32>
  return %y : tensor<4x2xf32>
}

// -----

// CHECK-LABEL: func.func @twice(
// CHECK-SAME:    nn.whole_batches = "concat"
func.func @twice(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "twice", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.mul %x, %w : tensor<4x2xf32>, tensor<2xf32>
  // expected-warning @below {{concat mixes samples: the program refuses data of which the last batch would not be whole}}
  %c = nn.concat %h, %x axis 0 : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<8x2xf32>
  %sum = nn.reduce_sum %c axes [0] : (tensor<8x2xf32>) -> tensor<2xf32>
  %y = nn.add %h, %sum : tensor<4x2xf32>, tensor<2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// Rows of which those of a sample lie together, and rows of which they lie apart.
// CHECK-LABEL: func.func @orders(
// CHECK-SAME:    nn.whole_batches = "add"
func.func @orders(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "orders", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.mul %x, %w : tensor<4x2xf32>, tensor<2xf32>
  %together = nn.reshape %h : tensor<4x2xf32> -> tensor<8xf32>
  %t = nn.transpose %h [1, 0] : (tensor<4x2xf32>) -> tensor<2x4xf32>
  %apart = nn.reshape %t : tensor<2x4xf32> -> tensor<8xf32>
  // expected-warning @below {{add mixes samples: the program refuses data of which the last batch would not be whole}}
  %both = nn.add %together, %apart : tensor<8xf32>, tensor<8xf32>
  %sum = nn.reduce_sum %both axes [0] : (tensor<8xf32>) -> tensor<f32>
  %y = nn.add %h, %sum : tensor<4x2xf32>, tensor<f32>
  return %y : tensor<4x2xf32>
}

// -----

// The loss weighs rows: they have to be samples, and what they hold must not be.
// CHECK-LABEL: func.func @columns(
// CHECK-SAME:    nn.whole_batches = "transpose"
func.func @columns(%x: tensor<4x4xf32> {nn.input = "x"}, %w: tensor<4xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x4xf32> {nn.output = "y"})
    attributes {nn.model = "columns", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.mul %x, %w : tensor<4x4xf32>, tensor<4xf32>
  // expected-warning @below {{transpose gives the loss samples that are not its rows}}
  %y = nn.transpose %h [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

// CHECK-LABEL: func.func @statistics(
// CHECK-SAME:    nn.whole_batches = "batch_norm"
func.func @statistics(%x: tensor<4x4xf32> {nn.input = "x"}, %s: tensor<4xf32> {nn.parameter = "s", nn.init = #nn.constant<value = 1.0>},
    %b: tensor<4xf32> {nn.parameter = "b", nn.init = #nn.constant<value = 1.0>},
    %m: tensor<4xf32> {nn.state = "m", nn.statistic, nn.init = #nn.constant<value = 0.0>},
    %v: tensor<4xf32> {nn.state = "v", nn.statistic, nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x4xf32> {nn.output = "y"})
    attributes {nn.model = "statistics", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %t = nn.transpose %x [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>
  // expected-warning @below {{batch_norm takes statistics over samples that are not its rows}}
  %n = nn.batch_norm %t, %s, %b running %m, %v {epsilon = 1.0e-5, momentum = 0.1}
     : (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %y = nn.transpose %n [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// -----

// A row's statistics are of its own elements.
// CHECK-LABEL: func.func @rows(
// CHECK-NOT:     nn.sample_weight
// CHECK-NOT:     nn.where_positive
// CHECK:         return
func.func @rows(%x: tensor<4x3xf32> {nn.input = "x"}, %s: tensor<3xf32> {nn.parameter = "s", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "rows", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h, %mean, %inverse = nn.layer_norm %x scale %s {axis = 1, epsilon = 1.0e-5} : (tensor<4x3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>, tensor<4xf32>)
  %y, %m, %i = nn.group_norm %h, %s, %s groups 3 {epsilon = 1.0e-5} : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>)
  return %y : tensor<4x3xf32>
}

// -----

// CHECK-LABEL: func.func @whole_rows(
// CHECK-SAME:    nn.whole_batches = "layer_norm"
func.func @whole_rows(%x: tensor<4x3xf32> {nn.input = "x"}, %s: tensor<3xf32> {nn.parameter = "s", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "whole_rows", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %h = nn.mul %x, %s : tensor<4x3xf32>, tensor<3xf32>
  // expected-warning @below {{layer_norm mixes samples}}
  %y, %mean, %inverse = nn.layer_norm %h {axis = 0, epsilon = 1.0e-5} : (tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<f32>, tensor<f32>)
  return %y : tensor<4x3xf32>
}

// -----

// What padding adds to a row is 0, whichever its integers choose.
// CHECK-LABEL: func.func @scattered(
// CHECK-SAME:    %[[X:.*]]: tensor<4x3xf32> {nn.input = "x"}, %[[T:.*]]: tensor<4xi64>
// CHECK-NOT:     nn.whole_batches
// CHECK:         %[[MASKED:.*]] = nn.where_positive %{{.*}}, %[[X]], %{{.*}} : tensor<4x1xf32>, tensor<4x3xf32>, tensor<f32>
// CHECK-NEXT:    nn.gather_gradient %[[MASKED]], %[[T]] axis 0
func.func @scattered(%x: tensor<4x3xf32> {nn.input = "x"}, %t: tensor<4xi64> {nn.input = "t"}, %w: tensor<5x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x5xf32> {nn.output = "y"})
    attributes {nn.model = "scattered", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 1.0>, batch = 4>} {
  %sums = nn.gather_gradient %x, %t axis 0 : tensor<4x3xf32>, tensor<4xi64> -> tensor<5x3xf32>
  %table = nn.add %sums, %w : tensor<5x3xf32>, tensor<5x3xf32>
  %y = nn.matmul %x, %table transposed : (tensor<4x3xf32>, tensor<5x3xf32>) -> tensor<4x5xf32>
  return %y : tensor<4x5xf32>
}
