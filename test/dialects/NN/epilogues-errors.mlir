// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @empty(%x: tensor<4x4xf32>) {
  // expected-error @below {{an epilogue does something}}
  %y = nn.matmul %x, %x epilogue<> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @none(%x: tensor<4x4xf32>) {
  // expected-error @below {{an epilogue does something}}
  %y = nn.matmul %x, %x epilogue<activation = none> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @gradient_and_activation(%x: tensor<4x4xf32>) {
  // expected-error @below {{the gradient of an activation leaves no place for a residual or an activation}}
  %y = nn.matmul %x, %x epilogue<gradient = relu, activation = relu>(%x) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @alpha_alone(%x: tensor<4x4xf32>) {
  // expected-error @below {{alpha is the parameter of an activation, and there is none}}
  %y = nn.matmul %x, %x epilogue<gradient = relu, alpha = 0.5>(%x) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @twice(%x: tensor<4x4xf32>) {
  // expected-error @below {{'activation' is given twice}}
  %y = nn.matmul %x, %x epilogue<activation = relu, activation = relu> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @unknown(%x: tensor<4x4xf32>) {
  // expected-error @below {{'scale' is no part of an epilogue, which has residual, activation, alpha, gradient}}
  %y = nn.matmul %x, %x epilogue<scale = 2.0> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @residual_of_matmul(%x: tensor<4x4xf32>) {
  // expected-error @below {{'nn.matmul' op takes no #nn.epilogue<residual>}}
  %y = nn.matmul %x, %x epilogue<residual>(%x) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @gradient_of_pool(%x: tensor<4x4xf32>, %i: tensor<4x2x8xf32>, %z: tensor<4x2x4xf32>) {
  // expected-error @below {{'nn.max_pool' op takes no #nn.epilogue<gradient = relu>}}
  %y, %index = nn.max_pool %i kernel [2] strides [2] pads [0, 0] dilations [1] epilogue<gradient = relu>(%z) : (tensor<4x2x8xf32>, tensor<4x2x4xf32>) -> (tensor<4x2x4xf32>, tensor<4x2x4xui8>)
  return
}

// -----

func.func @gradient_of_norm(%x: tensor<4x4xf32>, %c: tensor<4xf32>) {
  // expected-error @below {{'nn.batch_norm_training' op takes no #nn.epilogue<gradient = relu>}}
  %y:5 = nn.batch_norm_training %x, %c, %c, %c epilogue<gradient = relu>(%x) {epsilon = 1.0e-5} : (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @missing(%x: tensor<4x4xf32>) {
  // expected-error @below {{misses an operand of its epilogue: where the gradient is taken}}
  %y = nn.matmul %x, %x epilogue<gradient = relu> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @missing_residual(%x: tensor<4x4xf32>, %c: tensor<4xf32>) {
  // expected-error @below {{misses an operand of its epilogue: the residual}}
  %y:5 = nn.batch_norm_training %x, %c, %c, %c epilogue<residual, activation = relu> {epsilon = 1.0e-5} : (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @unread(%x: tensor<4x4xf32>) {
  // expected-error @below {{has an operand 'tensor<4x4xf32>' of an epilogue that reads none}}
  %y = nn.matmul %x, %x epilogue<activation = relu>(%x) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

// In the generic form an operand can stand alone.
func.func @alone(%x: tensor<4x4xf32>) {
  // expected-error @below {{has an operand 'tensor<4x4xf32>' of an epilogue that reads none}}
  %y = "nn.matmul"(%x, %x, %x) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>}> : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @type(%x: tensor<4x4xf32>, %c: tensor<4xf32>) {
  // expected-error @below {{where the gradient is taken is 'tensor<4xf32>', but must have the type of the result 'tensor<4x4xf32>'}}
  %y = nn.matmul %x, %x epilogue<gradient = relu>(%c) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @residual_type(%x: tensor<4x4xf32>, %c: tensor<4xf32>) {
  // expected-error @below {{the residual is 'tensor<4xf32>', but must have the type of the result 'tensor<4x4xf32>'}}
  %y:5 = nn.batch_norm_training %x, %c, %c, %c epilogue<residual>(%c) {epsilon = 1.0e-5} : (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @bias(%x: tensor<4x4xf32>, %c: tensor<4xf32>) {
  // expected-error @below {{the gradient of an activation leaves no place for a bias}}
  // expected-error @below {{failed to infer returned types}}
  %y = nn.matmul %x, %x bias %c epilogue<gradient = relu>(%x) : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}
