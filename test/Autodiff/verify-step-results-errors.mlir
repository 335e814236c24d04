// RUN: dtc-opt %s -dtc-verify-step -split-input-file -verify-diagnostics -allow-unregistered-dialect

// What is wrong with results and between the two functions.

// expected-error @below {{@train has 0 'nn.loss' instead of 1}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %new : tensor<2xf32>
}

// -----

// expected-error @below {{result 'nn.loss' of @train is 'tensor<2xf32>', not a scalar}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<2xf32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %d, %new : tensor<2xf32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
    // expected-error @below {{parameter "w" has no result with its new value}}
    %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}

// -----

// expected-error @below {{result parameter "v" has no argument of that name}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}, tensor<2xf32> {nn.parameter = "v"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new, %new : tensor<f32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// expected-error @below {{parameter "w" has two results}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new, %new : tensor<f32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// expected-error @below {{parameter "w" goes in as 'tensor<2xf32>' and comes out as 'tensor<f32>'}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<f32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %loss : tensor<f32>, tensor<f32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
    // expected-error @below {{state "sgd.momentum/w" has no result with its new value}}
    %s: tensor<2xf32> {nn.state = "sgd.momentum/w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
    // expected-error @below {{parameter "w" influences the loss but is not updated}}
    %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss, %w : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
    // expected-error @below {{the result of parameter "w" is not an update of it}}
    %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss, %d : tensor<f32>, tensor<2xf32>
}

// -----

// The update of another parameter.
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
    // expected-error @below {{the result of parameter "w" is not an update of it}}
    %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>}, %v: tensor<2xf32> {nn.parameter = "v", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}, tensor<2xf32> {nn.parameter = "v"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %v, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new, %new : tensor<f32>, tensor<2xf32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
// expected-error @below {{@evaluate has 1 'nn.step' instead of 0}}
func.func @evaluate(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
// expected-error @below {{@evaluate has 2 'nn.correct' instead of 1}}
func.func @evaluate(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<f32> {nn.correct}, tensor<f32> {nn.correct}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss, %loss, %loss : tensor<f32>, tensor<f32>, tensor<f32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
// expected-error @below {{the parameters of @train and @evaluate differ}}
func.func @evaluate(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %w: tensor<2xf32> {nn.parameter = "v", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
// expected-error @below {{the inputs of @train and @evaluate differ}}
func.func @evaluate(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}

// -----

// What is wrong with a prediction.

func.func @train(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %x, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}
func.func @evaluate(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %x, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}
// expected-error @below {{result 'nn.output' of @predict is 'tensor<f32>', without a row for each of the 2 samples}}
func.func @predict(%x: tensor<2xf32> {nn.input = "x"}) -> (tensor<f32> {nn.output = "y"}) attributes {nn.model = "m", nn.phase = "predict"} {
  %y = nn.reduce_sum %x axes [0] : (tensor<2xf32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

func.func @train(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %x, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}
func.func @evaluate(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %x, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}
// expected-error @below {{@predict has 1 'nn.label' instead of 0}}
func.func @predict(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label}) -> (tensor<2xf32> {nn.output = "y"}) attributes {nn.model = "m", nn.phase = "predict"} {
  %y = nn.neg %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
