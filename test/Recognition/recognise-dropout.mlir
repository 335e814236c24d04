// RUN: dtc-opt %s -pass-pipeline='builtin.module(func.func(dtc-recognise-dropout))' | FileCheck %s

// Stochastic depth as PyTorch exports it: one number for each sample is below the probability to keep.
// CHECK-LABEL: func.func @below
// CHECK: %[[P:.*]] = nn.constant dense<7.500000e-01> : tensor<4x1xf32>
// CHECK: %[[KEEP:.*]] = nn.dropout %[[P]] {ratio = 2.500000e-01 : f64} : (tensor<4x1xf32>) -> tensor<4x1xf32>
// CHECK-NOT: nn.random_uniform
// CHECK-NOT: nn.less
// CHECK: return %[[KEEP]]
func.func @below() -> tensor<4x1xf32> {
  %p = nn.constant dense<0.75> : tensor<f32> : tensor<f32>
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
  %b = nn.less %u, %p : tensor<4x1xf32>, tensor<f32>
  %keep = nn.cast %b : tensor<4x1xi1> -> tensor<4x1xf32>
  return %keep : tensor<4x1xf32>
}

// As TensorFlow has it: dropped below the ratio; from -1 to 1.
// CHECK-LABEL: func.func @above
// CHECK: nn.dropout %{{.*}} {ratio = 2.500000e-01 : f64}
func.func @above() -> tensor<4x3xf32> {
  %r = nn.constant dense<-0.5> : tensor<f32> : tensor<f32>
  %u = nn.random_uniform {low = -1.0 : f64, high = 1.0 : f64} : tensor<4x3xf32>
  %b = nn.greater_or_equal %u, %r : tensor<4x3xf32>, tensor<f32>
  %keep = nn.cast %b : tensor<4x3xi1> -> tensor<4x3xf32>
  return %keep : tensor<4x3xf32>
}

// Read twice, both readers see one mask: two dropouts would not be that.
// CHECK-LABEL: func.func @twice
// CHECK-NOT: nn.dropout
func.func @twice() -> (tensor<4x1xf32>, tensor<4x1xf32>) {
  %p = nn.constant dense<0.75> : tensor<f32> : tensor<f32>
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
  %b = nn.less %u, %p : tensor<4x1xf32>, tensor<f32>
  %c = nn.less %p, %u : tensor<f32>, tensor<4x1xf32>
  %0 = nn.cast %b : tensor<4x1xi1> -> tensor<4x1xf32>
  %1 = nn.cast %c : tensor<4x1xi1> -> tensor<4x1xf32>
  return %0, %1 : tensor<4x1xf32>, tensor<4x1xf32>
}

// A number that no comparison with a probability follows stays.
// CHECK-LABEL: func.func @noise
// CHECK: nn.random_uniform
func.func @noise(%x: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
  %y = nn.add %x, %u : tensor<4x1xf32>, tensor<4x1xf32>
  return %y : tensor<4x1xf32>
}

// Stochastic depth: floor(u + p) is 1 with the probability p.
// CHECK-LABEL: func.func @floor
// CHECK: %[[ONES:.*]] = nn.constant dense<0.899999976> : tensor<4x1xf32>
// CHECK: %[[KEPT:.*]] = nn.dropout %[[ONES]] {ratio = 0.10000002384185791
// CHECK: nn.mul %{{.*}}, %[[KEPT]]
func.func @floor(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %p = nn.constant dense<0.9> : tensor<f32> : tensor<f32>
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
  %s = nn.add %p, %u : tensor<f32>, tensor<4x1xf32>
  %f = nn.floor %s : tensor<4x1xf32>
  %y = nn.mul %x, %f : tensor<4x3xf32>, tensor<4x1xf32>
  return %y : tensor<4x3xf32>
}

// Of which more than 1 is a part.
// CHECK-LABEL: func.func @more
// CHECK-NOT: nn.dropout
func.func @more() -> tensor<4x1xf32> {
  %p = nn.constant dense<1.5> : tensor<f32> : tensor<f32>
  %u = nn.random_uniform {low = 0.0 : f64, high = 1.0 : f64} : tensor<4x1xf32>
  %s = nn.add %u, %p : tensor<4x1xf32>, tensor<f32>
  %f = nn.floor %s : tensor<4x1xf32>
  return %f : tensor<4x1xf32>
}
