// RUN: dtc-opt %s -split-input-file -dtc-shard-batch=devices=4 | FileCheck %s

// A rank gives back its own rows of the output, and nothing is exchanged.
// CHECK-LABEL: func.func @predict(
// CHECK-SAME: %[[X:.*]]: tensor<3x8xf32> {dist.shard = "data", nn.input = "x"}
// CHECK-SAME: -> (tensor<3x5xf32> {dist.shard = "data", nn.output = "y"})
// CHECK-NEXT: %[[Y:.*]] = nn.matmul %[[X]]
// CHECK-NEXT: return %[[Y]] : tensor<3x5xf32>
func.func @predict(%x: tensor<10x8xf32> {nn.input = "x"}, %w: tensor<5x8xf32> {nn.parameter = "w"})
    -> (tensor<10x5xf32> {nn.output = "y"}) attributes {nn.phase = "predict"} {
  %y = nn.matmul %x, %w transposed : (tensor<10x8xf32>, tensor<5x8xf32>) -> tensor<10x5xf32>
  return %y : tensor<10x5xf32>
}

// -----

// One that all ranks could make whole is made for a rank's rows alone.
// CHECK-LABEL: func.func @predict(
// CHECK-SAME: -> (tensor<3x5xf32> {dist.shard = "data", nn.output = "y"})
// CHECK-NEXT: %[[Y:.*]] = nn.broadcast %{{.*}} : tensor<5xf32> -> tensor<3x5xf32>
// CHECK-NEXT: return %[[Y]]
func.func @predict(%x: tensor<10x8xf32> {nn.input = "x"}, %w: tensor<5xf32> {nn.parameter = "w"})
    -> (tensor<10x5xf32> {nn.output = "y"}) attributes {nn.phase = "predict"} {
  %y = nn.broadcast %w : tensor<5xf32> -> tensor<10x5xf32>
  return %y : tensor<10x5xf32>
}
