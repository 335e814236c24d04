// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @f(%x: tensor<4x3x8x8xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @below {{needs 2 strides and dilations and 4 pads}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w strides [1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x3x8x8xf32>, tensor<6x3x3x3xf32>) -> tensor<4x6x6x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3x8x8xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @below {{strides and dilations must be positive and pads not negative}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w strides [0, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x3x8x8xf32>, tensor<6x3x3x3xf32>) -> tensor<4x6x6x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %w: tensor<6x3xf32>) {
  // expected-error @below {{must have the same rank, from 3 to 5}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w strides [] dilations [] pads [] groups 1 : (tensor<4x3xf32>, tensor<6x3xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3x8x8xf32>, %w: tensor<6x3x3x3xf32>, %b: tensor<5xf32>) {
  // expected-error @below {{is not one element for each of the 6 output channels}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x3x8x8xf32>, tensor<6x3x3x3xf32>, tensor<5xf32>) -> tensor<4x6x6x6xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3x8x8xf32>, %dy: tensor<4x6x6x6xf32>) {
  // expected-error @below {{dbias is 'tensor<5xf32>' but dweight is 'tensor<6x3x3x3xf32>'}}
  %dw, %db = nn.conv_weight_gradient %x, %dy strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1 : (tensor<4x3x8x8xf32>, tensor<4x6x6x6xf32>) -> (tensor<6x3x3x3xf32>, tensor<5xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x3x8x8xf32>) {
  // expected-error @below {{needs 2 kernel sizes, strides and dilations and 4 pads}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.avg_pool %x kernel [2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<4x3x8x8xf32>) -> tensor<4x3x4x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3x8x8xf32>) {
  // expected-error @below {{kernel, strides and dilations must be positive and pads not negative}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.avg_pool %x kernel [2, 2] strides [0, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<4x3x8x8xf32>) -> tensor<4x3x4x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>) {
  // expected-error @below {{must have a rank from 3 to 5}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.avg_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<4x3xf32>) -> tensor<4x3x4x4xf32>
  return
}

// -----

func.func @f(%x: tensor<1x1x100000x100000xf32>) {
  // expected-error @below {{the window has too many elements}}
  // expected-error @below {{failed to infer returned types}}
  %y, %i = nn.max_pool %x kernel [100000, 100000] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<1x1x100000x100000xf32>) -> (tensor<1x1x1x1xf32>, tensor<1x1x1x1xi32>)
  return
}

// -----

func.func @f(%dy: tensor<4x3x3x4xf32>) {
  // expected-error @below {{dy is 'tensor<4x3x3x4xf32>' but pooling 'tensor<4x3x8x8xf32>' gives [4, 3, 4, 4]}}
  %dx = nn.avg_pool_gradient %dy kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<4x3x3x4xf32>) -> tensor<4x3x8x8xf32>
  return
}

// -----

func.func @f(%dy: tensor<4x3x4x4xf32>, %i: tensor<4x3x4x5xui8>) {
  // expected-error @below {{index 'tensor<4x3x4x5xui8>' and dy 'tensor<4x3x4x4xf32>' differ in shape}}
  %dx = nn.max_pool_gradient %dy, %i kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1] : (tensor<4x3x4x4xf32>, tensor<4x3x4x5xui8>) -> tensor<4x3x8x8xf32>
  return
}
