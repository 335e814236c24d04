// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK-LABEL: @lstm
// CHECK: [[H:%.*]], [[C:%.*]], [[A:%.*]] = nn.lstm %arg0, %arg1, %arg2, %arg2 reverse : (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
// CHECK: nn.lstm_gradient [[H]], %arg1, %arg2, %arg2, [[H]], [[C]], [[A]] cell [[C]] reverse :
// CHECK: nn.lstm_gradient [[H]], %arg1, %arg2, %arg2, [[H]], [[C]], [[A]] :
func.func @lstm(%g: tensor<3x2x8xf32>, %r: tensor<8x2xf32>, %s: tensor<2x2xf32>) {
  %l:3 = nn.lstm %g, %r, %s, %s reverse : (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
  %d:4 = nn.lstm_gradient %l#0, %r, %s, %s, %l#0, %l#1, %l#2 cell %l#1 reverse : (tensor<3x2x2xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>, tensor<3x2x2xf32>) -> (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  %e:4 = nn.lstm_gradient %l#0, %r, %s, %s, %l#0, %l#1, %l#2 : (tensor<3x2x2xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>) -> (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  return
}
