// RUN: dtc-opt %s -dtc-differentiate-graph -verify-diagnostics -split-input-file

// A loss that applies softmax or sigmoid itself remarks on a model that has done so: of the class dimension, also past a reshape.
func.func @classes(%x: tensor<4x3xf32> {nn.input = "x"},
                   %w: tensor<3x6xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x2x3xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %w : (tensor<4x3xf32>, tensor<3x6xf32>) -> tensor<4x6xf32>
  %1 = nn.reshape %0 : tensor<4x6xf32> -> tensor<8x3xf32>
  // expected-warning @+1 {{cross-entropy takes logits and applies softmax itself, but output "y" comes out of a softmax: leave that out of the model}}
  %2 = nn.softmax %1 axis 1 : tensor<8x3xf32>
  %3 = nn.reshape %2 : tensor<8x3xf32> -> tensor<4x2x3xf32>
  return %3 : tensor<4x2x3xf32>
}

// -----

func.func @yes_or_no(%x: tensor<4x3xf32> {nn.input = "x"},
                     %w: tensor<3x1xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x1xf32> {nn.output = "p"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.bce_logits, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %w : (tensor<4x3xf32>, tensor<3x1xf32>) -> tensor<4x1xf32>
  // expected-warning @+1 {{bce-logits takes logits and applies sigmoid itself, but output "p" comes out of a sigmoid}}
  %1 = nn.sigmoid %0 : tensor<4x1xf32>
  return %1 : tensor<4x1xf32>
}

// -----

// log_softmax of log_softmax is log_softmax: nothing is lost.
func.func @idempotent(%x: tensor<4x3xf32> {nn.input = "x"},
                      %w: tensor<3x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %w : (tensor<4x3xf32>, tensor<3x3xf32>) -> tensor<4x3xf32>
  %1 = nn.log_softmax %0 axis 1 : tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// Where the loss wants them, and along another dimension than that of the classes, they are in place.
func.func @wanted(%x: tensor<4x3xf32> {nn.input = "x"},
                  %w: tensor<3x1xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x1xf32> {nn.output = "p"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.bce, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %w : (tensor<4x3xf32>, tensor<3x1xf32>) -> tensor<4x1xf32>
  %1 = nn.sigmoid %0 : tensor<4x1xf32>
  return %1 : tensor<4x1xf32>
}

// -----

func.func @attention(%x: tensor<4x2x3xf32> {nn.input = "x"},
                     %w: tensor<3x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.5>})
    -> (tensor<4x2x3xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %0 = nn.matmul %x, %w : (tensor<4x2x3xf32>, tensor<3x3xf32>) -> tensor<4x2x3xf32>
  %1 = nn.softmax %0 axis 1 : tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}
