// RUN: dtc-opt %s -split-input-file -dtc-verify-communication | FileCheck %s

// Two microbatches there and back; data: both coordinates do the same, each with
// its own neighbour. Waits need not have the order of the starts.

// CHECK-LABEL: dist.timeline @stage0
// CHECK-LABEL: dist.timeline @stage1
shard.grid @mesh(shape = 2x2) {dist.axes = ["data", "pipe"]}
dist.timeline @stage0(%x: tensor<2xf32>) attributes {phase = "train", role = "stage0", dist.at = {pipe = 0}} {
  %g0 = dist.recv_start "gradient" from 1 over "pipe" microbatch 0 : <tensor<2xf32>>
  %g1 = dist.recv_start "gradient" from 1 over "pipe" microbatch 1 : <tensor<2xf32>>
  %s0 = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  %s1 = dist.send_start %x "act" to 1 over "pipe" microbatch 1 : tensor<2xf32> -> <>
  %g1_value = dist.wait %g1 : <tensor<2xf32>> -> tensor<2xf32>
  %g0_value = dist.wait %g0 : <tensor<2xf32>> -> tensor<2xf32>
  dist.wait %s1 : <>
  dist.wait %s0 : <>
  dist.return
}
dist.timeline @stage1(%x: tensor<2xf32>) attributes {phase = "train", role = "stage1", dist.at = {pipe = 1}} {
  %a0 = dist.recv_start "act" from 0 over "pipe" microbatch 0 : <tensor<2xf32>>
  %a0_value = dist.wait %a0 : <tensor<2xf32>> -> tensor<2xf32>
  %g0 = dist.send_start %x "gradient" to 0 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  %a1 = dist.recv_start "act" from 0 over "pipe" microbatch 1 : <tensor<2xf32>>
  %a1_value = dist.wait %a1 : <tensor<2xf32>> -> tensor<2xf32>
  %g1 = dist.send_start %x "gradient" to 0 over "pipe" microbatch 1 : tensor<2xf32> -> <>
  dist.wait %g0 : <>
  dist.wait %g1 : <>
  dist.return
}

// -----

// A skip connection: stage 0 to stage 2 past stage 1, beside the chain. A
// collective of all stages comes between the start and the wait of a message.

// CHECK-LABEL: dist.timeline @stage0
// CHECK-LABEL: dist.timeline @stage2
shard.grid @mesh(shape = 3) {dist.axes = ["pipe"]}
dist.timeline @stage0(%x: tensor<2xf32>) attributes {phase = "train", role = "stage0", dist.at = {pipe = 0}} {
  %s1 = dist.send_start %x "act" to 1 over "pipe" : tensor<2xf32> -> <>
  %s2 = dist.send_start %x "skip" to 2 over "pipe" : tensor<2xf32> -> <>
  %t = dist.all_reduce_start sum %x over "pipe" bucket "tied" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  dist.wait %s1 : <>
  dist.wait %s2 : <>
  %tied = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
dist.timeline @stage1(%x: tensor<2xf32>) attributes {phase = "train", role = "stage1", dist.at = {pipe = 1}} {
  %r = dist.recv_start "act" from 0 over "pipe" : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  %s = dist.send_start %x "act1" to 2 over "pipe" : tensor<2xf32> -> <>
  %t = dist.all_reduce_start sum %x over "pipe" bucket "tied" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %tied = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.wait %s : <>
  dist.return
}
dist.timeline @stage2(%x: tensor<2xf32>) attributes {phase = "train", role = "stage2", dist.at = {pipe = 2}} {
  %r = dist.recv_start "act1" from 1 over "pipe" : <tensor<2xf32>>
  %skip = dist.recv_start "skip" from 0 over "pipe" : <tensor<2xf32>>
  %t = dist.all_reduce_start sum %x over "pipe" bucket "tied" ["x"] : tensor<2xf32> -> <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  %skip_value = dist.wait %skip : <tensor<2xf32>> -> tensor<2xf32>
  %tied = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
