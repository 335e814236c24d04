// RUN: dtc-opt %s -dtc-print-sharding-rules -verify-diagnostics -o /dev/null

// Samples, the second dimension, stand alone; the gradient of the weight is a sum over them.
func.func @lstm(%g: tensor<3x2x8xf32>, %r: tensor<8x2xf32>, %s: tensor<2x2xf32>) {
  // expected-remark @below {{([i, j, l], [l, k], [j, k], [j, k]) -> ([i, j, k], [i, j, k], [i, j, l]) {i=3, j=2, k=2, l=8} whole {i, k, l}}}
  %l:3 = nn.lstm %g, %r, %s, %s : (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
  // expected-remark @below {{-> ([i, j, l], [l, k], [j, k], [j, k]) {i=3, j=2, k=2, l=8} sum {j} whole {i, k, l} linear {0}}}
  %d:4 = nn.lstm_gradient %l#0, %r, %s, %s, %l#0, %l#1, %l#2 : (tensor<3x2x2xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>) -> (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  return
}
