// RUN: dtc-opt %s --dtc-store-constants=most=3 | FileCheck %s
// RUN: dtc-opt %s --dtc-store-constants | FileCheck %s --check-prefix=SMALL

// SMALL-NOT: nn.parameter
// SMALL-COUNT-5: nn.constant

// CHECK-LABEL: func.func @masks
// CHECK-SAME: %[[MASK:arg[0-9]+]]: tensor<2x2xf32> {nn.frozen, nn.init = dense<{{\[}}[1.000000e+00, 0.000000e+00], [1.000000e+00, 1.000000e+00]]> : tensor<2x2xf32>, nn.parameter = "constant:mask"}
// CHECK-SAME: %[[BIAS:arg[0-9]+]]: tensor<4xf32> {nn.frozen, nn.init = dense<[1.500000e+00, 2.500000e+00, 3.500000e+00, 4.500000e+00]> : tensor<4xf32>, nn.parameter = "constant:mask.2"}
func.func @masks(%x: tensor<2x2xf32> {nn.input = "x"}) -> (tensor<2x2xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>, tensor<4xi64>)
    attributes {nn.model = "masks"} {
  // CHECK: %[[KEPT:.*]] = nn.cast %[[MASK]] : tensor<2x2xf32> -> tensor<2x2xi1>
  %mask = nn.constant dense<[[true, false], [true, true]]> : tensor<2x2xi1> : tensor<2x2xi1> loc("mask")
  %bias = nn.constant dense<[1.5, 2.5, 3.5, 4.5]> : tensor<4xf32> : tensor<4xf32> loc("mask")
  // A few, one number, and integers that are no float32.
  // CHECK: nn.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
  // CHECK: nn.constant dense<1.000000e+00>
  // CHECK: nn.constant dense<[16777217, 1, 2, 3]>
  %few = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> : tensor<3xf32>
  %splat = nn.constant dense<1.0> : tensor<4xf32> : tensor<4xf32>
  %wide = nn.constant dense<[16777217, 1, 2, 3]> : tensor<4xi64> : tensor<4xi64>
  // CHECK: nn.where %[[KEPT]], %{{.*}}, %{{.*}}
  // CHECK: return %{{.*}}, %[[BIAS]]
  %y = nn.where %mask, %x, %x : tensor<2x2xi1>, tensor<2x2xf32>, tensor<2x2xf32>
  return %y, %bias, %few, %splat, %wide : tensor<2x2xf32>, tensor<4xf32>, tensor<3xf32>, tensor<4xf32>, tensor<4xi64>
}
