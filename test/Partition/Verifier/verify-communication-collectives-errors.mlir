// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-verify-communication

// Parts of two ranks on a mesh of four.
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{over 'data' does not fit: tensor<5xf32> is no piece of tensor<10xf32> among 4 ranks}}
  %t = dist.reduce_scatter_start sum %x over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<5xf32>>
  %r = dist.wait %t : <tensor<5xf32>> -> tensor<5xf32>
  dist.return
}

// -----

shard.grid @mesh(shape = 4) {dist.axes = ["tensor"]}
dist.fragment @f(%x: tensor<8x16xf32>) -> tensor<8x32xf32> {
  // expected-error @below {{over 'tensor' does not fit: tensor<8x16xf32> is no equal slice of tensor<8x32xf32> along dimension 1 among 4 ranks}}
  %y = dist.all_gather %x over "tensor" dimension 1 : tensor<8x16xf32> -> tensor<8x32xf32>
  dist.return %y : tensor<8x32xf32>
}
dist.timeline @train(%x: tensor<8x16xf32>) attributes {phase = "train", role = "all"} {
  %y = dist.run @f(%x) : (tensor<8x16xf32>) -> tensor<8x32xf32>
  dist.return
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<10xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{over 'data' does not fit: there is no rank 2 among 2 ranks}}
  %t = dist.broadcast_start %x from 2 over "data" bucket "b" ["x"] : tensor<10xf32> -> <tensor<10xf32>>
  %r = dist.wait %t : <tensor<10xf32>> -> tensor<10xf32>
  dist.return
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<4x8xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{over 'data' does not fit: slices of tensor<4x8xf32> along dimension 0 do not become slices of tensor<16x2xf32> along dimension 1 among 2 ranks}}
  %t = dist.all_to_all_start %x from 0 to 1 over "data" bucket "b" ["x"] : tensor<4x8xf32> -> <tensor<16x2xf32>>
  %r = dist.wait %t : <tensor<16x2xf32>> -> tensor<16x2xf32>
  dist.return
}

// -----

// Another collective on another rank.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<10xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %t = dist.reduce_scatter_start sum %x over "pipe" bucket "b" ["x"] : tensor<10xf32> -> <tensor<5xf32>>
  %r = dist.wait %t : <tensor<5xf32>> -> tensor<5xf32>
  dist.return
}
dist.timeline @b(%x: tensor<10xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{is collective #0 of rank 1 over 'pipe', but rank 0 reaches another: 'dist.all_reduce_start' against 'dist.reduce_scatter_start'}}
  %t = dist.all_reduce_start sum %x over "pipe" bucket "b" ["x"] : tensor<10xf32> -> <tensor<10xf32>>
  %r = dist.wait %t : <tensor<10xf32>> -> tensor<10xf32>
  dist.return
}

// -----

// Another root.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<10xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %t = dist.broadcast_start %x from 0 over "pipe" bucket "b" ["x"] : tensor<10xf32> -> <tensor<10xf32>>
  %r = dist.wait %t : <tensor<10xf32>> -> tensor<10xf32>
  dist.return
}
dist.timeline @b(%x: tensor<10xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{is collective #0 of rank 1 over 'pipe', but rank 0 reaches another: parts root 1 against root 0}}
  %t = dist.broadcast_start %x from 1 over "pipe" bucket "b" ["x"] : tensor<10xf32> -> <tensor<10xf32>>
  %r = dist.wait %t : <tensor<10xf32>> -> tensor<10xf32>
  dist.return
}

// -----

// Other slices.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<8x8xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %t = dist.reduce_scatter_start sum %x over "pipe" dimension 0 bucket "b" ["x"] : tensor<8x8xf32> -> <tensor<4x8xf32>>
  %r = dist.wait %t : <tensor<4x8xf32>> -> tensor<4x8xf32>
  dist.return
}
dist.timeline @b(%x: tensor<8x8xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{but rank 0 reaches another: parts dimension 1 against dimension 0}}
  %t = dist.reduce_scatter_start sum %x over "pipe" dimension 1 bucket "b" ["x"] : tensor<8x8xf32> -> <tensor<8x4xf32>>
  %r = dist.wait %t : <tensor<8x4xf32>> -> tensor<8x4xf32>
  dist.return
}
