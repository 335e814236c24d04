// RUN: dtc-opt %s -dtc-print-costs -verify-diagnostics -o /dev/null

// Attention costs what its pairs of a query and a key cost; a tensor of all pairs is neither read nor written.
func.func @attention(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %dy: tensor<2x4x6x3xf32>) {
  // 2 · 4 · 6 · 7 pairs · (2 (5 + 3) + 5).
  // expected-remark @below {{7056 FLOP, 1856 bytes read, 768 bytes written}}
  %y, %lse = nn.attention %q, %k, %v {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>) -> (tensor<2x4x6x3xf32>, tensor<2x4x6xf32>)
  // 2 · 4 · (1 + … + 6) pairs.
  // expected-remark @below {{3528 FLOP, 1856 bytes read, 768 bytes written}}
  %z, %lse_z = nn.attention %q, %k, %v causal {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>) -> (tensor<2x4x6x3xf32>, tensor<2x4x6xf32>)
  // 336 pairs · (2 (3 · 5 + 2 · 3) + 4), and 2 an element of y.
  // expected-remark @below {{15744 FLOP, 3200 bytes read, 1856 bytes written}}
  %dq, %dk, %dv = nn.attention_gradient %dy, %q, %k, %v, %y, %lse {scale = 0.5} : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>)
  return
}
