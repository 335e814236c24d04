// RUN: dtc-opt %s -dtc-cancel-transposes -split-input-file | FileCheck %s

// Between a transpose and its inverse nothing needs channels last; a bias of channels is reshaped.
// CHECK-LABEL: @between
// CHECK-NOT: nn.transpose
// CHECK: %[[BIAS:.*]] = nn.reshape %arg1 : tensor<3xf32> -> tensor<1x3x1x1xf32>
// CHECK: %[[SUM:.*]] = nn.add %arg0, %[[BIAS]] : tensor<4x3x8x6xf32>, tensor<1x3x1x1xf32>
// CHECK: %[[Y:.*]] = nn.clip %[[SUM]] {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64} : tensor<4x3x8x6xf32>
// CHECK: return %[[Y]]
func.func @between(%x: tensor<4x3x8x6xf32>, %bias: tensor<3xf32>) -> tensor<4x3x8x6xf32> {
  %a = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %b = nn.add %a, %bias : tensor<4x8x6x3xf32>, tensor<3xf32>
  %c = nn.clip %b {min = 0.0 : f64, max = 6.0 : f64} : tensor<4x8x6x3xf32>
  %y = nn.transpose %c [0, 3, 1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3x8x6xf32>
  return %y : tensor<4x3x8x6xf32>
}

// -----

// A residual addition moves with both its branches.
// CHECK-LABEL: @residual
// CHECK-NOT: nn.transpose
// CHECK: nn.add %arg0, %arg1 : tensor<4x3x8x6xf32>, tensor<4x3x8x6xf32>
// CHECK-NOT: nn.transpose
// CHECK: return
func.func @residual(%u: tensor<4x3x8x6xf32>, %v: tensor<4x3x8x6xf32>) -> (tensor<4x3x8x6xf32>, tensor<4x3x8x6xf32>) {
  %a = nn.transpose %u [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %b = nn.transpose %v [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %c = nn.add %a, %b : tensor<4x8x6x3xf32>, tensor<4x8x6x3xf32>
  %d = nn.relu %c : tensor<4x8x6x3xf32>
  %y = nn.transpose %d [0, 3, 1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3x8x6xf32>
  %z = nn.transpose %c [0, 3, 1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3x8x6xf32>
  return %y, %z : tensor<4x3x8x6xf32>, tensor<4x3x8x6xf32>
}

// -----

// Of two branches one is in channels last anyway: moved or not, one tensor is transposed before the addition and one behind it, or one before
// it. Nothing is gained, and it stays.
// CHECK-LABEL: @one_branch
// CHECK: %[[A:.*]] = nn.transpose %arg0 [0, 2, 3, 1]
// CHECK: %[[SUM:.*]] = nn.add %[[A]], %arg1 : tensor<4x8x6x3xf32>, tensor<4x8x6x3xf32>
// CHECK: return %[[SUM]]
func.func @one_branch(%u: tensor<4x3x8x6xf32>, %v: tensor<4x8x6x3xf32>) -> tensor<4x8x6x3xf32> {
  %a = nn.transpose %u [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %c = nn.add %a, %v : tensor<4x8x6x3xf32>, tensor<4x8x6x3xf32>
  return %c : tensor<4x8x6x3xf32>
}

// -----

// Offsets and axes follow their dimensions. What is smaller is transposed: the slice behind its op, not the whole before it.
// CHECK-LABEL: @offsets
// CHECK: %[[PAD:.*]] = nn.pad %arg0 [0, 0, 1, 2] : tensor<4x3x8x6xf32> -> tensor<4x3x10x10xf32>
// CHECK: %[[CAT:.*]] = nn.concat %[[PAD]], %[[PAD]] axis 1
// CHECK: %[[SOFT:.*]] = nn.softmax %[[CAT]] axis 1
// CHECK: %[[PART:.*]] = nn.slice %[[SOFT]] [0, 5, 1, 2] : tensor<4x6x10x10xf32> -> tensor<4x1x2x3xf32>
// CHECK-NOT: nn.transpose
// CHECK: %[[Y:.*]] = nn.reshape %[[PART]] : tensor<4x1x2x3xf32> -> tensor<4x2x3x1xf32>
// CHECK: return %[[Y]]
func.func @offsets(%x: tensor<4x3x8x6xf32>) -> tensor<4x2x3x1xf32> {
  %a = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %b = nn.pad %a [0, 1, 2, 0] : tensor<4x8x6x3xf32> -> tensor<4x10x10x3xf32>
  %c = nn.concat %b, %b axis 3 : (tensor<4x10x10x3xf32>, tensor<4x10x10x3xf32>) -> tensor<4x10x10x6xf32>
  %d = nn.softmax %c axis 3 : tensor<4x10x10x6xf32>
  %y = nn.slice %d [0, 1, 2, 5] : tensor<4x10x10x6xf32> -> tensor<4x2x3x1xf32>
  return %y : tensor<4x2x3x1xf32>
}

// -----

// A mean over an image, with and without its dimensions: channels stay behind samples. Where what is left changes its order, that is
// transposed, since it is smaller.
// CHECK-LABEL: @means
// CHECK: %[[A:.*]] = nn.reduce_mean %arg0 axes [2, 3] : (tensor<4x3x8x6xf32>) -> tensor<4x3xf32>
// CHECK: %[[K:.*]] = nn.reduce_mean %arg0 axes [2, 3] keep : (tensor<4x3x8x6xf32>) -> tensor<4x3x1x1xf32>
// CHECK: %[[B:.*]] = nn.reshape %[[K]] : tensor<4x3x1x1xf32> -> tensor<4x1x1x3xf32>
// CHECK: %[[S:.*]] = nn.reduce_sum %arg0 axes [2] : (tensor<4x3x8x6xf32>) -> tensor<4x3x6xf32>
// CHECK: %[[C:.*]] = nn.transpose %[[S]] [0, 2, 1] : (tensor<4x3x6xf32>) -> tensor<4x6x3xf32>
// CHECK: return %[[A]], %[[B]], %[[C]]
func.func @means(%x: tensor<4x3x8x6xf32>) -> (tensor<4x3xf32>, tensor<4x1x1x3xf32>, tensor<4x6x3xf32>) {
  %t = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %a = nn.reduce_mean %t axes [1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3xf32>
  %b = nn.reduce_mean %t axes [1, 2] keep : (tensor<4x8x6x3xf32>) -> tensor<4x1x1x3xf32>
  %c = nn.reduce_sum %t axes [1] : (tensor<4x8x6x3xf32>) -> tensor<4x6x3xf32>
  return %a, %b, %c : tensor<4x3xf32>, tensor<4x1x1x3xf32>, tensor<4x6x3xf32>
}

// -----

// Flattened elements have an order: the transpose before a reshape stays, as near to it as it is cheapest.
// CHECK-LABEL: @flattened
// CHECK: %[[R:.*]] = nn.relu %arg0 : tensor<4x3x8x6xf32>
// CHECK: %[[M:.*]] = nn.slice %[[R]] [0, 0, 0, 0] : tensor<4x3x8x6xf32> -> tensor<4x3x4x3xf32>
// CHECK: %[[T:.*]] = nn.transpose %[[M]] [0, 2, 3, 1] : (tensor<4x3x4x3xf32>) -> tensor<4x4x3x3xf32>
// CHECK: nn.reshape %[[T]] : tensor<4x4x3x3xf32> -> tensor<4x36xf32>
func.func @flattened(%x: tensor<4x3x8x6xf32>) -> tensor<4x36xf32> {
  %a = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %b = nn.relu %a : tensor<4x8x6x3xf32>
  %c = nn.slice %b [0, 0, 0, 0] : tensor<4x8x6x3xf32> -> tensor<4x4x3x3xf32>
  %y = nn.reshape %c : tensor<4x4x3x3xf32> -> tensor<4x36xf32>
  return %y : tensor<4x36xf32>
}

// -----

// Random numbers belong to elements: dropout stays, and so do its transposes.
// CHECK-LABEL: @dropout
// CHECK: %[[T:.*]] = nn.transpose %arg0 [0, 2, 3, 1]
// CHECK: %[[D:.*]] = nn.dropout %[[T]]
// CHECK: nn.transpose %[[D]] [0, 3, 1, 2]
func.func @dropout(%x: tensor<4x3x8x6xf32>) -> tensor<4x3x8x6xf32> {
  %a = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %b = nn.dropout %a {ratio = 0.25 : f64} : (tensor<4x8x6x3xf32>) -> tensor<4x8x6x3xf32>
  %y = nn.transpose %b [0, 3, 1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3x8x6xf32>
  return %y : tensor<4x3x8x6xf32>
}

// -----

// Read in both orders it is transposed once, behind the op.
// CHECK-LABEL: @both_orders
// CHECK: %[[R:.*]] = nn.relu %arg0 : tensor<4x3x8x6xf32>
// CHECK: %[[T:.*]] = nn.transpose %[[R]] [0, 2, 3, 1]
// CHECK-NOT: nn.transpose
// CHECK: return %[[R]], %[[T]], %[[T]]
func.func @both_orders(%x: tensor<4x3x8x6xf32>) -> (tensor<4x3x8x6xf32>, tensor<4x8x6x3xf32>, tensor<4x8x6x3xf32>) {
  %a = nn.transpose %x [0, 2, 3, 1] : (tensor<4x3x8x6xf32>) -> tensor<4x8x6x3xf32>
  %b = nn.relu %a : tensor<4x8x6x3xf32>
  %y = nn.transpose %b [0, 3, 1, 2] : (tensor<4x8x6x3xf32>) -> tensor<4x3x8x6xf32>
  return %y, %b, %b : tensor<4x3x8x6xf32>, tensor<4x8x6x3xf32>, tensor<4x8x6x3xf32>
}
