// RUN: dtc-opt %s -verify-diagnostics -split-input-file

dist.fragment @f(%x: tensor<8x64xf32>) -> tensor<8x15xf32> {
  // expected-error @below {{does not fit: tensor<8x15xf32> is no equal slice of tensor<8x64xf32> along dimension 1}}
  %y = dist.reduce_scatter sum %x over "tensor" dimension 1 : tensor<8x64xf32> -> tensor<8x15xf32>
  dist.return %y : tensor<8x15xf32>
}

// -----

dist.fragment @f(%x: tensor<8x64xf32>) -> tensor<4x32xf32> {
  // expected-error @below {{does not fit: tensor<4x32xf32> is no equal slice of tensor<8x64xf32> along dimension 1}}
  %y = dist.reduce_scatter sum %x over "tensor" dimension 1 : tensor<8x64xf32> -> tensor<4x32xf32>
  dist.return %y : tensor<4x32xf32>
}

// -----

dist.fragment @f(%x: tensor<8x16xf32>) -> tensor<8x64xf32> {
  // expected-error @below {{does not fit: tensor<8x64xf32> has no dimension 2}}
  %y = dist.all_gather %x over "tensor" dimension 2 : tensor<8x16xf32> -> tensor<8x64xf32>
  dist.return %y : tensor<8x64xf32>
}

// -----

dist.fragment @f(%x: tensor<8x16xf32>) -> tensor<8x64xf64> {
  // expected-error @below {{does not fit: tensor<8x16xf32> is no part of tensor<8x64xf64>}}
  %y = dist.all_gather %x over "tensor" dimension 1 : tensor<8x16xf32> -> tensor<8x64xf64>
  dist.return %y : tensor<8x64xf64>
}

// -----

// Pieces are of rank 1; 4 elements of 10 are three pieces, 6 are none.
dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  %t = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<4xf32>>
  // expected-error @below {{does not fit: tensor<6xf32> is no piece of tensor<10xf32>}}
  %u = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<6xf32>>
  dist.return
}

// -----

dist.timeline @train(%x: tensor<2x5xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{does not fit: tensor<1x5xf32> is no piece of tensor<2x5xf32>}}
  %t = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<2x5xf32> -> <tensor<1x5xf32>>
  dist.return
}

// -----

dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{does not fit: 1 wholes cannot have 2 parts}}
  %t = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<5xf32>, tensor<5xf32>>
  dist.return
}

// -----

dist.timeline @train(%x: tensor<10xf32>, %y: tensor<10xbf16>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{a bucket has one element type}}
  %t = dist.all_gather_start %x, %y over "data" bucket "b" ["x", "y"] : tensor<10xf32>, tensor<10xbf16> -> <tensor<20xf32>, tensor<20xbf16>>
  dist.return
}

// -----

dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{has 1 values but 2 names}}
  %t = dist.all_gather_start %x over "data" bucket "b" ["x", "y"] : tensor<10xf32> -> <tensor<20xf32>>
  dist.return
}

// -----

dist.fragment @f(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  // expected-error @below {{does not fit: slices along dimension 1 are there already}}
  %y = dist.all_to_all %x from 1 to 1 over "tensor" : tensor<8x16xf32> -> tensor<8x16xf32>
  dist.return %y : tensor<8x16xf32>
}

// -----

dist.fragment @f(%x: tensor<8x16xf32>) -> tensor<4x64xf32> {
  // expected-error @below {{does not fit: slices of tensor<8x16xf32> along dimension 1 do not become slices of tensor<4x64xf32> along dimension 0}}
  %y = dist.all_to_all %x from 1 to 0 over "tensor" : tensor<8x16xf32> -> tensor<4x64xf32>
  dist.return %y : tensor<4x64xf32>
}

// -----

dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{takes ('tensor<10xf32>') but promises '!dist.pending<tensor<5xf32>>'}}
  %t = dist.broadcast_start %x from 0 over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<5xf32>>
  dist.return
}

// -----

dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{takes nothing}}
  %t = "dist.all_gather_start"() <{axis = "data", bucket = "b", names = []}> : () -> !dist.pending<>
  dist.return
}
