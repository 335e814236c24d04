// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @channels(%x: tensor<4x3x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @below {{x has 3 channels but weight 'tensor<6x2x3x3xf32>' in 1 groups takes 2 a group}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x3x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<4x6x6x6xf32>
  return
}

// -----

func.func @groups(%x: tensor<4x4x8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @below {{groups 4 must divide the 6 output channels}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 4 : (tensor<4x4x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<4x6x6x6xf32>
  return
}

// -----

func.func @window(%x: tensor<4x2x2x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @below {{the padded extent 2 of spatial dimension 0 is smaller than the window 3}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x2x2x8xf32>, tensor<6x2x3x3xf32>) -> tensor<4x6x1x6xf32>
  return
}

// -----

func.func @gradient(%dy: tensor<4x6x5x6xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @below {{dy is 'tensor<4x6x5x6xf32>' but the convolution of 'tensor<4x2x8x8xf32>' with 'tensor<6x2x3x3xf32>' has shape [4, 6, 6, 6]}}
  %dx = nn.conv_input_gradient %dy, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x6x5x6xf32>, tensor<6x2x3x3xf32>) -> tensor<4x2x8x8xf32>
  return
}

// -----

func.func @inner(%a: tensor<4x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @below {{inner dimensions 3 of 'tensor<4x3xf32>' and 4 of 'tensor<4x3xf32>' differ}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.matmul %a, %b : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @padding(%x: tensor<4x3x8x8xf32>) {
  // expected-error @below {{leave a window of 2 that sees padding alone}}
  // expected-error @below {{failed to infer returned types}}
  %y, %i = nn.max_pool %x kernel [2, 2] strides [2, 2] pads [2, 0, 0, 0] dilations [1, 1] : (tensor<4x3x8x8xf32>) -> (tensor<4x3x5x4xf32>, tensor<4x3x5x4xui8>)
  return
}

// -----

func.func @broadcast(%a: tensor<4x3xf32>, %b: tensor<2xf32>) {
  // expected-error @below {{cannot be broadcast together (numpy's rule: equal, or 1)}}
  %y = nn.add %a, %b : tensor<4x3xf32>, tensor<2xf32>
  return
}

// -----

func.func @reshape(%x: tensor<4x3xf32>) {
  // expected-error @below {{cannot make 'tensor<5x3xf32>' (15 elements) from 'tensor<4x3xf32>' (12 elements)}}
  %y = nn.reshape %x : tensor<4x3xf32> -> tensor<5x3xf32>
  return
}

// -----

func.func @transpose(%x: tensor<4x3xf32>) {
  // expected-error @below {{[0, 0] is no permutation of the dimensions of 'tensor<4x3xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.transpose %x [0, 0] : (tensor<4x3xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @slice(%x: tensor<4x3xf32>) {
  // expected-error @below {{a block 'tensor<2x2xf32>' at [3, 0] does not lie inside 'tensor<4x3xf32>'}}
  %y = nn.slice %x [3, 0] : tensor<4x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @labels(%x: tensor<4x3xf32>, %l: tensor<3xi64>, %w: tensor<4xf32>) {
  // expected-error @below {{labels 'tensor<3xi64>' do not fit logits 'tensor<4x3xf32>': one class id for each row of the last dimension}}
  %loss, %d = nn.softmax_cross_entropy %x, %l, %w : (tensor<4x3xf32>, tensor<3xi64>, tensor<4xf32>) -> (tensor<f32>, tensor<4x3xf32>)
  return
}

// -----

func.func @momentum(%p: tensor<4xf32>, %g: tensor<4xf32>, %step: tensor<i64>, %lr: tensor<f64>) {
  // expected-error @below {{has 0 states and 0 new ones; #nn.sgd<lr = 1.000000e-01, momentum = 9.000000e-01> has 1}}
  %p1 = nn.update %p, %g rate %lr step %step by sgd<lr = 0.1, momentum = 0.9> : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> tensor<4xf32>
  return
}
