// RUN: dtc-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has neither min nor max: it would give back x}}
  %0 = nn.clip %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{has a bound that is no number}}
  %0 = nn.clip %x {min = 0x7FF8000000000000 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%c: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{operand #0 must be}}
  %0 = nn.where %c, %x, %x : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%c: tensor<4xi1>) -> tensor<4xi1> {
  // expected-error @+1 {{operand #0 must be}}
  %0 = nn.add %c, %c : tensor<4xi1>, tensor<4xi1>
  return %0 : tensor<4xi1>
}
