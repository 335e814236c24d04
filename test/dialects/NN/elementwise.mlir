// RUN: dtc-opt %s | dtc-opt | FileCheck %s
// RUN: dtc-opt %s --canonicalize | FileCheck %s --check-prefix=FOLDED

// Integers and booleans broadcast as floating-point numbers do.
// CHECK-LABEL: func.func @arithmetic
func.func @arithmetic(%a: tensor<2x1xi64>, %b: tensor<3xi64>, %c: tensor<3xi32>) -> (tensor<2x3xi64>, tensor<3xi32>) {
  // CHECK: nn.mod %{{.*}}, %{{.*}} : tensor<2x1xi64>, tensor<3xi64>
  %0 = nn.mod %a, %b : tensor<2x1xi64>, tensor<3xi64>
  // CHECK: nn.div %{{.*}}, %{{.*}} : tensor<2x3xi64>, tensor<3xi64>
  %1 = nn.div %0, %b : tensor<2x3xi64>, tensor<3xi64>
  // CHECK: nn.abs %{{.*}} : tensor<3xi32>
  %2 = nn.abs %c : tensor<3xi32>
  return %1, %2 : tensor<2x3xi64>, tensor<3xi32>
}

// Comparisons give booleans; a condition chooses between any two tensors of one type.
// CHECK-LABEL: func.func @choices
func.func @choices(%x: tensor<2x1xf32>, %y: tensor<3xbf16>, %n: tensor<3xi64>) -> (tensor<2x3xbf16>, tensor<3xi64>) {
  // CHECK: nn.less_or_equal %{{.*}}, %{{.*}} : tensor<2x1xf32>, tensor<3xbf16>
  %0 = nn.less_or_equal %x, %y : tensor<2x1xf32>, tensor<3xbf16>
  %1 = nn.not %0 : tensor<2x3xi1>
  %2 = nn.xor %1, %0 : tensor<2x3xi1>, tensor<2x3xi1>
  // CHECK: nn.where %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3xi1>, tensor<2x1xf32>, tensor<3xbf16>
  %3 = nn.where %2, %x, %y : tensor<2x3xi1>, tensor<2x1xf32>, tensor<3xbf16>
  %4 = nn.equal %n, %n : tensor<3xi64>, tensor<3xi64>
  %5 = nn.where %4, %n, %n : tensor<3xi1>, tensor<3xi64>, tensor<3xi64>
  return %3, %5 : tensor<2x3xbf16>, tensor<3xi64>
}

// Casts of constants: towards 0, saturating, NaN to 0; whatever is not 0 is true.
// FOLDED-LABEL: func.func @casts
func.func @casts() -> (tensor<5xi32>, tensor<5xi1>, tensor<2xf32>, tensor<2xi64>, tensor<2xi32>) {
  %x = nn.constant dense<[-2.7, 2.7, 1.0e20, -1.0e20, 0x7FC00000]> : tensor<5xf32> : tensor<5xf32>
  %b = nn.constant dense<[true, false]> : tensor<2xi1> : tensor<2xi1>
  %n = nn.constant dense<[4294967297, -1]> : tensor<2xi64> : tensor<2xi64>
  %0 = nn.cast %x : tensor<5xf32> -> tensor<5xi32>
  %1 = nn.cast %x : tensor<5xf32> -> tensor<5xi1>
  %2 = nn.cast %b : tensor<2xi1> -> tensor<2xf32>
  %3 = nn.cast %b : tensor<2xi1> -> tensor<2xi64>
  %4 = nn.cast %n : tensor<2xi64> -> tensor<2xi32>
  // FOLDED-DAG: nn.constant dense<[-2, 2, 2147483647, -2147483648, 0]> : tensor<5xi32>
  // FOLDED-DAG: nn.constant dense<true> : tensor<5xi1>
  // FOLDED-DAG: nn.constant dense<[1.000000e+00, 0.000000e+00]> : tensor<2xf32>
  // FOLDED-DAG: nn.constant dense<[1, 0]> : tensor<2xi64>
  // FOLDED-DAG: nn.constant dense<[1, -1]> : tensor<2xi32>
  return %0, %1, %2, %3, %4 : tensor<5xi32>, tensor<5xi1>, tensor<2xf32>, tensor<2xi64>, tensor<2xi32>
}

// CHECK-LABEL: func.func @clip
func.func @clip(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: nn.clip %{{.*}} {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64} : tensor<4xf32>
  %0 = nn.clip %x {min = 0.0, max = 6.0} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
