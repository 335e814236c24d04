// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @rank(%x: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+2 {{x 'tensor<4xf32>' must have a rank from 2 to 5}}
  // expected-error@+1 {{failed to infer returned types}}
  %y = nn.batch_norm %x, %c, %c running %c, %c {epsilon = 1.0e-5, momentum = 0.1} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @channels(%x: tensor<4x3xf32>, %dy: tensor<4x3xf32>, %scale: tensor<4xf32>, %weight: tensor<4xf32>, %s: tensor<3xf32>) {
  // expected-error@+1 {{'tensor<4xf32>' has not one value for each of the 3 channels of x 'tensor<4x3xf32>': 'tensor<3xf32>'}}
  %dx, %dscale, %dbias = nn.batch_norm_gradient %dy, %x, %scale, %weight statistics %s, %s : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<4x3xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @statistics(%x: tensor<4x3xf32>, %dy: tensor<4x3xf32>, %scale: tensor<3xf32>, %weight: tensor<4xf32>) {
  // expected-error@+1 {{'tensor<4xf32>' has not one value for each of the 3 channels}}
  %dx, %dscale, %dbias = nn.batch_norm_gradient %dy, %x, %scale, %weight statistics %scale, %weight : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @relu(%x: tensor<4x3xf32>, %dy: tensor<4x3xf32>, %scale: tensor<3xf32>, %weight: tensor<4xf32>) {
  // expected-error@+1 {{'tensor<4xf32>' has not one value for each of the 3 channels}}
  %dx, %dscale, %dbias = nn.batch_norm_gradient %dy, %x, %scale, %weight statistics %scale, %scale relu %weight : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @epsilon(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %weight: tensor<4xf32>) {
  // expected-error@+2 {{must be positive}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:5 = nn.batch_norm_training %x, %scale, %scale, %weight {epsilon = 0.0} : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @running(%x: tensor<4x3xf32>, %scale: tensor<3xf32>, %weight: tensor<4xf32>) {
  // expected-error@+2 {{'tensor<4xf32>' has not one value for each of the 3 channels of x}}
  // expected-error@+1 {{failed to infer returned types}}
  %y:5 = nn.batch_norm_training %x, %scale, %scale, %weight running %scale, %weight {epsilon = 1.0e-5} : (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>) -> (tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)
  return
}
