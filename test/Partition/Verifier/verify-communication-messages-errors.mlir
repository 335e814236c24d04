// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-verify-communication

// A send without its receive.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  // expected-error @below {{of 'act' microbatch 1 on rank 0 is message #1 to rank 1, which receives 1 only}}
  %t = dist.send_start %x "act" to 1 over "pipe" microbatch 1 : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.wait %t : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-note @below {{the last on rank 1: 'act' microbatch 0}}
  %r = dist.recv_start "act" from 0 over "pipe" microbatch 0 : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// A receive without its send; the sender sends nothing at all.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
// expected-note @below {{the timeline of rank 0}}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{of 'act' on rank 1 is message #0 from rank 0, which sends 0 only}}
  %r = dist.recv_start "act" from 0 over "pipe" : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// Another type.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-note @below {{message #0 of rank 0 to rank 1}}
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{of rank 1 receives message #0 of rank 0, which is another: type tensor<4xf32> against tensor<2xf32>}}
  %r = dist.recv_start "act" from 0 over "pipe" microbatch 0 : <tensor<4xf32>>
  %r_value = dist.wait %r : <tensor<4xf32>> -> tensor<4xf32>
  dist.return
}

// -----

// Another name.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-note @below {{message #0 of rank 0 to rank 1}}
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{of rank 1 receives message #0 of rank 0, which is another: name "skip" against "act"}}
  %r = dist.recv_start "skip" from 0 over "pipe" microbatch 0 : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// Another order of microbatches.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  // expected-note @below {{message #1 of rank 0 to rank 1}}
  %t = dist.send_start %x "act" to 1 over "pipe" microbatch 1 : tensor<2xf32> -> <>
  %u = dist.send_start %x "act" to 1 over "pipe" microbatch 2 : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.wait %t : <>
  dist.wait %u : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  %r = dist.recv_start "act" from 0 over "pipe" microbatch 0 : <tensor<2xf32>>
  // expected-error @below {{of rank 1 receives message #1 of rank 0, which is another: microbatch 2 against 1}}
  %q = dist.recv_start "act" from 0 over "pipe" microbatch 2 : <tensor<2xf32>>
  %p = dist.recv_start "act" from 0 over "pipe" microbatch 1 : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  %q_value = dist.wait %q : <tensor<2xf32>> -> tensor<2xf32>
  %p_value = dist.wait %p : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// A microbatch on one side only.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-note @below {{message #0 of rank 0 to rank 1}}
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{which is another: microbatch none against 0}}
  %r = dist.recv_start "act" from 0 over "pipe" : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// Over an axis that there is not.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-error @below {{sends to another rank over 'data', which is no axis of the mesh (pipe)}}
  %s = dist.send_start %x "act" to 1 over "data" : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  dist.return
}

// -----

// To a rank that there is not.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-error @below {{sends to pipe = 2, but 'pipe' has 2 ranks}}
  %s = dist.send_start %x "act" to 2 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  dist.return
}

// -----

// To itself.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  dist.return
}
// expected-note @below {{this timeline is at that place of 'pipe'}}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  // expected-error @below {{receives from pipe = 1, where it runs itself}}
  %r = dist.recv_start "act" from 1 over "pipe" : <tensor<2xf32>>
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// To itself, as one of all ranks along the axis.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
// expected-note @below {{this timeline is that of all ranks along 'pipe'}}
dist.timeline @all(%x: tensor<2xf32>) attributes {phase = "train", role = "all"} {
  // expected-error @below {{sends to pipe = 1, where it runs itself}}
  %s = dist.send_start %x "act" to 1 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}

// -----

// Never awaited.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  // expected-error @below {{of 'act' microbatch 3 is never awaited}}
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 3 : tensor<2xf32> -> <>
  // expected-note @below {{the timeline ends here}}
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  dist.return
}

// -----

// Awaited twice.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  %r = dist.recv_start "act" from 0 over "pipe" : <tensor<2xf32>>
  // expected-note @below {{the first wait}}
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  // expected-error @below {{waits for 'act' a second time}}
  %again = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// A circle of two: each waits for the other before it sends.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  %r = dist.recv_start "gradient" from 1 over "pipe" : <tensor<2xf32>>
  // expected-error @below {{of rank 0 waits forever: rank 0 waits for rank 1, which waits for rank 0}}
  // expected-note @below {{rank 0 waits here: 'gradient'}}
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  // expected-note @below {{until rank 0 comes here, which is behind its own wait}}
  %s = dist.send_start %x "act" to 1 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  %r = dist.recv_start "act" from 0 over "pipe" : <tensor<2xf32>>
  // expected-note @below {{rank 1 waits here: 'act'}}
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  // expected-note @below {{until rank 1 comes here, which is behind its own wait}}
  %s = dist.send_start %x "gradient" to 0 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}

// -----

// A circle of two sends, each of which the other takes only behind its own.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  %s = dist.send_start %x "act" to 1 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  %r = dist.recv_start "gradient" from 1 over "pipe" microbatch 0 : <tensor<2xf32>>
  // expected-error @below {{of rank 0 waits forever: rank 0 waits for rank 1, which waits for rank 0}}
  // expected-note @below {{rank 0 waits here: 'act' microbatch 0}}
  dist.wait %s : <>
  // expected-note @below {{until rank 0 comes here}}
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  %s = dist.send_start %x "gradient" to 0 over "pipe" microbatch 0 : tensor<2xf32> -> <>
  %r = dist.recv_start "act" from 0 over "pipe" microbatch 0 : <tensor<2xf32>>
  // expected-note @below {{rank 1 waits here: 'gradient' microbatch 0}}
  dist.wait %s : <>
  // expected-note @below {{until rank 1 comes here}}
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}

// -----

// A circle of a message and a collective.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
dist.timeline @a(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "a", dist.at = {pipe = 0}} {
  %t = dist.all_reduce_start sum %y over "pipe" bucket "tied" ["y"] : tensor<2xf32> -> <tensor<2xf32>>
  // expected-error @below {{of rank 0 waits forever: rank 0 waits for rank 1, which waits for rank 0}}
  // expected-note @below {{rank 0 waits here: bucket 'tied'}}
  %u = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  // expected-note @below {{until rank 0 comes here}}
  %s = dist.send_start %x "act" to 1 over "pipe" : tensor<2xf32> -> <>
  dist.wait %s : <>
  dist.return
}
dist.timeline @b(%x: tensor<2xf32>, %y: tensor<2xf32>) attributes {phase = "train", role = "b", dist.at = {pipe = 1}} {
  %r = dist.recv_start "act" from 0 over "pipe" : <tensor<2xf32>>
  // expected-note @below {{rank 1 waits here: 'act'}}
  %r_value = dist.wait %r : <tensor<2xf32>> -> tensor<2xf32>
  // expected-note @below {{until rank 1 comes here}}
  %t = dist.all_reduce_start sum %y over "pipe" bucket "tied" ["y"] : tensor<2xf32> -> <tensor<2xf32>>
  %u = dist.wait %t : <tensor<2xf32>> -> tensor<2xf32>
  dist.return
}
