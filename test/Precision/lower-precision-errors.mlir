// RUN: dtc-opt %s -dtc-lower-precision -verify-diagnostics -split-input-file

// expected-error @+1 {{has a precision already: "bf16"}}
func.func @twice(%x: tensor<4xf32> {nn.input = "x"}) -> tensor<4xf32> attributes {nn.phase = "train", nn.precision = "bf16"} {
  return %x : tensor<4xf32>
}

// -----

// A model's op, which differentiation would have replaced.
func.func @model(%x: tensor<4x2xf32> {nn.input = "x"}, %c: tensor<2xf32> {nn.parameter = "c"}) -> tensor<4x2xf32> attributes {nn.phase = "train"} {
  // expected-error @+1 {{'nn.batch_norm' op has no policy for mixed precision (PrecisionOpInterface)}}
  %y = nn.batch_norm %x, %c, %c running %c, %c {epsilon = 1.0e-5, momentum = 0.1} : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
