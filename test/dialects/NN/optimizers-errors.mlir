// RUN: dtc-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{unknown attribute `tiger` in dialect `nn`}}
func.func @f() attributes {o = #nn.tiger<lr = 0.1>} { return }

// -----

// expected-error @below {{'momentum' is no setting of adam, which has lr, beta1, beta2, epsilon, weight_decay, amsgrad}}
func.func @f() attributes {o = #nn.adam<lr = 0.1, momentum = 0.9>} { return }

// -----

// expected-error @below {{'lr' is given twice}}
func.func @f() attributes {o = #nn.adam<lr = 0.1, lr = 0.2>} { return }

// -----

// expected-error @below {{'amsgrad' is true or false}}
func.func @f() attributes {o = #nn.adam<amsgrad = maybe>} { return }

// -----

// expected-error @below {{lr must be finite and at least 0, not -0.1}}
func.func @f() attributes {o = #nn.adam<lr = -0.1>} { return }

// -----

// expected-error @below {{beta2 must be in [0, 1), not 1}}
func.func @f() attributes {o = #nn.adam<beta2 = 1.0>} { return }

// -----

func.func @f(%p: tensor<4xf32>, %g: tensor<4xf32>, %lr: tensor<f64>, %step: tensor<i64>) {
  // expected-error @below {{has 1 states and 1 new ones; #nn.adam<lr = 1.000000e-03> has 2}}
  %p1, %m1 = nn.update %p, %g state(%g) rate %lr step %step by adam
     : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}
