// RUN: dtc-opt %s -pass-pipeline='builtin.module(func.func(dtc-expand-recurrence))' | FileCheck %s

// The last step comes first; states lie in the order of the sequence.
// CHECK-LABEL: func.func @lstm
// CHECK: [[ROW:%.*]] = nn.slice %arg0 [1, 0, 0] : tensor<2x2x8xf32> -> tensor<1x2x8xf32>
// CHECK: [[GATES:%.*]] = nn.reshape [[ROW]]
// CHECK: [[P:%.*]] = nn.matmul %arg2, %arg1 transposed
// CHECK: nn.add [[GATES]], [[P]]
// CHECK: nn.mul {{.*}}, %arg3
// CHECK: [[CELL:%.*]] = nn.add
// CHECK: [[BOUNDED:%.*]] = nn.tanh [[CELL]]
// CHECK: [[LAST:%.*]] = nn.mul {{.*}}, [[BOUNDED]]
// CHECK: nn.slice %arg0 [0, 0, 0] : tensor<2x2x8xf32> -> tensor<1x2x8xf32>
// CHECK: nn.matmul [[LAST]], %arg1 transposed
// CHECK: nn.mul {{.*}}, [[CELL]]
// CHECK: [[B:%.*]] = nn.reshape [[LAST]]
// CHECK: nn.concat %{{.*}}, [[B]] axis 0
// CHECK-NOT: nn.lstm
func.func @lstm(%g: tensor<2x2x8xf32>, %r: tensor<8x2xf32>, %h0: tensor<2x2xf32>, %c0: tensor<2x2xf32>) -> tensor<2x2x2xf32> {
  %h, %c, %a = nn.lstm %g, %r, %h0, %c0 reverse : (tensor<2x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<2x2x2xf32>, tensor<2x2x2xf32>, tensor<2x2x8xf32>)
  return %h : tensor<2x2x2xf32>
}
