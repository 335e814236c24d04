// RUN: dtc-opt %s -canonicalize | FileCheck %s

// Casts that change no value go; rounding stays.
// CHECK-LABEL: func.func @casts
func.func @casts(%x: tensor<4xf32>, %y: tensor<4xbf16>) -> (tensor<4xf32>, tensor<4xbf16>, tensor<4xf32>, tensor<4xbf16>) {
  %same = nn.cast %x : tensor<4xf32> -> tensor<4xf32>
  %wide = nn.cast %y : tensor<4xbf16> -> tensor<4xf32>
  %back = nn.cast %wide : tensor<4xf32> -> tensor<4xbf16>
  // CHECK-DAG: %[[LOW:.*]] = nn.cast %arg0 : tensor<4xf32> -> tensor<4xbf16>
  // CHECK-DAG: %[[ROUNDED:.*]] = nn.cast %[[LOW]] : tensor<4xbf16> -> tensor<4xf32>
  %low = nn.cast %x : tensor<4xf32> -> tensor<4xbf16>
  %rounded = nn.cast %low : tensor<4xbf16> -> tensor<4xf32>
  // A constant is rounded at once, to even.
  // CHECK-DAG: %[[C:.*]] = nn.constant dense<1.000000e+00> : tensor<4xbf16>
  %c = nn.constant dense<1.00390625> : tensor<4xf32> : tensor<4xf32>
  %d = nn.cast %c : tensor<4xf32> -> tensor<4xbf16>
  // CHECK: return %arg0, %arg1, %[[ROUNDED]], %[[C]]
  return %same, %back, %rounded, %d : tensor<4xf32>, tensor<4xbf16>, tensor<4xf32>, tensor<4xbf16>
}

// What is added up is f32; elementwise ops give the type of the lowest operand.
// CHECK-LABEL: func.func @types
func.func @types(%x: tensor<4x4xbf16>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4x4xbf16>, tensor<4x4xf32>, tensor<4x4xbf16>) {
  // CHECK: nn.reduce_sum {{.*}} : (tensor<4x4xbf16>) -> tensor<4xf32>
  %s = nn.reduce_sum %x axes [0] : (tensor<4x4xbf16>) -> tensor<4xf32>
  // CHECK: nn.matmul {{.*}} -> tensor<4x4xbf16>
  %y = nn.matmul %x, %x : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  // CHECK: nn.matmul {{.*}} {wide} : {{.*}} -> tensor<4x4xf32>
  %z = nn.matmul %x, %x {wide} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xf32>
  %a = nn.add %x, %c : tensor<4x4xbf16>, tensor<4xf32>
  // CHECK: nn.softmax %{{.*}} axis 1 : tensor<4x4xbf16>
  %p = nn.softmax %a axis 1 : tensor<4x4xbf16>
  return %s, %y, %z, %p : tensor<4xf32>, tensor<4x4xbf16>, tensor<4x4xf32>, tensor<4x4xbf16>
}
