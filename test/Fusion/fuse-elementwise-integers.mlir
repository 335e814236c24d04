// RUN: dtc-opt %s --dtc-fuse-elementwise -mlir-print-local-scope -split-input-file | FileCheck %s

// What is compared, decided and chosen is one kernel: no boolean is written.
// CHECK-LABEL: func.func @masked
func.func @masked(%x: tensor<4x8xf32>, %n: tensor<8xi64>, %m: tensor<4x1xi64>) -> tensor<4x8xf32> {
  // CHECK: linalg.generic
  // CHECK-SAME: dtc.ops = ["less", "greater", "and", "where"]
  // CHECK-DAG: arith.cmpi slt, %{{.*}}, %{{.*}} : i64
  // CHECK-DAG: arith.cmpf ogt, %{{.*}}, %{{.*}} : f32
  // CHECK: arith.andi %{{.*}}, %{{.*}} : i1
  // CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %few = nn.constant dense<-1.0e30> : tensor<f32> : tensor<f32>
  %0 = nn.less %n, %m : tensor<8xi64>, tensor<4x1xi64>
  %1 = nn.greater %x, %zero : tensor<4x8xf32>, tensor<f32>
  %2 = nn.and %0, %1 : tensor<4x8xi1>, tensor<4x8xi1>
  %3 = nn.where %2, %x, %few : tensor<4x8xi1>, tensor<4x8xf32>, tensor<f32>
  return %3 : tensor<4x8xf32>
}

// -----

// Casts are part of a kernel; bf16 becomes an integer by way of f32.
// CHECK-LABEL: func.func @casts
func.func @casts(%x: tensor<8xbf16>, %c: tensor<8xi1>) -> (tensor<8xi64>, tensor<8xf32>) {
  // CHECK: %[[W:.*]] = arith.extf %{{.*}} : bf16 to f32
  // CHECK-NEXT: arith.fptosi %[[W]] : f32 to i64
  %0 = nn.cast %x : tensor<8xbf16> -> tensor<8xi64>
  // CHECK: arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
  %1 = nn.cast %c : tensor<8xi1> -> tensor<8xf32>
  return %0, %1 : tensor<8xi64>, tensor<8xf32>
}
