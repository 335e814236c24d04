// RUN: dtc-opt %s -pass-pipeline='builtin.module(func.func(dtc-recognise-activations))' | FileCheck %s

// As torch.nn.GELU is exported: a division by the root of 2, and the half behind the product.
// CHECK-LABEL: func.func @gelu
// CHECK-NEXT: %[[Y:.*]] = nn.gelu %arg0 : tensor<4x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @gelu(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %root = nn.constant dense<1.41421354> : tensor<f32> : tensor<f32>
  %0 = nn.div %x, %root : tensor<4x8xf32>, tensor<f32>
  %1 = nn.erf %0 : tensor<4x8xf32>
  %2 = nn.add %1, %one : tensor<4x8xf32>, tensor<f32>
  %3 = nn.mul %x, %2 : tensor<4x8xf32>, tensor<4x8xf32>
  %4 = nn.mul %3, %half : tensor<4x8xf32>, tensor<f32>
  return %4 : tensor<4x8xf32>
}

// Half of x, and half of the sum, first.
// CHECK-LABEL: func.func @gelu_other_orders
// CHECK-NEXT: %[[A:.*]] = nn.gelu %arg0
// CHECK-NEXT: %[[B:.*]] = nn.gelu %[[A]]
// CHECK-NEXT: return %[[B]]
func.func @gelu_other_orders(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %root = nn.constant dense<0.70710678> : tensor<f32> : tensor<f32>
  %0 = nn.mul %root, %x : tensor<f32>, tensor<4x8xf32>
  %1 = nn.erf %0 : tensor<4x8xf32>
  %2 = nn.add %one, %1 : tensor<f32>, tensor<4x8xf32>
  %3 = nn.mul %x, %half : tensor<4x8xf32>, tensor<f32>
  %4 = nn.mul %3, %2 : tensor<4x8xf32>, tensor<4x8xf32>
  %5 = nn.mul %4, %root : tensor<4x8xf32>, tensor<f32>
  %6 = nn.erf %5 : tensor<4x8xf32>
  %7 = nn.add %6, %one : tensor<4x8xf32>, tensor<f32>
  %8 = nn.mul %half, %7 : tensor<f32>, tensor<4x8xf32>
  %9 = nn.mul %8, %4 : tensor<4x8xf32>, tensor<4x8xf32>
  return %9 : tensor<4x8xf32>
}

// GPT-2's: a power, and the root of 2 / pi behind the sum.
// CHECK-LABEL: func.func @gelu_tanh
// CHECK-NEXT: %[[Y:.*]] = nn.gelu %arg0 {approximate}
// CHECK-NEXT: return %[[Y]]
func.func @gelu_tanh(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %slope = nn.constant dense<0.797884583> : tensor<f32> : tensor<f32>
  %cube = nn.constant dense<0.044715> : tensor<f32> : tensor<f32>
  %0 = nn.mul %x, %half : tensor<4x8xf32>, tensor<f32>
  %1 = nn.pow %x, %three : tensor<4x8xf32>, tensor<f32>
  %2 = nn.mul %1, %cube : tensor<4x8xf32>, tensor<f32>
  %3 = nn.add %x, %2 : tensor<4x8xf32>, tensor<4x8xf32>
  %4 = nn.mul %3, %slope : tensor<4x8xf32>, tensor<f32>
  %5 = nn.tanh %4 : tensor<4x8xf32>
  %6 = nn.add %5, %one : tensor<4x8xf32>, tensor<f32>
  %7 = nn.mul %0, %6 : tensor<4x8xf32>, tensor<4x8xf32>
  return %7 : tensor<4x8xf32>
}

// Factored: x c (1 + 0.044715 x x).
// CHECK-LABEL: func.func @gelu_tanh_factored
// CHECK-NEXT: %[[Y:.*]] = nn.gelu %arg0 {approximate}
// CHECK-NEXT: return %[[Y]]
func.func @gelu_tanh_factored(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %slope = nn.constant dense<0.797884583> : tensor<f32> : tensor<f32>
  %cube = nn.constant dense<0.044715> : tensor<f32> : tensor<f32>
  %0 = nn.mul %x, %slope : tensor<4x8xf32>, tensor<f32>
  %1 = nn.mul %x, %cube : tensor<4x8xf32>, tensor<f32>
  %2 = nn.mul %1, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %3 = nn.add %2, %one : tensor<4x8xf32>, tensor<f32>
  %4 = nn.mul %0, %3 : tensor<4x8xf32>, tensor<4x8xf32>
  %5 = nn.tanh %4 : tensor<4x8xf32>
  %6 = nn.add %5, %one : tensor<4x8xf32>, tensor<f32>
  %7 = nn.mul %6, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %8 = nn.mul %7, %half : tensor<4x8xf32>, tensor<f32>
  return %8 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @gated
// CHECK-NEXT: %[[A:.*]] = nn.silu %arg0
// CHECK-NEXT: %[[B:.*]] = nn.mish %[[A]]
// CHECK-NEXT: %[[C:.*]] = nn.hard_swish %[[B]]
// CHECK-NEXT: %[[D:.*]] = nn.hard_swish %[[C]]
// CHECK-NEXT: %[[E:.*]] = nn.silu %[[D]]
// CHECK-NEXT: return %[[E]]
func.func @gated(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<f32> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<f32> : tensor<f32>
  %0 = nn.sigmoid %x : tensor<4x8xf32>
  %silu = nn.mul %x, %0 : tensor<4x8xf32>, tensor<4x8xf32>
  %1 = nn.softplus %silu : tensor<4x8xf32>
  %2 = nn.tanh %1 : tensor<4x8xf32>
  %mish = nn.mul %silu, %2 : tensor<4x8xf32>, tensor<4x8xf32>
  %3 = nn.add %mish, %three : tensor<4x8xf32>, tensor<f32>
  %4 = nn.clip %3 {min = 0.0 : f64, max = 6.0 : f64} : tensor<4x8xf32>
  %5 = nn.mul %mish, %4 : tensor<4x8xf32>, tensor<4x8xf32>
  %swish = nn.div %5, %six : tensor<4x8xf32>, tensor<f32>
  %6 = nn.hard_sigmoid %swish {alpha = 0.1666666716337204 : f64, beta = 0.5 : f64} : tensor<4x8xf32>
  %again = nn.mul %6, %swish : tensor<4x8xf32>, tensor<4x8xf32>
  %7 = nn.neg %again : tensor<4x8xf32>
  %8 = nn.exp %7 : tensor<4x8xf32>
  %9 = nn.add %8, %one : tensor<4x8xf32>, tensor<f32>
  %last = nn.div %again, %9 : tensor<4x8xf32>, tensor<4x8xf32>
  return %last : tensor<4x8xf32>
}

// Of SwiGLU the silu is one op; the product with the other half is a product.
// CHECK-LABEL: func.func @swiglu
// CHECK-NEXT: %[[S:.*]] = nn.silu %arg0
// CHECK-NEXT: nn.mul %[[S]], %arg1
func.func @swiglu(%x: tensor<4x8xf32>, %up: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = nn.sigmoid %x : tensor<4x8xf32>
  %1 = nn.mul %x, %0 : tensor<4x8xf32>, tensor<4x8xf32>
  %2 = nn.mul %1, %up : tensor<4x8xf32>, tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// Constants with four digits, a gelu of another kind, another x: other functions.
// CHECK-LABEL: func.func @others
// CHECK-NOT: nn.gelu
// CHECK-NOT: nn.silu
// CHECK: nn.erf
// CHECK: nn.sigmoid
// CHECK: nn.sigmoid
func.func @others(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32> : tensor<f32>
  %root = nn.constant dense<1.4142> : tensor<f32> : tensor<f32>
  %quick = nn.constant dense<1.702> : tensor<f32> : tensor<f32>
  %0 = nn.div %x, %root : tensor<4x8xf32>, tensor<f32>
  %1 = nn.erf %0 : tensor<4x8xf32>
  %2 = nn.add %1, %one : tensor<4x8xf32>, tensor<f32>
  %3 = nn.mul %x, %2 : tensor<4x8xf32>, tensor<4x8xf32>
  %4 = nn.mul %3, %half : tensor<4x8xf32>, tensor<f32>
  %5 = nn.mul %4, %quick : tensor<4x8xf32>, tensor<f32>
  %6 = nn.sigmoid %5 : tensor<4x8xf32>
  %7 = nn.mul %4, %6 : tensor<4x8xf32>, tensor<4x8xf32>
  %8 = nn.sigmoid %z : tensor<4x8xf32>
  %9 = nn.mul %7, %8 : tensor<4x8xf32>, tensor<4x8xf32>
  return %9 : tensor<4x8xf32>
}

// What else reads a part keeps it.
// CHECK-LABEL: func.func @read_elsewhere
// CHECK-NEXT: %[[S:.*]] = nn.sigmoid %arg0
// CHECK-NEXT: nn.mul %arg0, %[[S]]
func.func @read_elsewhere(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nn.sigmoid %x : tensor<4x8xf32>
  %1 = nn.mul %x, %0 : tensor<4x8xf32>, tensor<4x8xf32>
  return %1, %0 : tensor<4x8xf32>, tensor<4x8xf32>
}
