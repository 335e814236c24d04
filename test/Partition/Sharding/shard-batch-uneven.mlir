// Rows in proportion to the ranks' speeds: a version of the step for each.
// RUN: dtc-opt %s "-dtc-shard-batch=devices=3 speeds=1,0.5,1" | FileCheck %s
// RUN: dtc-opt %s "-dtc-shard-batch=devices=3 speeds=1,0.5,1 microbatches=2" | FileCheck %s --check-prefix=MICRO
// RUN: not dtc-opt %s "-dtc-shard-batch=devices=3 speeds=1,2" 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not dtc-opt %s "-dtc-shard-batch=devices=12 speeds=1,2,1,1,1,1,1,1,1,1,1,1" 2>&1 | FileCheck %s --check-prefix=FEW
// COUNT: there are 2 speeds for 3 devices along 'data'
// FEW: a batch of 10 has no row for each of 12 devices

// CHECK: func.func @train_data0(%{{.*}}: tensor<4x8xf32>
// CHECK-SAME: dist.at = {data = 0 : i64}
// CHECK-SAME: dist.first_row = 0 : i64
// CHECK: func.func @train_data1(%{{.*}}: tensor<2x8xf32>
// CHECK-SAME: dist.first_row = 4 : i64
// CHECK: func.func @train_data2(%{{.*}}: tensor<4x8xf32>
// CHECK-SAME: dist.first_row = 6 : i64

// Microbatches of one rank are of one size.
// MICRO: func.func @train_data0(%{{.*}}: tensor<2x8xf32>
// MICRO: func.func @train_data1(%{{.*}}: tensor<1x8xf32>
// MICRO-SAME: dist.first_row = 4 : i64
// MICRO: func.func @train_data2(%{{.*}}: tensor<2x8xf32>
func.func @train(%x: tensor<10x8xf32> {nn.input = "x"}, %label: tensor<10xi64> {nn.label},
                 %weight: tensor<10xf32> {nn.sample_weight}, %w: tensor<5x8xf32> {nn.parameter = "w"})
    -> (tensor<f32> {nn.loss}, tensor<5x8xf32> {nn.parameter = "w"})
    attributes {nn.phase = "train"} {
  %y = nn.matmul %x, %w transposed : (tensor<10x8xf32>, tensor<5x8xf32>) -> tensor<10x5xf32>
  %loss, %dy = nn.softmax_cross_entropy %y, %label, %weight : (tensor<10x5xf32>, tensor<10xi64>, tensor<10xf32>) -> (tensor<f32>, tensor<10x5xf32>)
  %dw = nn.matmul %dy transposed, %x : (tensor<10x5xf32>, tensor<10x8xf32>) -> tensor<5x8xf32>
  return %loss, %dw : tensor<f32>, tensor<5x8xf32>
}
