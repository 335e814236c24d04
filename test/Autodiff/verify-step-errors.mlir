// RUN: dtc-opt %s -dtc-verify-step -split-input-file -verify-diagnostics -allow-unregistered-dialect

// What is wrong with functions, ops and arguments.

// expected-error @below {{no function has the phase "train"}}
module {
}

// -----

// expected-error @below {{no function has the phase "evaluate"}}
module {
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
}

// -----

// expected-note @below {{this is the other one}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
// expected-error @below {{two functions have the phase "train"}}
func.func @train2(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
// expected-error @below {{@train and @evaluate are of different models}}
func.func @evaluate(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "n", nn.phase = "evaluate"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  // expected-error @below {{'other.op' is not an nn op}}
  "other.op"() : () -> ()
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
    // expected-error @below {{argument 5 of @train has 0 roles instead of one}}
    %x: tensor<2xf32>)
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
    // expected-error @below {{argument 5 of @train has 2 roles instead of one}}
    %x: tensor<2xf32> {nn.input = "x", nn.label})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
    // expected-error @below {{two arguments of @train have 'nn.parameter' "w"}}
    %v: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
    // expected-error @below {{'nn.parameter' "w" has no 'nn.init'}}
    %w: tensor<2xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

// expected-error @below {{argument 'tensor<?xf32>' is not a static tensor}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>}, %x: tensor<?xf32> {nn.input = "x"})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}

// -----

// expected-error @below {{@train has 0 'nn.step' instead of 1}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss, %w : tensor<f32>, tensor<2xf32>
}

// -----

// expected-error @below {{@train has 2 'nn.label' instead of 1}}
func.func @train(%label: tensor<2xf32> {nn.label}, %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate}, %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>}, %more: tensor<2xf32> {nn.label})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}) attributes {nn.model = "m", nn.phase = "train"} {
  %loss, %d = nn.binary_cross_entropy %w, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %new = nn.update %w, %d rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new : tensor<f32>, tensor<2xf32>
}
