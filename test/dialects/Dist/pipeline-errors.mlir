// What microbatches and messages refuse.
// RUN: dtc-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{result 0 of type 'tensor<f32>' cannot lie in argument 0 : i64}}
dist.fragment @f(%x: tensor<2xf32>, %y: tensor<f32>) -> (tensor<f32> {dist.in_place = 0}) {
  dist.return %y : tensor<f32>
}

// -----

dist.timeline @t(%x: tensor<6x4xf32>) attributes {phase = "train", role = "all"} {
  // expected-error@+1 {{cannot cut 'tensor<6x4xf32>' into microbatches of 'tensor<4x4xf32>'}}
  %rows = dist.microbatch 0 of %x : tensor<6x4xf32> -> tensor<4x4xf32>
  dist.return
}

// -----

dist.timeline @t(%x: tensor<6x4xf32>) attributes {phase = "train", role = "all"} {
  // expected-error@+1 {{is number 3 of 3}}
  %rows = dist.microbatch 3 of %x : tensor<6x4xf32> -> tensor<2x4xf32>
  dist.return
}

// -----

dist.timeline @t(%x: tensor<4xf32>) attributes {phase = "train", role = "all"} {
  // expected-error@+1 {{but a send gives no value}}
  %t = dist.send_start %x "x" to 1 over "pipe" : tensor<4xf32> -> <tensor<4xf32>>
  dist.return
}

// -----

dist.timeline @t() attributes {phase = "train", role = "all"} {
  // expected-error@+1 {{a message is one tensor of static shape}}
  %t = dist.recv_start "x" from 1 over "pipe" : <tensor<4xf32>, tensor<4xf32>>
  dist.return
}
