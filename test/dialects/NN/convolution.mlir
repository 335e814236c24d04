// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// Strides, dilation, groups and padding all count in the inferred shape.
// CHECK-LABEL: @conv
// CHECK: nn.conv %{{.*}}, %{{.*}} bias %{{.*}} strides [2, 1] dilations [1, 2] pads [1, 0, 1, 2] groups 2
// CHECK-SAME: -> tensor<4x6x5x8xf32>
func.func @conv(%x: tensor<4x4x9x10xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>) -> tensor<4x6x5x8xf32> {
  %y = nn.conv %x, %w bias %b strides [2, 1] dilations [1, 2] pads [1, 0, 1, 2] groups 2
     : (tensor<4x4x9x10xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<4x6x5x8xf32>
  return %y : tensor<4x6x5x8xf32>
}
