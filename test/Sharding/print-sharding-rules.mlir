// RUN: dtc-opt %s -dtc-print-sharding-rules -verify-diagnostics -o /dev/null

// The rule of every family. Letters are factors; [jk] is a dimension made of two.

func.func @elementwise(%x: tensor<8x5xf32>, %b: tensor<5xf32>, %row: tensor<1x5xf32>) {
  // expected-remark @below {{([i, j], [j]) -> ([i, j]) {i=8, j=5} linear {0, 1}}}
  %0 = nn.add %x, %b : tensor<8x5xf32>, tensor<5xf32>
  // expected-remark @below {{([1, j], [i, j]) -> ([i, j]) {i=8, j=5} linear {0}, {1}}}
  %1 = nn.mul %row, %x : tensor<1x5xf32>, tensor<8x5xf32>
  // expected-remark @below {{([i, j]) -> ([i, j]) {i=8, j=5}}}
  %2 = nn.relu %x : tensor<8x5xf32>
  // expected-remark @below {{linear {1, 2}}}
  %3 = nn.where_positive %x, %x, %b : tensor<8x5xf32>, tensor<8x5xf32>, tensor<5xf32>
  return
}

// Channels are groups x channels a group; positions reach into their neighbours.
func.func @convolution(%x: tensor<8x4x9xf32>, %w: tensor<6x2x3xf32>, %b: tensor<6xf32>, %dy: tensor<8x6x7xf32>) {
  // expected-remark @below {{([i, jl, m], [jk, l, n]) -> ([i, jk, o]) {i=8, j=2, k=3, l=2, m=9, n=3, o=7} sum {l} whole {m, n, o} linear {0}, {1}}}
  %0 = nn.conv %x, %w strides [1] dilations [1] pads [0, 0] groups 2 : (tensor<8x4x9xf32>, tensor<6x2x3xf32>) -> tensor<8x6x7xf32>
  // expected-remark @below {{([i, jl, m], [jk, l, n], [jk]) -> ([i, jk, o]) {i=8, j=2, k=3, l=2, m=9, n=3, o=7} whole {l, m, n, o} linear {0, 2}, {1, 2}}}
  %1 = nn.conv %x, %w bias %b strides [1] dilations [1] pads [0, 0] groups 2 : (tensor<8x4x9xf32>, tensor<6x2x3xf32>, tensor<6xf32>) -> tensor<8x6x7xf32>
  // expected-remark @below {{([i, jk, o], [jk, l, n]) -> ([i, jl, m]) {i=8, j=2, k=3, l=2, m=9, n=3, o=7} sum {k} whole {m, n, o} linear {0}, {1}}}
  %2 = nn.conv_input_gradient %dy, %w strides [1] dilations [1] pads [0, 0] groups 2 : (tensor<8x6x7xf32>, tensor<6x2x3xf32>) -> tensor<8x4x9xf32>
  // expected-remark @below {{([i, jl, m], [i, jk, o]) -> ([jk, l, n], [jk]) {i=8, j=2, k=3, l=2, m=9, n=3, o=7} sum {i} whole {l, m, n, o} linear {1}}}
  %3, %4 = nn.conv_weight_gradient %x, %dy strides [1] dilations [1] pads [0, 0] groups 2 : (tensor<8x4x9xf32>, tensor<8x6x7xf32>) -> (tensor<6x2x3xf32>, tensor<6xf32>)
  // expected-remark @below {{sum {i} whole {m, n, o} linear {1}, {0}}}
  %5 = nn.conv_weight_gradient %x, %dy strides [1] dilations [1] pads [0, 0] groups 2 : (tensor<8x4x9xf32>, tensor<8x6x7xf32>) -> tensor<6x2x3xf32>
  return
}

func.func @matmul(%a: tensor<8x2xf32>, %b: tensor<2x4xf32>, %c: tensor<7x1x5x8xf32>, %d: tensor<3x8x6xf32>) {
  // expected-remark @below {{([i, k], [k, j]) -> ([i, j]) {i=8, j=4, k=2} sum {k} linear {0}, {1}}}
  %0 = nn.matmul %a, %b : (tensor<8x2xf32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  // expected-remark @below {{([k, i], [k, j]) -> ([i, j]) {i=2, j=2, k=8}}}
  %1 = nn.matmul %a transposed, %a : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<2x2xf32>
  // Leading dimensions are batches; what is broadcast has no factor.
  // expected-remark @below {{([i, 1, k, m], [j, m, l]) -> ([i, j, k, l]) {i=7, j=3, k=5, l=6, m=8}}}
  %2 = nn.matmul %c, %d : (tensor<7x1x5x8xf32>, tensor<3x8x6xf32>) -> tensor<7x3x5x6xf32>
  return
}

func.func @pooling(%x: tensor<8x4x6xf32>) {
  // expected-remark @below {{([i, j, k]) -> ([i, j, l], [i, j, m]) {i=8, j=4, k=6, l=3, m=3} whole {k, l, m}}}
  %0, %1 = nn.max_pool %x kernel [2] strides [2] pads [0, 0] dilations [1] : (tensor<8x4x6xf32>) -> (tensor<8x4x3xf32>, tensor<8x4x3xui8>)
  // expected-remark @below {{([i, j, k], [i, j, l]) -> ([i, j, m]) {i=8, j=4, k=3, l=3, m=6} whole {k, l, m} linear {0}}}
  %2 = nn.max_pool_gradient %0, %1 kernel [2] strides [2] pads [0, 0] dilations [1] : (tensor<8x4x3xf32>, tensor<8x4x3xui8>) -> tensor<8x4x6xf32>
  return
}

func.func @shapes(%x: tensor<8x5x6xf32>, %y: tensor<6x4xf32>, %z: tensor<4x6x5xf32>) {
  // expected-remark @below {{([i, j, k]) -> ([ij, k]) {i=8, j=5, k=6} linear {0}}}
  %0 = nn.reshape %x : tensor<8x5x6xf32> -> tensor<40x6xf32>
  // expected-remark @below {{([ij, k]) -> ([i, jk]) {i=3, j=2, k=4} linear {0}}}
  %1 = nn.reshape %y : tensor<6x4xf32> -> tensor<3x8xf32>
  // Boundaries that cross are whole: 4 and 6 have the major 2 in common.
  // expected-remark @below {{([ij, l, n]) -> ([ik, m, 1, n]) {i=2, j=2, k=3, l=6, m=4, n=5} whole {j, k, l, m} linear {0}}}
  %2 = nn.reshape %z : tensor<4x6x5xf32> -> tensor<6x4x1x5xf32>
  // expected-remark @below {{([i, j, k]) -> ([k, i, j]) {i=8, j=5, k=6} linear {0}}}
  %3 = nn.transpose %x [2, 0, 1] : (tensor<8x5x6xf32>) -> tensor<6x8x5xf32>
  // expected-remark @below {{([i, j, k]) -> ([i, k]) {i=8, j=5, k=6} sum {j} linear {0}}}
  %4 = nn.reduce_sum %x axes [1] : (tensor<8x5x6xf32>) -> tensor<8x6xf32>
  // expected-remark @below {{([i, l, k], [i, m, k]) -> ([i, j, k]) {i=8, j=10, k=6, l=5, m=5} whole {j, l, m} linear {0, 1}}}
  %5 = nn.concat %x, %x axis 1 : (tensor<8x5x6xf32>, tensor<8x5x6xf32>) -> tensor<8x10x6xf32>
  // expected-remark @below {{([i, j, l]) -> ([i, k, l]) {i=8, j=5, k=2, l=6} whole {j, k} linear {0}}}
  %6 = nn.slice %x [0, 1, 0] : tensor<8x5x6xf32> -> tensor<8x2x6xf32>
  // expected-remark @below {{([j, k]) -> ([i, j, k]) {i=8, j=6, k=4}}}
  %7 = nn.broadcast %y : tensor<6x4xf32> -> tensor<8x6x4xf32>
  // expected-remark @below {{([i, j]) -> ([i, j]) {i=6, j=4} whole {j}}}
  %8 = nn.softmax %y axis 1 : tensor<6x4xf32>
  // expected-remark @below {{() -> ([i, j]) {i=2, j=3}}}
  %9 = nn.constant dense<1.0> : tensor<2x3xf32> : tensor<2x3xf32>
  // expected-remark @below {{() -> ([i]) {i=2} whole {i}}}
  %10 = nn.constant dense<[1.0, 2.0]> : tensor<2xf32> : tensor<2xf32>
  return
}

func.func @training(%logits: tensor<8x5x3xf32>, %label: tensor<8x5xi64>, %weight: tensor<8xf32>, %step: tensor<i64>, %lr: tensor<f64>) {
  // expected-remark @below {{([i, j, k], [i, j], [i]) -> ([], [i, j, k]) {i=8, j=5, k=3} sum {i} whole {j, k} linear {2}}}
  %loss, %dlogits = nn.softmax_cross_entropy %logits, %label, %weight : (tensor<8x5x3xf32>, tensor<8x5xi64>, tensor<8xf32>) -> (tensor<f32>, tensor<8x5x3xf32>)
  // expected-remark @below {{([i], [i], [], []) -> ([i]) {i=8}}}
  %w = nn.update %weight, %weight rate %lr step %step by sgd<lr = 0.1> : (tensor<8xf32>, tensor<8xf32>, tensor<f64>, tensor<i64>) -> tensor<8xf32>
  return
}

// Samples and heads stand alone, j groups of k heads each; what heads share, or samples, has a sum over them as its gradient.
func.func @attention(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %m: tensor<4x6x7xf32>, %dy: tensor<2x4x6x3xf32>) {
  // expected-remark @below {{([i, jk, l, n], [i, j, m, n], [i, j, m, o], [jk, l, m]) -> ([i, jk, l, o], [i, jk, l]) {i=2, j=2, k=2, l=6, m=7, n=5, o=3} whole {l, m, n, o}}}
  %y, %lse = nn.attention %q, %k, %v mask %m {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<4x6x7xf32>) -> (tensor<2x4x6x3xf32>, tensor<2x4x6xf32>)
  // expected-remark @below {{-> ([i, jk, l, n], [i, j, m, n], [i, j, m, o]) {i=2, j=2, k=2, l=6, m=7, n=5, o=3} sum {k} whole {l, m, n, o} linear {0}}}
  %dq, %dk, %dv = nn.attention_gradient %dy, %q, %k, %v, %y, %lse mask %m {scale = 0.5} : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>, tensor<4x6x7xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>)
  // expected-remark @below {{-> ([i, jk, l, n], [i, j, m, n], [i, j, m, o], [jk, l, m]) {i=2, j=2, k=2, l=6, m=7, n=5, o=3} sum {i, j, k} whole {l, m, n, o} linear {0}}}
  %r:4 = nn.attention_gradient %dy, %q, %k, %v, %y, %lse mask %m {scale = 0.5} : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>, tensor<4x6x7xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<4x6x7xf32>)
  return
}

// The statistics that the gradient takes are each share's own.
func.func @normalisation(%x: tensor<8x5x3xf32>, %scale: tensor<5xf32>, %weight: tensor<8xf32>) {
  // expected-remark @below {{([i, j, k], [j], [j], [i]) -> ([i, j, k], [j], [j], [j], [j]) {i=8, j=5, k=3} sum {i} whole {k} linear {3} own {} -> {3, 4}}}
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %scale, %scale, %weight {epsilon = 1.0e-5} : (tensor<8x5x3xf32>, tensor<5xf32>, tensor<5xf32>, tensor<8xf32>) -> (tensor<8x5x3xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>)
  // expected-remark @below {{([i, j, k], [i, j, k], [j], [i], [j], [j]) -> ([i, j, k], [j], [j]) {i=8, j=5, k=3} sum {i} whole {k} linear {0} own {4, 5} -> {}}}
  %dx, %dscale, %dbias = nn.batch_norm_gradient %y, %x, %scale, %weight statistics %mean, %inverse : (tensor<8x5x3xf32>, tensor<8x5x3xf32>, tensor<5xf32>, tensor<8xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<8x5x3xf32>, tensor<5xf32>, tensor<5xf32>)
  return
}

// Any index may name any row, so rows are whole; a gradient is a sum over the indices.
func.func @gather(%table: tensor<7x4xf32>, %ids: tensor<8x5xi64>, %dy: tensor<8x5x4xf32>, %x: tensor<8x6x4xf32>, %which: tensor<3xi32>) {
  // expected-remark @below {{([i, j], [k, l]) -> ([k, l, j]) {i=7, j=4, k=8, l=5} whole {i} linear {0}}}
  %0 = nn.gather %table, %ids axis 0 : (tensor<7x4xf32>, tensor<8x5xi64>) -> tensor<8x5x4xf32>
  // expected-remark @below {{([k, l, j], [k, l]) -> ([i, j]) {i=7, j=4, k=8, l=5} sum {k, l} whole {i} linear {0}}}
  %1 = nn.gather_gradient %dy, %ids axis 0 : tensor<8x5x4xf32>, tensor<8x5xi64> -> tensor<7x4xf32>
  // expected-remark @below {{([i, j, k], [l]) -> ([i, l, k]) {i=8, j=6, k=4, l=3} whole {j} linear {0}}}
  %2 = nn.gather %x, %which axis 1 : (tensor<8x6x4xf32>, tensor<3xi32>) -> tensor<8x3x4xf32>
  return
}

// A sample's elements are counted from its beginning, so each share has all of them.
func.func @random(%x: tensor<8x5xf32>, %t: tensor<3x16x2xf32>, %step: tensor<i64>, %sample: tensor<8xi64>) {
  // expected-remark @below {{([i, j]) -> ([i, j]) {i=8, j=5} linear {0}}}
  %0 = nn.dropout %x {ratio = 0.1 : f64} : (tensor<8x5xf32>) -> tensor<8x5xf32>
  // expected-remark @below {{([i, j], [], [i]) -> ([i, j]) {i=8, j=5} whole {j} linear {0}}}
  %1 = nn.dropout_training %x step %step sample %sample {ratio = 0.1 : f64, stream = 0 : i64} : (tensor<8x5xf32>, tensor<i64>, tensor<8xi64>) -> tensor<8x5xf32>
  // expected-remark @below {{([i, jk, l], [], [j]) -> ([i, jk, l]) {i=3, j=8, k=2, l=2} whole {i, k, l} linear {0}}}
  %2 = nn.dropout_training %t step %step sample %sample {ratio = 0.1 : f64, stream = 0 : i64, outer = 3 : i64} : (tensor<3x16x2xf32>, tensor<i64>, tensor<8xi64>) -> tensor<3x16x2xf32>
  // expected-remark @below {{([i, j], []) -> ([i, j]) {i=8, j=5} whole {i, j} linear {0}}}
  %3 = nn.dropout_training %x step %step {ratio = 0.1 : f64, stream = 0 : i64} : (tensor<8x5xf32>, tensor<i64>) -> tensor<8x5xf32>
  return
}

// Rows stand alone; gradients of parameters are sums over them.
func.func @rows(%x: tensor<8x4x6xf32>, %scale: tensor<6xf32>) {
  // expected-remark @below {{([i, j, k], [k], [k]) -> ([i, j, k], [i, j], [i, j]) {i=8, j=4, k=6} whole {k}}}
  %y, %mean, %inverse = nn.layer_norm %x scale %scale bias %scale {axis = 2, epsilon = 1.0e-5} : (tensor<8x4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<8x4x6xf32>, tensor<8x4xf32>, tensor<8x4xf32>)
  // expected-remark @below {{([i, j, k], [i, j, k], [i, j], [i, j], [k]) -> ([i, j, k], [k], [k]) {i=8, j=4, k=6} sum {i, j} whole {k} linear {0}}}
  %dx:3 = nn.layer_norm_gradient %y, %x inverse %inverse mean %mean scale %scale : tensor<8x4x6xf32>, tensor<8x4x6xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<6xf32> -> tensor<8x4x6xf32> scale tensor<6xf32> bias tensor<6xf32>
  return
}

// Channels are shared out by whole groups.
func.func @groups(%x: tensor<8x6x5xf32>, %scale: tensor<6xf32>) {
  // expected-remark @below {{([i, jk, l], [jk], [jk]) -> ([i, jk, l], [i, j], [i, j]) {i=8, j=3, k=2, l=5} whole {k, l}}}
  %y, %mean, %inverse = nn.group_norm %x, %scale, %scale groups 3 {epsilon = 1.0e-5} : (tensor<8x6x5xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<8x6x5xf32>, tensor<8x3xf32>, tensor<8x3xf32>)
  // expected-remark @below {{([i, jk, l], [i, jk, l], [jk], [i, j], [i, j]) -> ([i, jk, l], [jk], [jk]) {i=8, j=3, k=2, l=5} sum {i} whole {k, l} linear {0}}}
  %dx:3 = nn.group_norm_gradient %y, %x, %scale statistics %mean, %inverse : (tensor<8x6x5xf32>, tensor<8x6x5xf32>, tensor<6xf32>, tensor<8x3xf32>, tensor<8x3xf32>) -> (tensor<8x6x5xf32>, tensor<6xf32>, tensor<6xf32>)
  return
}
