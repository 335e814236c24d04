// RUN: dtc-opt %s -dtc-differentiate-graph -split-input-file -verify-diagnostics -allow-unregistered-dialect

// expected-error @below {{the module has no function with 'nn.model'}}
module {
}

// -----

// expected-error @below {{the model has no 'nn.recipe': nothing says which loss and optimizer it is trained with}}
func.func @no_recipe(%w: tensor<2x1xf32> {nn.parameter = "w"}) -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m"} {
  return %w : tensor<2x1xf32>
}

// -----

// expected-note @below {{this is another one}}
func.func @first() attributes {nn.model = "first"} {
  return
}
// expected-error @below {{a module holds one model}}
func.func @second() attributes {nn.model = "second"} {
  return
}

// -----

// expected-error @below {{2 : i64 is not a loss}}
func.func @loss(%w: tensor<2x1xf32> {nn.parameter = "w"}) -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = 2, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<2x1xf32>
}

// -----

// expected-error @below {{#nn.mse is not an optimizer}}
func.func @optimizer(%w: tensor<2x1xf32> {nn.parameter = "w"}) -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.mse, batch = 2>} {
  return %w : tensor<2x1xf32>
}

// -----

// expected-error @below {{the model has the outputs "a\0A*/", "b": say which one is trained (output=NAME)}}
func.func @outputs(%w: tensor<2x1xf32> {nn.parameter = "w"})
    -> (tensor<2x1xf32> {nn.output = "a\n*/"}, tensor<2x1xf32> {nn.output = "b"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w, %w : tensor<2x1xf32>, tensor<2x1xf32>
}

// -----

// expected-error @below {{the model has no output to train}}
func.func @no_output(%w: tensor<2x1xf32> {nn.parameter = "w"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return
}

// -----

// expected-error @below {{result 0 of the model has no 'nn.output'}}
func.func @unnamed_output(%w: tensor<2x1xf32> {nn.parameter = "w"}) -> tensor<2x1xf32>
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<2x1xf32>
}

// -----

// expected-error @below {{input "x" is 'tensor<3x1xf32>' but the recipe's batch is 2: it must be dimension 0}}
func.func @batch(%x: tensor<3x1xf32> {nn.input = "x"}, %w: tensor<2x1xf32> {nn.parameter = "w"})
    -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<2x1xf32>
}

// -----

// expected-error @below {{output "y" is 'tensor<f32>' but the recipe's batch is 2: it must be dimension 0}}
func.func @output_batch(%w: tensor<f32> {nn.parameter = "w"}) -> (tensor<f32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<f32>
}

// -----

// expected-error @below {{argument 0 of the model is neither 'nn.input' nor 'nn.parameter'}}
func.func @argument(%x: tensor<2x1xf32>) -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %x : tensor<2x1xf32>
}

// -----

// expected-error @below {{the model has no parameters: there is nothing to train}}
func.func @no_parameters(%x: tensor<2x1xf32> {nn.input = "x"}) -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %x : tensor<2x1xf32>
}

// -----

// expected-error @below {{cross-entropy needs logits [batch, ..., classes], but the output is 'tensor<2xf32>'}}
func.func @classes(%w: tensor<2xf32> {nn.parameter = "w"}) -> (tensor<2xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<2xf32>
}

// -----

// expected-error @below {{the name @train is needed for the model's own function}}
func.func private @train()
func.func @m(%w: tensor<2xf32> {nn.parameter = "w"}) -> (tensor<2xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  return %w : tensor<2xf32>
}

// -----

// expected-error @below {{a model must have a body of one block}}
func.func private @declaration(tensor<2xf32> {nn.parameter = "w"}) -> (tensor<2xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>}

// -----

func.func @no_adjoint(%w: tensor<2xf32> {nn.parameter = "w"}) -> (tensor<2xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  // expected-error @below {{'other.op' lies between a parameter and the loss but has no adjoint}}
  %0 = "other.op"(%w) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @fused(%x: tensor<2x3xf32> {nn.input = "x"}, %w: tensor<3x1xf32> {nn.parameter = "w"})
    -> (tensor<2x1xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  // expected-error @below {{with an epilogue has no adjoint: differentiate before fusing}}
  %0 = nn.matmul %x, %w epilogue<activation = relu> : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}

// -----

// The gradient does not pass here, so this op needs no adjoint; and a parameter
// without influence is only warned about.
func.func @no_gradient_needed(%x: tensor<2xf32> {nn.input = "x"},
                              %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
                              // expected-warning @below {{parameter "unused" does not influence the loss: it keeps its value}}
                              %u: tensor<2xf32> {nn.parameter = "unused", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<2xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 2>} {
  %0 = "other.op"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = nn.mul %0, %w : tensor<2xf32>, tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

func.func @rows(%x: tensor<4x3xf32> {nn.input = "x"}, %p: tensor<5x2xf32> {nn.parameter = "p", nn.init = #nn.constant<value = 1.0>},
    %s: tensor<2xf32> {nn.parameter = "s", nn.init = #nn.constant<value = 1.0>}, %b: tensor<2xf32> {nn.parameter = "b", nn.init = #nn.constant<value = 1.0>},
    %m: tensor<2xf32> {nn.state = "m", nn.statistic, nn.init = #nn.constant<value = 0.0>}, %v: tensor<2xf32> {nn.state = "v", nn.statistic, nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x3xf32> {nn.output = "y"})
    attributes {nn.model = "m", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  // expected-error @below {{takes statistics over the rows of 'tensor<5x2xf32>', which are no samples of a batch of 4}}
  %n = nn.batch_norm %p, %s, %b running %m, %v {epsilon = 1.0e-5, momentum = 0.1}
     : (tensor<5x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<5x2xf32>
  %sum = nn.reduce_sum %n axes [0, 1] : (tensor<5x2xf32>) -> tensor<f32>
  %y = nn.mul %x, %sum : tensor<4x3xf32>, tensor<f32>
  return %y : tensor<4x3xf32>
}

// -----

// expected-error @below {{output "y" is 'tensor<4x3xi64>': what has no gradient is not trained}}
func.func @ids(%ids: tensor<4x3xi64> {nn.input = "ids"}, %w: tensor<2xf32> {nn.parameter = "w"}) -> (tensor<4x3xi64> {nn.output = "y"})
    attributes {nn.model = "ids", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  return %ids : tensor<4x3xi64>
}
