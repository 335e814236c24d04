// RUN: dtc-opt %s -dtc-verify-step | FileCheck %s

// A step passes and stays as it is: %u does not influence the loss, so that it
// may be returned unchanged.
// CHECK: func.func @train
// CHECK: nn.update
// CHECK: func.func @evaluate
func.func @train(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label},
                 %weight: tensor<2xf32> {nn.sample_weight}, %step: tensor<i64> {nn.step}, %lr: tensor<f64> {nn.learning_rate},
                 %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
                 %u: tensor<2xf32> {nn.parameter = "u", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<2xf32> {nn.parameter = "w"}, tensor<2xf32> {nn.parameter = "u"})
    attributes {nn.model = "m", nn.phase = "train"} {
  %0 = nn.mul %x, %w : tensor<2xf32>, tensor<2xf32>
  %loss, %d = nn.binary_cross_entropy %0, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  %g = nn.mul %d, %x : tensor<2xf32>, tensor<2xf32>
  %new = nn.update %w, %g rate %lr step %step by sgd<lr = 0.1> : (tensor<2xf32>, tensor<2xf32>, tensor<f64>, tensor<i64>) -> tensor<2xf32>
  return %loss, %new, %u : tensor<f32>, tensor<2xf32>, tensor<2xf32>
}
func.func @evaluate(%x: tensor<2xf32> {nn.input = "x"}, %label: tensor<2xf32> {nn.label},
                    %weight: tensor<2xf32> {nn.sample_weight},
                    %w: tensor<2xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>},
                    %u: tensor<2xf32> {nn.parameter = "u", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}) attributes {nn.model = "m", nn.phase = "evaluate"} {
  %0 = nn.mul %x, %w : tensor<2xf32>, tensor<2xf32>
  %loss, %d = nn.binary_cross_entropy %0, %label, %weight : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<f32>, tensor<2xf32>)
  return %loss : tensor<f32>
}
