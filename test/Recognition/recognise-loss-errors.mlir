// RUN: dtc-opt %s -split-input-file -verify-diagnostics -pass-pipeline='builtin.module(func.func(dtc-recognise-loss))'

// Of probabilities without the cut: another function.
func.func @uncut(%x: tensor<4x3xf32> {nn.input = "x"}, %t: tensor<4x3xf32> {nn.input = "t"}, %w: tensor<3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "uncut"} {
  %p = nn.mul %x, %w : tensor<4x3xf32>, tensor<3xf32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %q = nn.sub %one, %p : tensor<f32>, tensor<4x3xf32>
  %u = nn.sub %one, %t : tensor<f32>, tensor<4x3xf32>
  %logp = nn.log %p : tensor<4x3xf32>
  %logq = nn.log %q : tensor<4x3xf32>
  %a = nn.mul %logp, %t : tensor<4x3xf32>, tensor<4x3xf32>
  %b = nn.mul %logq, %u : tensor<4x3xf32>, tensor<4x3xf32>
  // expected-error @below {{output "loss" is no loss to train by: it cannot be proven to be a mean over the samples of a batch}}
  %sum = nn.add %a, %b : tensor<4x3xf32>, tensor<4x3xf32>
  %mean = nn.reduce_mean %sum axes [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  %loss = nn.neg %mean : tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A gain: the loss would fall without end.
func.func @gain(%x: tensor<4x3xf32> {nn.input = "x"}, %t: tensor<4x3xf32> {nn.input = "t"}, %w: tensor<3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "gain"} {
  %y = nn.mul %x, %w : tensor<4x3xf32>, tensor<3xf32>
  %d = nn.sub %y, %t : tensor<4x3xf32>, tensor<4x3xf32>
  // expected-error @below {{the squares are not divided by their number}}
  %square = nn.mul %d, %d : tensor<4x3xf32>, tensor<4x3xf32>
  %mean = nn.reduce_mean %square axes [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  %loss = nn.neg %mean : tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A mean over rows of what is summed in them.
func.func @rows(%x: tensor<4x3xf32> {nn.input = "x"}, %t: tensor<4x3xf32> {nn.input = "t"}, %w: tensor<3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "rows"} {
  %z = nn.mul %x, %w : tensor<4x3xf32>, tensor<3xf32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %p = nn.sigmoid %z : tensor<4x3xf32>
  %logp = nn.log %p : tensor<4x3xf32>
  %u = nn.sub %one, %t : tensor<f32>, tensor<4x3xf32>
  %a = nn.mul %u, %z : tensor<4x3xf32>, tensor<4x3xf32>
  // expected-error @below {{the binary cross-entropies are not divided by their number}}
  %terms = nn.sub %a, %logp : tensor<4x3xf32>, tensor<4x3xf32>
  %sums = nn.reduce_sum %terms axes [1] : (tensor<4x3xf32>) -> tensor<4xf32>
  %loss = nn.reduce_mean %sums axes [0] : (tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A parameter for a label.
func.func @parameter(%x: tensor<4x3xf32> {nn.input = "x"}, %w: tensor<4x3xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.output = "loss"}) attributes {nn.model = "parameter"} {
  %y = nn.relu %x : tensor<4x3xf32>
  %d = nn.sub %y, %w : tensor<4x3xf32>, tensor<4x3xf32>
  // expected-error @below {{neither side of its difference is an input of the model, as a label is}}
  %square = nn.mul %d, %d : tensor<4x3xf32>, tensor<4x3xf32>
  %loss = nn.reduce_mean %square axes [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
