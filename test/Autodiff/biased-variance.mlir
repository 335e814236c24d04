// RUN: dtc-opt %s -dtc-differentiate-graph | FileCheck %s
// RUN: dtc-opt %s --dtc-differentiate-graph=batch-statistics=whole | FileCheck %s --check-prefix=WHOLE

// What the running variance moves towards is the variance of the batch as it is normalised with, not times n / (n - 1).
// CHECK-LABEL: func.func @train
// CHECK: nn.batch_norm_training {{.*}} {biased_variance, epsilon
// WHOLE-LABEL: func.func @train
// WHOLE: nn.where_positive %[[REST:[^,]*]],
// WHOLE-NOT: nn.div %{{.*}}, %[[REST]]
// WHOLE: nn.where_positive %[[REST]],
func.func @model(%x: tensor<4x2xf32> {nn.input = "x"},
                 %scale: tensor<2xf32> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>},
                 %bias: tensor<2xf32> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>},
                 %mean: tensor<2xf32> {nn.state = "mean", nn.statistic, nn.init = #nn.constant<value = 0.0>},
                 %variance: tensor<2xf32> {nn.state = "variance", nn.statistic, nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "model", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y = nn.batch_norm %x, %scale, %bias running %mean, %variance {biased_variance, epsilon = 1.0e-5, momentum = 0.1}
     : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
