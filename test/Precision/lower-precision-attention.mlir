// RUN: dtc-opt %s -dtc-lower-precision | FileCheck %s

// Attention reads and writes bf16, as products do; the added mask and the logarithms of sums stay f32.
// CHECK-LABEL: func.func @train
// CHECK: %[[Q:.*]] = nn.cast %arg0 : tensor<2x4x6x8xf32> -> tensor<2x4x6x8xbf16>
// CHECK: %[[Y:.*]], %[[LSE:.*]] = nn.attention %[[Q]], %[[Q]], %[[Q]] mask %arg2 {{.*}} : (tensor<2x4x6x8xbf16>, tensor<2x4x6x8xbf16>, tensor<2x4x6x8xbf16>, tensor<6x6xf32>) -> (tensor<2x4x6x8xbf16>, tensor<2x4x6xf32>)
// CHECK: %[[DY:.*]] = nn.cast %arg1 : tensor<2x4x6x8xf32> -> tensor<2x4x6x8xbf16>
// CHECK: nn.attention_gradient %[[DY]], %[[Q]], %[[Q]], %[[Q]], %[[Y]], %[[LSE]] mask %arg2 {{.*}} -> (tensor<2x4x6x8xbf16>, tensor<2x4x6x8xbf16>, tensor<2x4x6x8xbf16>, tensor<6x6xf32>)
func.func @train(%q: tensor<2x4x6x8xf32> {nn.input = "q"}, %dy: tensor<2x4x6x8xf32> {nn.input = "dy"}, %m: tensor<6x6xf32> {nn.parameter = "m"})
    -> (tensor<6x6xf32>) attributes {nn.phase = "train"} {
  %y, %lse = nn.attention %q, %q, %q mask %m {scale = 0.5} : (tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<6x6xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x4x6xf32>)
  %dq, %dk, %dv, %dm = nn.attention_gradient %dy, %q, %q, %q, %y, %lse mask %m {scale = 0.5}
     : (tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6xf32>, tensor<6x6xf32>) -> (tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>, tensor<6x6xf32>)
  return %dm : tensor<6x6xf32>
}
