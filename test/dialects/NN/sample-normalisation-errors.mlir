// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @axis(%x: tensor<4x3xf32>) {
  // expected-error@+2 {{axis 2 is no dimension of x 'tensor<4x3xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:3 = nn.layer_norm %x {axis = 2, epsilon = 1.0e-5} : (tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4x3xf32>)
  return
}

// -----

func.func @scale(%x: tensor<4x3xf32>, %scale: tensor<4xf32>) {
  // expected-error@+2 {{'tensor<4xf32>' has not one value for each element of a row of x 'tensor<4x3xf32>' from axis 1 on: 'tensor<3xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:2 = nn.rms_norm %x scale %scale {axis = 1, epsilon = 1.0e-5} : (tensor<4x3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<4xf32>)
  return
}

// -----

// A parameter is f32 where x is bf16.
func.func @low(%x: tensor<4x3xbf16>, %scale: tensor<3xf32>) {
  %y:2 = nn.rms_norm %x scale %scale {axis = 1, epsilon = 1.0e-5} : (tensor<4x3xbf16>, tensor<3xf32>) -> (tensor<4x3xbf16>, tensor<4xf32>)
  return
}

// -----

func.func @epsilon(%x: tensor<4x3xf32>) {
  // expected-error@+2 {{must be positive}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:3 = nn.layer_norm %x {axis = 1, epsilon = 0.0} : (tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @bias_of_rms(%x: tensor<4x3xf32>, %inverse: tensor<4xf32>) {
  // expected-error@+1 {{has a gradient of a bias, which rms_norm, without a mean, does not have}}
  %dx, %dbias = nn.layer_norm_gradient %x, %x inverse %inverse : tensor<4x3xf32>, tensor<4x3xf32>, tensor<4xf32> -> tensor<4x3xf32> bias tensor<3xf32>
  return
}

// -----

func.func @statistics(%x: tensor<4x3xf32>, %inverse: tensor<4xf32>, %mean: tensor<3xf32>) {
  // expected-error@+1 {{statistics 'tensor<3xf32>' are not one for each row of x 'tensor<4x3xf32>': 'tensor<4xf32>'}}
  %dx = nn.layer_norm_gradient %x, %x inverse %inverse mean %mean : tensor<4x3xf32>, tensor<4x3xf32>, tensor<4xf32>, tensor<3xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @groups(%x: tensor<2x6x3xf32>, %c: tensor<6xf32>) {
  // expected-error@+2 {{groups 4 must divide the 6 channels of x 'tensor<2x6x3xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:3 = nn.group_norm %x, %c, %c groups 4 {epsilon = 1.0e-5} : (tensor<2x6x3xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<2x6x3xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  return
}

// -----

func.func @channels(%x: tensor<2x6x3xf32>, %c: tensor<3xf32>) {
  // expected-error@+2 {{'tensor<3xf32>' has not one value for each of the 6 channels of x 'tensor<2x6x3xf32>': 'tensor<6xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:3 = nn.group_norm %x, %c, %c groups 3 {epsilon = 1.0e-5} : (tensor<2x6x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x6x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>)
  return
}

// -----

func.func @of_samples(%x: tensor<2x6xf32>, %c: tensor<6xf32>, %s: tensor<3x2xf32>) {
  // expected-error@+1 {{statistics 'tensor<3x2xf32>' are not one for each sample and group of x 'tensor<2x6xf32>': 'tensor<2x2xf32>'}}
  %dx:3 = nn.group_norm_gradient %x, %x, %c statistics %s, %s : (tensor<2x6xf32>, tensor<2x6xf32>, tensor<6xf32>, tensor<3x2xf32>, tensor<3x2xf32>) -> (tensor<2x6xf32>, tensor<6xf32>, tensor<6xf32>)
  return
}
