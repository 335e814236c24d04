// RUN: dtc-opt %s | dtc-opt | FileCheck %s
// An optimizer's attribute is called by its name; what is at its default is left out, but for the learning rate.

// CHECK-LABEL: @plain
// CHECK: nn.update %{{.*}}, %{{.*}} rate %{{.*}} step %{{.*}} by sgd<lr = 1.000000e-03> : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> tensor<4xf32>
func.func @plain(%p: tensor<4xf32>, %g: tensor<4xf32>, %lr: tensor<f64>, %step: tensor<i64>) -> tensor<4xf32> {
  %p1 = nn.update %p, %g rate %lr step %step by sgd : (tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> tensor<4xf32>
  return %p1 : tensor<4xf32>
}

// CHECK-LABEL: @states
// CHECK: nn.update %{{.*}}, %{{.*}} state(%{{.*}}, %{{.*}}, %{{.*}}) rate %{{.*}} step %{{.*}} by adamw<lr = 1.000000e-03, beta1 = 8.000000e-01, amsgrad = true> :
func.func @states(%p: tensor<4xf32>, %g: tensor<4xf32>, %m: tensor<4xf32>, %v: tensor<4xf32>, %lr: tensor<f64>, %step: tensor<i64>) {
  %p1, %m1, %v1, %max1 = nn.update %p, %g state(%m, %v, %v) rate %lr step %step by adamw<amsgrad = true, weight_decay = 1.0e-2, beta1 = 0.8>
     : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f64>, tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}
