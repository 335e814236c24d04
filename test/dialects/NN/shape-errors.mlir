// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @f() {
  // expected-error @below {{value has type 'tensor<2xf32>' but the result has type 'tensor<3xf32>'}}
  %y = "nn.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>) {
  // expected-error @below {{cannot broadcast 'tensor<4x3xf32>' to 'tensor<4x5xf32>'}}
  %y = nn.broadcast %x : tensor<4x3xf32> -> tensor<4x5xf32>
  return
}

// -----

func.func @f() {
  // expected-error @below {{concat needs an operand}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.concat axis 0 : () -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %z: tensor<4x2xf32>) {
  // expected-error @below {{differ in more than axis 0}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.concat %x, %z axis 0 : (tensor<4x3xf32>, tensor<4x2xf32>) -> tensor<8x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>) {
  // expected-error @below {{axis 2 is no dimension of 'tensor<4x3xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.concat %x axis 2 : (tensor<4x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%x: tensor<9223372036854775807x1xf32>) {
  // expected-error @below {{the result is too large}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.concat %x, %x axis 0 : (tensor<9223372036854775807x1xf32>, tensor<9223372036854775807x1xf32>) -> tensor<4x1xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>) {
  // expected-error @below {{axes [1, 1] are not distinct dimensions of 'tensor<4x3xf32>'}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.reduce_sum %x axes [1, 1] : (tensor<4x3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>) {
  // expected-error @below {{axis 2 is no dimension of 'tensor<4x3xf32>'}}
  %y = nn.softmax %x axis 2 : tensor<4x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %i: tensor<4xi64>, %s: tensor<3xf32>) {
  // expected-error @below {{sample weights 'tensor<3xf32>' are not one for each sample of 'tensor<4x3xf32>'}}
  %l, %d = nn.softmax_cross_entropy %x, %i, %s : (tensor<4x3xf32>, tensor<4xi64>, tensor<3xf32>) -> (tensor<f32>, tensor<4x3xf32>)
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %i: tensor<i64>, %s: tensor<4xf32>) {
  // expected-error @below {{logits 'tensor<4xf32>' need a batch and a class dimension}}
  %c = nn.count_correct %x, %i, %s : (tensor<4xf32>, tensor<i64>, tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %t: tensor<4x2xf32>, %s: tensor<4xf32>) {
  // expected-error @below {{probabilities 'tensor<4x3xf32>', labels 'tensor<4x2xf32>' and gradient 'tensor<4x3xf32>' differ}}
  %l, %d = nn.binary_cross_entropy %x, %t, %s : (tensor<4x3xf32>, tensor<4x2xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<4x3xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %m: tensor<3xf32>, %s: tensor<i64>, %lr: tensor<f64>) {
  // expected-error @below {{state momentum must be 'tensor<4x3xf32>', not 'tensor<3xf32>' and then 'tensor<3xf32>'}}
  %p, %m1 = nn.update %x, %x state(%m) rate %lr step %s by sgd<lr = 0.1, momentum = 0.9> : (tensor<4x3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<f64>, tensor<i64>) -> (tensor<4x3xf32>, tensor<3xf32>)
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %g: tensor<3xf32>, %s: tensor<i64>, %lr: tensor<f64>) {
  // expected-error @below {{parameter 'tensor<4x3xf32>', gradient 'tensor<3xf32>' and new parameter 'tensor<4x3xf32>' differ}}
  %p = nn.update %x, %g rate %lr step %s by sgd<lr = 0.1> : (tensor<4x3xf32>, tensor<3xf32>, tensor<f64>, tensor<i64>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %z: tensor<3xf64>) {
  // expected-error @below {{element types 'f32' and 'f64' differ}}
  %y = nn.add %x, %z : tensor<4x3xf32>, tensor<3xf64>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %z: tensor<3xf32>) {
  // expected-error @below {{must have rank 2 or more}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.matmul %x, %z : (tensor<4x3xf32>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<2x4x3xf32>, %z: tensor<3x3x4xf32>) {
  // expected-error @below {{leading dimensions of 'tensor<2x4x3xf32>' and 'tensor<3x3x4xf32>' cannot be broadcast together}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.matmul %x, %z : (tensor<2x4x3xf32>, tensor<3x3x4xf32>) -> tensor<2x4x4xf32>
  return
}

// -----

func.func @f(%x: tensor<4x3xf32>, %z: tensor<3x2xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{bias 'tensor<3xf32>' is not one element for each of the 2 columns}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.matmul %x, %z bias %b : (tensor<4x3xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<4x2xf32>
  return
}
