// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// Two heads of q share one of k and v, whose vectors have a width of their own.
// CHECK-LABEL: @grouped
// CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 5.000000e-01 : f64} : {{.*}} -> (tensor<2x4x6x3xf32>, tensor<2x4x6xf32>)
// CHECK: nn.attention_gradient %{{.*}} {scale = 5.000000e-01 : f64} : {{.*}} -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>)
func.func @grouped(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %dy: tensor<2x4x6x3xf32>) {
  %y, %lse = nn.attention %q, %k, %v {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>) -> (tensor<2x4x6x3xf32>, tensor<2x4x6xf32>)
  %dq, %dk, %dv = nn.attention_gradient %dy, %q, %k, %v, %y, %lse {scale = 0.5}
     : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>)
  return
}

// Heads behind positions, as a projection gives them; lse has them before positions all the same.
// CHECK-LABEL: @positions_first
// CHECK: nn.attention %{{.*}} mask %{{.*}} causal positions_first {{.*}} -> (tensor<2x6x4x3xbf16>, tensor<2x4x6xf32>)
func.func @positions_first(%q: tensor<2x6x4x5xbf16>, %k: tensor<2x7x2x5xbf16>, %v: tensor<2x7x2x3xbf16>, %m: tensor<2x1x1x7xi1>) {
  %y, %lse = nn.attention %q, %k, %v mask %m causal positions_first {scale = 0.5}
     : (tensor<2x6x4x5xbf16>, tensor<2x7x2x5xbf16>, tensor<2x7x2x3xbf16>, tensor<2x1x1x7xi1>) -> (tensor<2x6x4x3xbf16>, tensor<2x4x6xf32>)
  return
}

// The gradient of an added mask has its shape.
// CHECK-LABEL: @mask_gradient
// CHECK: nn.attention_gradient {{.*}} mask %{{.*}} -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<4x6x7xf32>)
func.func @mask_gradient(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %m: tensor<4x6x7xf32>, %dy: tensor<2x4x6x3xf32>, %y: tensor<2x4x6x3xf32>, %lse: tensor<2x4x6xf32>) {
  %dq, %dk, %dv, %dm = nn.attention_gradient %dy, %q, %k, %v, %y, %lse mask %m {scale = 0.5}
     : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>, tensor<4x6x7xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<4x6x7xf32>)
  return
}
