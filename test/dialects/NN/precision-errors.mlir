// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{changes the element type alone, not 'tensor<4xf32>' to 'tensor<2x2xbf16>'}}
  %y = nn.cast %x : tensor<4xf32> -> tensor<2x2xbf16>
  return
}

// -----

func.func @factors(%x: tensor<4x4xbf16>, %w: tensor<4x4xf32>) {
  // expected-error @+2 {{element types 'bf16' and 'f32' differ}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = nn.matmul %x, %w : (tensor<4x4xbf16>, tensor<4x4xf32>) -> tensor<4x4xbf16>
  return
}

// -----

func.func @gradient(%x: tensor<2x1x3x3xbf16>, %dy: tensor<2x1x3x3xbf16>) {
  // expected-error @+1 {{result #0 must be statically shaped tensor of 32-bit float or 64-bit float values, but got 'tensor<1x1x1x1xbf16>'}}
  %dw = "nn.conv_weight_gradient"(%x, %dy) <{strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64}> : (tensor<2x1x3x3xbf16>, tensor<2x1x3x3xbf16>) -> tensor<1x1x1x1xbf16>
  return
}

// -----

func.func @parameter(%w: tensor<4xbf16>, %g: tensor<4xbf16>, %step: tensor<i64>, %lr: tensor<f64>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or 64-bit float values}}
  %n = nn.update %w, %g rate %lr step %step by sgd<lr = 0.1> : (tensor<4xbf16>, tensor<4xbf16>, tensor<f64>, tensor<i64>) -> tensor<4xbf16>
  return
}
