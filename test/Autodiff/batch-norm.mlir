// RUN: dtc-opt %s -dtc-differentiate-graph -dtc-verify-step | FileCheck %s
// RUN: dtc-opt %s --dtc-differentiate-graph=batch-statistics=whole -dtc-verify-step | FileCheck %s --check-prefix=WHOLE

// Training normalises with the batch and moves the running statistics; evaluation
// reads them.
// CHECK-LABEL: func.func @train
// CHECK-SAME: %[[MEAN:[a-z0-9]+]]: tensor<2xf32> {nn.init = {{[^,]*}}, nn.state = "mean", nn.statistic}
// CHECK-SAME: %[[VARIANCE:[a-z0-9]+]]: tensor<2xf32> {nn.init = {{[^,]*}}, nn.state = "variance", nn.statistic}
// CHECK: %{{.*}}, %[[PART:.*]], %{{.*}}, %[[SHARES:.*]], %[[INVERSE:.*]] = nn.batch_norm_training {{.*}} running %[[MEAN]], %[[VARIANCE]] {
// CHECK: %[[NEW:.*]] = nn.running_average_update %[[MEAN]], %[[PART]] {momentum = 1.000000e-01 : f64}
// CHECK: nn.batch_norm_gradient {{.*}} statistics %[[SHARES]], %[[INVERSE]]
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}}, %[[NEW]]
// CHECK-LABEL: func.func @evaluate
// CHECK-SAME: nn.state = "mean", nn.statistic
// CHECK-NOT: nn.batch_norm
// CHECK: nn.sqrt
// WHOLE-LABEL: func.func @train
// WHOLE-NOT: nn.batch_norm
// WHOLE: nn.reduce_sum %{{.*}} axes [0] keep
// Of one value there is no variance: what divides by n - 1 = 0 is not taken.
// WHOLE: nn.where_positive %[[REST:[^,]*]],
// WHOLE: %[[UNBIASED:.*]] = nn.div %{{.*}}, %[[REST]]
// WHOLE: nn.where_positive %[[REST]], %[[UNBIASED]],
func.func @model(%x: tensor<4x2xf32> {nn.input = "x"},
                 %scale: tensor<2xf32> {nn.parameter = "scale", nn.init = #nn.constant<value = 1.0>},
                 %bias: tensor<2xf32> {nn.parameter = "bias", nn.init = #nn.constant<value = 0.0>},
                 %mean: tensor<2xf32> {nn.state = "mean", nn.statistic, nn.init = #nn.constant<value = 0.0>},
                 %variance: tensor<2xf32> {nn.state = "variance", nn.statistic, nn.init = #nn.constant<value = 1.0>})
    -> (tensor<4x2xf32> {nn.output = "y"})
    attributes {nn.model = "model", nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>} {
  %y = nn.batch_norm %x, %scale, %bias running %mean, %variance {epsilon = 1.0e-5, momentum = 0.1}
     : (tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
