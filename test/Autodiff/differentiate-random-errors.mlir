// RUN: dtc-opt %s -dtc-differentiate-graph -verify-diagnostics

func.func @noise(%x: tensor<4x2xf32> {nn.input = "x"}, %w: tensor<2x3xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "noise", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  // expected-error @below {{random numbers are supported as dropout's alone}}
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x2xf32>
  %0 = nn.add %x, %u : tensor<4x2xf32>, tensor<4x2xf32>
  %1 = nn.matmul %0, %w : (tensor<4x2xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}
