// RUN: dtc-opt %s -split-input-file -dtc-verify-communication | FileCheck %s

// Two buckets of one role; an all-reduce inside of the fragment that all run.

// CHECK-LABEL: dist.timeline @train
shard.grid @mesh(shape = 4) {dist.axes = ["data"]}
dist.fragment @head(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %s = dist.all_reduce sum %x over "data" : tensor<2xf32>
  dist.return %x, %s : tensor<2xf32>, tensor<2xf32>
}
dist.timeline @train(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) attributes {phase = "train", role = "all"} {
  %a, %b = dist.run @head(%x) : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %t0 = dist.all_reduce_start sum %a over "data" bucket "bucket0" ["a"] : tensor<2xf32> -> <tensor<2xf32>>
  %t1 = dist.all_reduce_start sum %b over "data" bucket "bucket1" ["b"] : tensor<2xf32> -> <tensor<2xf32>>
  %r0 = dist.wait %t0 : <tensor<2xf32>> -> tensor<2xf32>
  %r1 = dist.wait %t1 : <tensor<2xf32>> -> tensor<2xf32>
  dist.return %r0, %r1 : tensor<2xf32>, tensor<2xf32>
}

// -----

// Two roles along `pipe`: each reduces its own buckets over `data`, and both
// reach the collective over `pipe` that ties them.

// CHECK-LABEL: dist.timeline @stage0
// CHECK-LABEL: dist.timeline @stage1
shard.grid @mesh(shape = 3x2) {dist.axes = ["data", "pipe"]}
dist.timeline @stage0(%x: tensor<2xf32>, %y: tensor<4xf32>) attributes {phase = "train", role = "stage0", dist.at = {pipe = 0}} {
  %t = dist.all_reduce_start sum %x over "data" bucket "first" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %tied = dist.all_reduce_start sum %y over "pipe" bucket "tied" ["y"] : tensor<4xf32> -> <tensor<4xf32>>
  %r = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  %s = dist.wait %tied : <tensor<4xf32>> -> tensor<4xf32>
  dist.return
}
dist.timeline @stage1(%x: tensor<8xf32>, %y: tensor<4xf32>) attributes {phase = "train", role = "stage1", dist.at = {pipe = 1}} {
  %tied = dist.all_reduce_start sum %y over "pipe" bucket "tied" ["y"] : tensor<4xf32> -> <tensor<4xf32>>
  %s = dist.wait %tied : <tensor<4xf32>> -> tensor<4xf32>
  %r = dist.all_reduce sum %x over "data" : tensor<8xf32>
  dist.return
}
