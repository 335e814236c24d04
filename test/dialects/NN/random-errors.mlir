// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @ratio(%x: tensor<4x6xf32>) {
  // expected-error@+2 {{ratio 1.500000e+00 must be from 0 to 1}}
  // expected-error@+1 {{failed to infer returned types}}
  %y = nn.dropout %x {ratio = 1.5 : f64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @negative(%x: tensor<4x6xf32>, %step: tensor<i64>) {
  // expected-error@+2 {{must be from 0 to 1}}
  // expected-error@+1 {{failed to infer returned types}}
  %y = nn.dropout_training %x step %step {ratio = -0.1 : f64, stream = 0 : i64} : (tensor<4x6xf32>, tensor<i64>) -> tensor<4x6xf32>
  return
}

// -----

func.func @stream(%x: tensor<4x6xf32>, %step: tensor<i64>) {
  // expected-error@+1 {{stream 4294967296 must be from 0 to 4294967295}}
  %y = nn.dropout_training %x step %step {ratio = 0.1 : f64, stream = 4294967296 : i64} : (tensor<4x6xf32>, tensor<i64>) -> tensor<4x6xf32>
  return
}

// -----

func.func @samples(%x: tensor<4x6xf32>, %step: tensor<i64>, %sample: tensor<5xi64>) {
  // expected-error@+1 {{x 'tensor<4x6xf32>' has no dimension of 1 x samples, of which 'tensor<5xi64>' has the numbers}}
  %y = nn.dropout_training %x step %step sample %sample {ratio = 0.1 : f64, stream = 0 : i64} : (tensor<4x6xf32>, tensor<i64>, tensor<5xi64>) -> tensor<4x6xf32>
  return
}

// -----

// 4 x 3 lies across both dimensions.
func.func @across(%x: tensor<6x2xf32>, %step: tensor<i64>, %sample: tensor<3xi64>) {
  // expected-error@+1 {{has no dimension of 4 x samples}}
  %y = nn.dropout_training %x step %step sample %sample {ratio = 0.1 : f64, stream = 0 : i64, outer = 4 : i64} : (tensor<6x2xf32>, tensor<i64>, tensor<3xi64>) -> tensor<6x2xf32>
  return
}

// -----

func.func @parts(%x: tensor<4x6xf32>, %step: tensor<i64>) {
  // expected-error@+1 {{has parts of samples (outer 4) but no samples}}
  %y = nn.dropout_training %x step %step {ratio = 0.1 : f64, stream = 0 : i64, outer = 4 : i64} : (tensor<4x6xf32>, tensor<i64>) -> tensor<4x6xf32>
  return
}
