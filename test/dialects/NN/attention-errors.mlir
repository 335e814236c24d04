// RUN: dtc-opt %s -verify-diagnostics -split-input-file

func.func @rank(%q: tensor<2x6x5xf32>) {
  // expected-error@+2 {{q 'tensor<2x6x5xf32>', k 'tensor<2x6x5xf32>' and v 'tensor<2x6x5xf32>' must have rank 4}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %q, %q {scale = 0.5} : (tensor<2x6x5xf32>, tensor<2x6x5xf32>, tensor<2x6x5xf32>) -> (tensor<2x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @element(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xbf16>) {
  // expected-error@+2 {{must have one element type}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xbf16>, tensor<2x2x7x5xbf16>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @width(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x4xf32>) {
  // expected-error@+2 {{k 'tensor<2x2x7x4xf32>' has not the samples and the width of q 'tensor<2x4x6x5xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x4xf32>, tensor<2x2x7x4xf32>) -> (tensor<2x4x6x4xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @heads(%q: tensor<2x4x6x5xf32>, %k: tensor<2x3x7x5xf32>) {
  // expected-error@+2 {{the 3 heads of k 'tensor<2x3x7x5xf32>' do not divide the 4 of q}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x3x7x5xf32>, tensor<2x3x7x5xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @values(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x8x5xf32>) {
  // expected-error@+2 {{v 'tensor<2x2x8x5xf32>' has not the samples, heads and positions of k}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %v {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x8x5xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @mask(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %m: tensor<2x6x7xi1>) {
  // expected-error@+2 {{mask 'tensor<2x6x7xi1>' does not broadcast to [samples, heads, queries, keys] [2, 4, 6, 7]}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k mask %m {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x5xf32>, tensor<2x6x7xi1>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @large_mask(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %m: tensor<3x1x4x6x7xf32>) {
  // expected-error@+2 {{does not broadcast to}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k mask %m {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x5xf32>, tensor<3x1x4x6x7xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @mask_element(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %m: tensor<6x7xf64>) {
  // expected-error@+2 {{mask 'tensor<6x7xf64>' must be of i1 or 'f32'}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k mask %m {scale = 0.5} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x5xf32>, tensor<6x7xf64>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @scale(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>) {
  // expected-error@+2 {{is not finite}}
  // expected-error@+1 {{failed to infer returned types}}
  %r:2 = nn.attention %q, %k, %k {scale = 0x7FF0000000000000 : f64} : (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x5xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x4x6xf32>)
  return
}

// -----

func.func @lse(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %y: tensor<2x4x6x3xf32>, %lse: tensor<2x6x4xf32>) {
  // expected-error@+1 {{must be of the types of attention's results}}
  %r:3 = nn.attention_gradient %y, %q, %k, %v, %y, %lse {scale = 0.5} : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x6x4xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>)
  return
}

// -----

func.func @results(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %y: tensor<2x4x6x3xf32>, %lse: tensor<2x4x6xf32>) {
  // expected-error@+1 {{must have the types of q, k and v}}
  %r:3 = nn.attention_gradient %y, %q, %k, %v, %y, %lse {scale = 0.5} : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x5xf32>)
  return
}

// -----

func.func @mask_gradient(%q: tensor<2x4x6x5xf32>, %k: tensor<2x2x7x5xf32>, %v: tensor<2x2x7x3xf32>, %y: tensor<2x4x6x3xf32>, %lse: tensor<2x4x6xf32>, %m: tensor<6x7xi1>) {
  // expected-error@+1 {{must have the type of a mask that is added}}
  %r:4 = nn.attention_gradient %y, %q, %k, %v, %y, %lse mask %m {scale = 0.5} : (tensor<2x4x6x3xf32>, tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<2x4x6x3xf32>, tensor<2x4x6xf32>, tensor<6x7xi1>) -> (tensor<2x4x6x5xf32>, tensor<2x2x7x5xf32>, tensor<2x2x7x3xf32>, tensor<6x7xf32>)
  return
}
