// RUN: dtc-opt %s -dtc-differentiate-graph=output=z -verify-diagnostics

// expected-error @below {{the model has no output "z", only "y"}}
func.func @f(%w: tensor<2x1xf32> {nn.parameter = "w"}) -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<2x1xf32>
}
