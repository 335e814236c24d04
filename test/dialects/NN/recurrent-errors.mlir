// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @gates(%g: tensor<3x2x6xf32>, %r: tensor<8x2xf32>, %s: tensor<2x2xf32>) {
  // expected-error@+2 {{gates 'tensor<3x2x6xf32>' must be [steps, samples, 4 hidden] with one step or more}}
  // expected-error@+1 {{failed to infer returned types}}
  %l:3 = nn.lstm %g, %r, %s, %s : (tensor<3x2x6xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x6xf32>)
  return
}

// -----

func.func @weight(%g: tensor<3x2x8xf32>, %r: tensor<2x8xf32>, %s: tensor<2x2xf32>) {
  // expected-error@+2 {{r 'tensor<2x8xf32>' must have the shape [8, 2] beside gates 'tensor<3x2x8xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %l:3 = nn.lstm %g, %r, %s, %s : (tensor<3x2x8xf32>, tensor<2x8xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
  return
}

// -----

func.func @states(%g: tensor<3x2x8xf32>, %r: tensor<8x2xf32>, %s: tensor<2x2xf32>, %t: tensor<1x2xf32>) {
  // expected-error@+2 {{h0 'tensor<2x2xf32>' and c0 'tensor<1x2xf32>' must have the shape [2, 2]}}
  // expected-error@+1 {{failed to infer returned types}}
  %l:3 = nn.lstm %g, %r, %s, %t : (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<1x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
  return
}

// -----

func.func @gradient(%d: tensor<2x2x2xf32>, %h: tensor<3x2x2xf32>, %a: tensor<3x2x8xf32>, %r: tensor<8x2xf32>, %s: tensor<2x2xf32>) {
  // expected-error@+1 {{dh, dc, h and c must have the type of nn.lstm's states, 'tensor<3x2x2xf32>'}}
  %l:4 = nn.lstm_gradient %d, %r, %s, %s, %h, %h, %a : (tensor<2x2x2xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>) -> (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  return
}
