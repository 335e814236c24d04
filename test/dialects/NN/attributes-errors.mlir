// RUN: dtc-opt %s -verify-diagnostics -split-input-file

// expected-error @below {{'nn.classes' must be a positive integer}}
func.func @f(%label: tensor<4xi64> {nn.label, nn.classes = 0 : i64}) { return }

// -----

// expected-error @below {{'nn.input' must be a non-empty string}}
func.func @f(%x: tensor<4xf32> {nn.input = ""}) { return }

// -----

// expected-error @below {{unknown attribute 'nn.inptu' of the nn dialect on a function argument}}
func.func @f(%x: tensor<4xf32> {nn.inptu = "x"}) { return }

// -----

// expected-error @below {{'nn.init' has type 'tensor<3xf32>' but its argument has type 'tensor<4xf32>'}}
func.func @f(%x: tensor<4xf32> {nn.parameter = "w", nn.init = dense<0.0> : tensor<3xf32>}) { return }

// -----

// expected-error @below {{'nn.init' must be #nn.uniform, #nn.normal, #nn.constant or the elements themselves}}
func.func @f(%x: tensor<4xf32> {nn.parameter = "w", nn.init = "random"}) { return }

// -----

// expected-error @below {{'nn.recipe' must be a #nn.recipe}}
func.func @f() attributes {nn.recipe = "adam"} { return }

// -----

// expected-error @below {{beta1 must be in [0}}
// expected-error @below {{failed to parse NN_RecipeAttr parameter 'optimizer'}}
func.func @f() attributes {nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.adam<lr = 0.1, beta1 = 1.5>, batch = 4>} { return }

// -----

// expected-error @below {{batch must be at least 1, not 0}}
func.func @f() attributes {nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 0>} { return }

// -----

// expected-error @below {{nesterov needs a momentum above 0 and a dampening of 0}}
// expected-error @below {{failed to parse NN_RecipeAttr parameter 'optimizer'}}
func.func @f() attributes {nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1, nesterov = true>, batch = 4>} { return }

// -----

// expected-error @below {{dampening must be finite}}
// expected-error @below {{failed to parse NN_RecipeAttr parameter 'optimizer'}}
func.func @f() attributes {nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1, dampening = 1.0e999>, batch = 4>} { return }

// -----

// expected-error @below {{'nn.model' must be a string}}
func.func @f() attributes {nn.model = 1 : i64} { return }

// -----

// expected-error @below {{'nn.input' on a function argument that is no ranked tensor but 'f32'}}
func.func @f(%x: f32 {nn.input = "x"}) { return }

// -----

// expected-error @below {{'nn.label' takes no value}}
func.func @f(%x: tensor<4xf32> {nn.label = "x"}) { return }

// -----

// expected-error @below {{unknown attribute 'nn.modle' of the nn dialect on an operation}}
func.func @f() attributes {nn.modle = "m"} { return }
