// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-verify-communication

// A dropped wait.
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<2xf32>) -> tensor<2xf32> attributes {phase = "train", role = "all"} {
  // expected-error @below {{of bucket 'bucket0' is never awaited}}
  %t = dist.all_reduce_start sum %x over "data" bucket "bucket0" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  // expected-note @below {{the timeline ends here}}
  dist.return %x : tensor<2xf32>
}

// -----

// A doubled wait.
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<2xf32>) attributes {phase = "train", role = "all"} {
  %t = dist.all_reduce_start sum %x over "data" bucket "bucket0" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  // expected-note @below {{the first wait}}
  %r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  // expected-error @below {{waits for bucket 'bucket0' a second time}}
  %s = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// Waits in another order than the starts.
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<2xf32>) attributes {phase = "train", role = "all"} {
  // expected-note @below {{started here}}
  %t0 = dist.all_reduce_start sum %x over "data" bucket "bucket0" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %t1 = dist.all_reduce_start sum %x over "data" bucket "bucket1" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  // expected-error @below {{waits for bucket 'bucket1' before bucket 'bucket0', which started earlier}}
  %r1 = dist.wait %t1 : <tensor<2xf32>> -> tensor<2xf32>
  %r0 = dist.wait %t0 : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.timeline @train(%t: !dist.pending<tensor<2xf32>>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{waits for what this timeline did not start}}
  %r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.timeline @train(%x: tensor<2xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{combines over 'batch', which is no axis of the mesh (data)}}
  %r = dist.all_reduce sum %x over "batch" : tensor<2xf32>
  dist.return
}

// -----

// Two roles reach the same collectives in different orders.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %t0 = dist.all_reduce_start sum %x over "data" bucket "x" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %t1 = dist.all_reduce_start sum %y over "data" bucket "y" ["y"] : tensor<2xf32> -> <tensor<2xf32>>
  %r0 = dist.wait %t0 : <tensor<2xf32>> -> tensor<2xf32>
  %r1 = dist.wait %t1 : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  // expected-error @below {{is collective #0 of rank 1 over 'data', but rank 0 reaches another: bucket "y" against "x"}}
  %t1 = dist.all_reduce_start sum %y over "data" bucket "y" ["y"] : tensor<2xf32> -> <tensor<2xf32>>
  %t0 = dist.all_reduce_start sum %x over "data" bucket "x" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %r1 = dist.wait %t1 : <tensor<2xf32>> -> tensor<2xf32>
  %r0 = dist.wait %t0 : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// The same bucket with other types.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %t = dist.all_reduce_start sum %x over "data" bucket "x" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<3xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  // expected-error @below {{but rank 0 reaches another: types tensor<3xf32> against tensor<2xf32>}}
  %t = dist.all_reduce_start sum %x over "data" bucket "x" ["x"] : tensor<3xf32> -> <tensor<3xf32>>
  %r = dist.wait %t : <tensor<3xf32>> -> tensor<3xf32>
  dist.return
}

// -----

// The same bucket with another reduction.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  // expected-error @below {{is collective #0 of rank 1 over 'data', but rank 0 reaches another: reduction max against sum}}
  %r = dist.all_reduce max %x over "data" : tensor<2xf32>
  dist.return
}

// -----

// At once on one rank, asynchronous on the other.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  // expected-note @below {{collective #0 of rank 0}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  // expected-error @below {{rank 0 reaches another: 'dist.all_reduce_start' against 'dist.all_reduce'}}
  %t = dist.all_reduce_start sum %x over "data" bucket "x" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// One rank never joins.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  // expected-error @below {{of bucket 'x' is collective #0 of rank 0 over 'data', but rank 1 has 0 only}}
  %t = dist.all_reduce_start sum %x over "data" bucket "x" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
// expected-note @below {{the timeline of rank 1}}
dist.timeline @b(%x: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  dist.return
}

// -----

// One rank has a collective more.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// expected-note @below {{the timeline of rank 0}}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  // expected-error @below {{of an all-reduce is collective #1 of rank 1 over 'data', but rank 0 has 1 only}}
  %s = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}

// -----

// A circle across two axes.
shard.grid @mesh(shape = 2x2) {dist.axes = ["data", "pipe"]}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0, pipe = 0}} {
  // expected-error @below {{of rank 0 waits forever: rank 0 waits for rank 2, which waits for rank 3, which waits for rank 1, which waits for rank 0}}
  // expected-note @below {{rank 0 waits here: an all-reduce}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  // expected-note @below {{until rank 0 comes here, which is behind its own wait}}
  %s = dist.all_reduce sum %x over "pipe" : tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 0, pipe = 1}} {
  // expected-note @below {{rank 1 waits here: an all-reduce}}
  %s = dist.all_reduce sum %x over "pipe" : tensor<2xf32>
  // expected-note @below {{until rank 1 comes here}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}
dist.timeline @c(%x: tensor<2xf32>) attributes {phase = "train", role = "c", dist.at = {data = 1, pipe = 0}} {
  // expected-note @below {{rank 2 waits here: an all-reduce}}
  %s = dist.all_reduce sum %x over "pipe" : tensor<2xf32>
  // expected-note @below {{until rank 2 comes here}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}
dist.timeline @d(%x: tensor<2xf32>) attributes {phase = "train", role = "d", dist.at = {data = 1, pipe = 1}} {
  // expected-note @below {{rank 3 waits here: an all-reduce}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  // expected-note @below {{until rank 3 comes here}}
  %s = dist.all_reduce sum %x over "pipe" : tensor<2xf32>
  dist.return
}

// -----

// In a fragment, but not on all ranks of the axis.
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.fragment @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{stands in a fragment of rank 1, but ranks differ in their timelines along 'data'}}
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return %r : tensor<2xf32>
}
// expected-note @below {{the timeline of rank 0}}
dist.timeline @a(%x: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  %r = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  %r = dist.run @f(%x) : (tensor<2xf32>) -> tensor<2xf32>
  dist.return
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// expected-error @below {{passes communication under way}}
dist.fragment @f(%t: !dist.pending<tensor<2xf32>>) -> () {
  dist.return
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// expected-note @below {{this one}}
dist.timeline @a() attributes {phase = "train", role = "a"} {
  dist.return
}
// expected-error @below {{claims rank 1 in phase 'train', which has a timeline already}}
dist.timeline @b() attributes {phase = "train", role = "b", dist.at = {data = 1}} {
  dist.return
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// expected-error @below {{and the others of phase 'train' leave rank 1 without a timeline}}
dist.timeline @a() attributes {phase = "train", role = "a", dist.at = {data = 0}} {
  dist.return
}

// -----

shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
// expected-error @below {{is at pipe = 0 : i64, which is no place of the mesh}}
dist.timeline @a() attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  dist.return
}

// -----

// expected-error @below {{has no mesh: no 'shard.grid @mesh'}}
module {
}

// -----

// expected-error @below {{needs in 'dist.axes' a name for each of its 2 axes}}
shard.grid @mesh(shape = 2x2) {dist.axes = ["data"]}

// -----

// expected-error @below {{has two axes named 'data'}}
shard.grid @mesh(shape = 2x2) {dist.axes = ["data", "data"]}
