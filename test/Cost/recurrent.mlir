// RUN: dtc-opt %s -dtc-print-costs -verify-diagnostics -o /dev/null

// An LSTM's recurrence costs a product with r for each step, its gradient two.
func.func @lstm(%g: tensor<3x2x8xf32>, %r: tensor<8x2xf32>, %s: tensor<2x2xf32>) {
  // 3 · 2 · 2 elements of states · (8 · 2 + 13); the same initial states are read once.
  // expected-remark @below {{348 FLOP, 272 bytes read, 288 bytes written}}
  %l:3 = nn.lstm %g, %r, %s, %s : (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> (tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>)
  // 12 · (16 · 2 + 25).
  // expected-remark @below {{684 FLOP}}
  %d:4 = nn.lstm_gradient %l#0, %r, %s, %s, %l#0, %l#1, %l#2 : (tensor<3x2x2xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x2xf32>, tensor<3x2x8xf32>) -> (tensor<3x2x8xf32>, tensor<8x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>)
  return
}
