// What looks like an epilogue and must stay an op of its own.
// RUN: dtc-opt %s --dtc-fuse-epilogues | FileCheck %s

// CHECK-NOT: epilogue<
// CHECK-NOT: bias

// Backward reads the pre-activation.
// CHECK-LABEL: dist.fragment @read_again
// CHECK: nn.relu
dist.fragment @read_again(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %dy: tensor<4x8xf32>, %zero: tensor<f32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.relu %0 : tensor<4x8xf32>
  %2 = nn.where_positive %0, %dy, %zero : tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>
  dist.return %1, %2 : tensor<4x8xf32>, tensor<4x8xf32>
}

// Another fragment reads the pre-activation.
// CHECK-LABEL: dist.fragment @returned
// CHECK: nn.relu
dist.fragment @returned(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.relu %0 : tensor<4x8xf32>
  dist.return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// The product alone is read too.
// CHECK-LABEL: func.func @product_read
// CHECK: nn.add
func.func @product_read(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.add %0, %b : tensor<4x8xf32>, tensor<8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// One value for each row, not for each column.
// CHECK-LABEL: func.func @column
// CHECK: nn.add
func.func @column(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<4x1xf32>) -> tensor<4x8xf32> {
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.add %0, %b : tensor<4x8xf32>, tensor<4x1xf32>
  return %1 : tensor<4x8xf32>
}

// One value for all columns.
// CHECK-LABEL: func.func @scalar
// CHECK: nn.add
func.func @scalar(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<1xf32>) -> tensor<4x8xf32> {
  %0 = nn.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = nn.add %0, %b : tensor<4x8xf32>, tensor<1xf32>
  return %1 : tensor<4x8xf32>
}

// The sum is larger than the product.
// CHECK-LABEL: func.func @repeated
// CHECK: nn.add
func.func @repeated(%x: tensor<1x8xf32>, %w: tensor<8x8xf32>, %b: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = nn.matmul %x, %w : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
  %1 = nn.add %0, %b : tensor<1x8xf32>, tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// A row beside the channels of a convolution is no bias of it.
// CHECK-LABEL: func.func @conv_row
// CHECK: nn.add
func.func @conv_row(%x: tensor<4x1x8x8xf32>, %w: tensor<6x1x3x3xf32>, %b: tensor<6xf32>) -> tensor<4x6x6x6xf32> {
  %0 = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<4x1x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<4x6x6x6xf32>
  %1 = nn.add %0, %b : tensor<4x6x6x6xf32>, tensor<6xf32>
  return %1 : tensor<4x6x6x6xf32>
}

// A pooling's call adds no bias, an average's applies no activation.
// CHECK-LABEL: func.func @pools
// CHECK: nn.add
// CHECK: nn.relu
func.func @pools(%x: tensor<4x6x6x6xf32>, %b: tensor<6x1x1xf32>) -> (tensor<4x6x3x3xf32>, tensor<4x6x3x3xf32>) {
  %0, %index = nn.max_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<4x6x6x6xf32>) -> (tensor<4x6x3x3xf32>, tensor<4x6x3x3xui8>)
  %1 = nn.add %0, %b : tensor<4x6x3x3xf32>, tensor<6x1x1xf32>
  %2 = nn.avg_pool %x kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<4x6x6x6xf32>) -> tensor<4x6x3x3xf32>
  %3 = nn.relu %2 : tensor<4x6x3x3xf32>
  return %1, %3 : tensor<4x6x3x3xf32>, tensor<4x6x3x3xf32>
}
