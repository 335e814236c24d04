// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @f(%x: tensor<4x3xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{failed to infer returned types}}
  // expected-error @below {{axis 2 is no dimension of 'tensor<4x3xf32>'}}
  %y = nn.gather %x, %i axis 2 : (tensor<4x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %i: tensor<2xf32>) {
  // expected-error @below {{operand #1 must be}}
  %y = nn.gather %x, %i axis 0 : (tensor<4x3xf32>, tensor<2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @f(%x: tensor<0x3xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{failed to infer returned types}}
  // expected-error @below {{nothing can be gathered along axis 0 of 'tensor<0x3xf32>'}}
  %y = nn.gather %x, %i axis 0 : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @f(%dy: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{axis 1 is no dimension of 'tensor<4xf32>'}}
  %x = nn.gather_gradient %dy, %i axis 1 : tensor<2x3xf32>, tensor<2xi64> -> tensor<4xf32>
  return
}

// -----

func.func @f(%dy: tensor<2x5xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{dy is 'tensor<2x5xf32>', but 'tensor<2xi64>' along axis 0 of 'tensor<4x3xf32>' gather [2, 3]}}
  %x = nn.gather_gradient %dy, %i axis 0 : tensor<2x5xf32>, tensor<2xi64> -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%dy: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{adds up 'tensor<2x3xf32>' as 'f32', not as 'f64'}}
  %x = nn.gather_gradient %dy, %i axis 0 : tensor<2x3xf32>, tensor<2xi64> -> tensor<4x3xf64>
  return
}
