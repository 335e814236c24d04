// RUN: dtc-opt %s -dtc-print-costs -verify-diagnostics -o /dev/null

func.func @model(%x: tensor<2x4x8x8xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>, %m: tensor<5x216xf32>,
                 %label: tensor<2xi64>, %weight: tensor<2xf32>, %step: tensor<i64>, %lr: tensor<f64>) {
  // 2 · (2·6·6·6 elements of y) · (2 channels a group · 9) + bias.
  // expected-remark @below {{15984 FLOP, 2504 bytes read, 1728 bytes written}}
  %y = nn.conv %x, %w bias %b strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : (tensor<2x4x8x8xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<2x6x6x6xf32>
  // expected-remark @below {{432 FLOP, 1728 bytes read, 1728 bytes written}}
  %r = nn.relu %y : tensor<2x6x6x6xf32>
  // The window has four elements, the index one byte.
  // expected-remark @below {{432 FLOP, 1728 bytes read, 540 bytes written}}
  %p, %index = nn.max_pool %r kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x6x6x6xf32>) -> (tensor<2x6x3x3xf32>, tensor<2x6x3x3xui8>)
  // expected-remark @below {{0 FLOP, 0 bytes read, 0 bytes written}}
  %flat = nn.reshape %r : tensor<2x6x6x6xf32> -> tensor<2x216xf32>
  // expected-remark @below {{4320 FLOP, 6048 bytes read, 40 bytes written}}
  %logits = nn.matmul %flat, %m transposed : (tensor<2x216xf32>, tensor<5x216xf32>) -> tensor<2x5xf32>
  // expected-remark @below {{60 FLOP, 64 bytes read, 44 bytes written}}
  %loss, %dlogits = nn.softmax_cross_entropy %logits, %label, %weight : (tensor<2x5xf32>, tensor<2xi64>, tensor<2xf32>) -> (tensor<f32>, tensor<2x5xf32>)
  // The multiplications of the forward convolution; dbias adds dy's elements.
  // expected-remark @below {{15552 FLOP, 2160 bytes read, 2048 bytes written}}
  %dx = nn.conv_input_gradient %r, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : (tensor<2x6x6x6xf32>, tensor<6x2x3x3xf32>) -> tensor<2x4x8x8xf32>
  // expected-remark @below {{15984 FLOP, 3776 bytes read, 456 bytes written}}
  %dw, %db = nn.conv_weight_gradient %x, %r strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 2
     : (tensor<2x4x8x8xf32>, tensor<2x6x6x6xf32>) -> (tensor<6x2x3x3xf32>, tensor<6xf32>)
  // w - lr g: two an element.
  // expected-remark @below {{12 FLOP, 64 bytes read, 24 bytes written}}
  %b1 = nn.update %b, %db rate %lr step %step by sgd<lr = 0.1> : (tensor<6xf32>, tensor<6xf32>, tensor<f64>, tensor<i64>) -> tensor<6xf32>
  return
}

// Batch normalisation reads x for its statistics and again to write y; its gradient both dy and x.
func.func @normalisation(%x: tensor<8x4xf32>, %c: tensor<4xf32>, %weight: tensor<8xf32>) {
  // expected-remark @below {{224 FLOP, 304 bytes read, 192 bytes written}}
  %y, %a, %b, %mean, %inverse = nn.batch_norm_training %x, %c, %c, %weight {epsilon = 1.0e-5}
     : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  // The residual is read once.
  // expected-remark @below {{288 FLOP, 432 bytes read, 192 bytes written}}
  %z:5 = nn.batch_norm_training %x, %c, %c, %weight epilogue<residual, activation = relu>(%y) {epsilon = 1.0e-5}
     : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  // expected-remark @below {{288 FLOP, 592 bytes read, 160 bytes written}}
  %dx:3 = nn.batch_norm_gradient %y, %x, %c, %weight statistics %mean, %inverse
     : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>)
  // expected-remark @below {{480 FLOP, 608 bytes read, 160 bytes written}}
  %dz:3 = nn.batch_norm_gradient %y, %x, %c, %weight statistics %mean, %inverse relu %a
     : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>)
  return
}

// A row stays in caches from its statistics to y; a group is read again.
func.func @normalisation_of_samples(%x: tensor<8x4xf32>, %c: tensor<4xf32>) {
  // expected-remark @below {{256 FLOP, 144 bytes read, 192 bytes written}}
  %y, %mean, %inverse = nn.layer_norm %x scale %c bias %c {axis = 1, epsilon = 1.0e-5}
     : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>)
  // expected-remark @below {{416 FLOP, 336 bytes read, 160 bytes written}}
  %dx:3 = nn.layer_norm_gradient %y, %x inverse %inverse mean %mean scale %c
     : tensor<8x4xf32>, tensor<8x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4xf32> -> tensor<8x4xf32> scale tensor<4xf32> bias tensor<4xf32>
  // expected-remark @below {{224 FLOP, 272 bytes read, 256 bytes written}}
  %z:3 = nn.group_norm %x, %c, %c groups 2 {epsilon = 1.0e-5}
     : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x2xf32>, tensor<8x2xf32>)
  return
}

// A fused kernel: two operations a point; what it writes over is not read.
func.func @kernel(%x: tensor<4x8xf32>, %b: tensor<8xf32>) {
  %empty = tensor.empty() : tensor<4x8xf32>
  // expected-remark @below {{64 FLOP, 160 bytes read, 128 bytes written}}
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : tensor<4x8xf32>, tensor<8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%e: f32, %f: f32, %unused: f32):
    %zero = arith.constant 0.0 : f32
    %sum = arith.addf %e, %f : f32
    %positive = arith.cmpf ogt, %sum, %zero : f32
    %relu = arith.select %positive, %sum, %zero : f32
    linalg.yield %relu : f32
  } -> tensor<4x8xf32>
  return
}

// A timeline costs what its fragments cost, as often as they run.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// expected-remark @below {{10 FLOP, 40 bytes read, 40 bytes written}}
dist.fragment @double(%x: tensor<10xf32>) -> tensor<10xf32> {
  // expected-remark @below {{10 FLOP, 40 bytes read, 40 bytes written}}
  %y = nn.add %x, %x : tensor<10xf32>, tensor<10xf32>
  dist.return %y : tensor<10xf32>
}
// expected-remark @below {{20 FLOP, 80 bytes read, 80 bytes written, 40 bytes communicated}}
dist.timeline @train(%x: tensor<10xf32>) -> tensor<10xf32> attributes {phase = "train", role = "all"} {
  // expected-remark @below {{10 FLOP, 40 bytes read, 40 bytes written}}
  %y = dist.run @double(%x) : (tensor<10xf32>) -> tensor<10xf32>
  // expected-remark @below {{10 FLOP, 40 bytes read, 40 bytes written}}
  %z = dist.run @double(%y) : (tensor<10xf32>) -> tensor<10xf32>
  // expected-remark @below {{0 FLOP, 0 bytes read, 0 bytes written, 40 bytes communicated}}
  %t = dist.all_reduce_start sum %z over "data" bucket "b" ["z"] : tensor<10xf32> -> <tensor<10xf32>>
  %w = dist.wait %t : <tensor<10xf32>> -> tensor<10xf32>
  dist.return %w : tensor<10xf32>
}

// Of collectives the payload: the whole tensors, and what a rank has of its own in an exchange.
// expected-remark @below {{0 FLOP, 0 bytes read, 0 bytes written, 256 bytes communicated}}
dist.timeline @collectives(%x: tensor<10xf32>, %y: tensor<4x6xf32>) attributes {phase = "train", role = "all"} {
  // expected-remark @below {{40 bytes communicated}}
  %t = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<5xf32>>
  %part = dist.wait %t : <tensor<5xf32>> -> tensor<5xf32>
  // expected-remark @below {{40 bytes communicated}}
  %u = dist.all_gather_start %part over "data" bucket "b" ["x"] : tensor<5xf32> -> <tensor<10xf32>>
  %whole = dist.wait %u : <tensor<10xf32>> -> tensor<10xf32>
  // expected-remark @below {{96 bytes communicated}}
  %v = dist.all_to_all_start %y from 0 to 1 over "data" bucket "b" ["y"] : tensor<4x6xf32> -> <tensor<8x3xf32>>
  %exchanged = dist.wait %v : <tensor<8x3xf32>> -> tensor<8x3xf32>
  // expected-remark @below {{40 bytes communicated}}
  %z = dist.broadcast_start %whole from 0 over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<10xf32>>
  %same = dist.wait %z : <tensor<10xf32>> -> tensor<10xf32>
  // expected-remark @below {{40 bytes communicated}}
  %once = dist.broadcast %same from 0 over "data" : tensor<10xf32>
  dist.return
}

// A gather reads the rows that it gives and no others; its gradient writes zeros everywhere, and reads and writes where it adds.
func.func @gather(%table: tensor<7x4xf32>, %ids: tensor<8x5xi64>, %dy: tensor<8x5x4xbf16>) {
  // expected-remark @below {{0 FLOP, 960 bytes read, 640 bytes written}}
  %y = nn.gather %table, %ids axis 0 : (tensor<7x4xf32>, tensor<8x5xi64>) -> tensor<8x5x4xf32>
  // expected-remark @below {{160 FLOP, 1280 bytes read, 752 bytes written}}
  %d = nn.gather_gradient %dy, %ids axis 0 : tensor<8x5x4xbf16>, tensor<8x5xi64> -> tensor<7x4xf32>
  return
}

// 17 an element, most of them for the words that are drawn.
func.func @random(%x: tensor<4x6xf32>, %step: tensor<i64>, %sample: tensor<4xi64>) {
  // expected-remark @below {{408 FLOP, 136 bytes read, 96 bytes written}}
  %0 = nn.dropout_training %x step %step sample %sample {ratio = 0.1 : f64, stream = 0 : i64} : (tensor<4x6xf32>, tensor<i64>, tensor<4xi64>) -> tensor<4x6xf32>
  return
}
