// The stage on a fragment: a library call for the layer, one kernel for each
// chain of elementwise ops, everything else as it was.
// RUN: dtc-opt %s --dtc-fuse -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s

// CHECK-LABEL: dist.fragment @forward_backward
// CHECK-NEXT: %[[H:.*]] = nn.matmul %{{.*}}, %{{.*}} bias %{{.*}} epilogue<activation = relu> :
// CHECK-SAME: loc(fused["hidden", "relu"])
// CHECK-NEXT: %[[SUM:.*]] = nn.reduce_sum %[[H]] axes [0, 1]
// CHECK-NEXT: tensor.empty() : tensor<4x8xf32>
// CHECK-NEXT: %[[G:.*]] = linalg.generic
// CHECK-SAME: affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>
// CHECK-SAME: ins(%[[H]], %[[SUM]] : tensor<4x8xf32>, tensor<f32>)
// CHECK-SAME: dtc.ops = ["where_positive", "mul"]
// CHECK:        arith.mulf
// CHECK:        linalg.yield
// CHECK-NEXT: } -> tensor<4x8xf32> loc(fused["relu", "scale"])
// CHECK-NEXT: %[[DW:.*]] = nn.matmul %{{.*}} transposed, %[[G]]
// CHECK-NEXT: dist.return %[[SUM]], %[[DW]]
dist.fragment @forward_backward(%x: tensor<4x6xf32>, %w: tensor<6x8xf32>, %b: tensor<8xf32>) -> (tensor<f32>, tensor<6x8xf32>) {
  %0 = nn.matmul %x, %w : (tensor<4x6xf32>, tensor<6x8xf32>) -> tensor<4x8xf32> loc("hidden")
  %1 = nn.add %0, %b : tensor<4x8xf32>, tensor<8xf32> loc("hidden")
  %2 = nn.relu %1 : tensor<4x8xf32> loc("relu")
  %3 = nn.reduce_sum %2 axes [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  %4 = nn.broadcast %3 : tensor<f32> -> tensor<4x8xf32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %5 = nn.where_positive %2, %4, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32> loc("relu")
  %half = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %6 = nn.mul %5, %half : tensor<4x8xf32>, tensor<f32> loc("scale")
  %7 = nn.matmul %x transposed, %6 : (tensor<4x6xf32>, tensor<4x8xf32>) -> tensor<6x8xf32>
  dist.return %3, %7 : tensor<f32>, tensor<6x8xf32>
}
