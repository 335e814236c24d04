// RUN: dtc-opt %s -pass-pipeline='builtin.module(func.func(dtc-recognise-attention))' | FileCheck %s

// The scale on the scores.
// CHECK-LABEL: func.func @scaled
// CHECK-NEXT: %[[Y:.*]], %{{.*}} = nn.attention %arg0, %arg1, %arg2 {scale = 5.000000e-01 : f64}
// CHECK-NEXT: return %[[Y]]
func.func @scaled(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %p = nn.softmax %scaled axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// PyTorch's scaled_dot_product_attention: the root of the scale on both operands; heads are brought before positions, which attention does not need.
// CHECK-LABEL: func.func @roots
// CHECK: %[[Y:.*]], %{{.*}} = nn.attention %arg0, %arg1, %arg2 positions_first {scale = 2.500000e-01 : f64}
// CHECK-NEXT: %[[T:.*]] = nn.transpose %[[Y]] [0, 2, 1, 3]
// CHECK-NEXT: return %[[T]]
func.func @roots(%q: tensor<2x4x3x5xf32>, %k: tensor<2x4x3x5xf32>, %v: tensor<2x4x3x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %qt = nn.transpose %q [0, 2, 1, 3] : (tensor<2x4x3x5xf32>) -> tensor<2x3x4x5xf32>
  %kt = nn.transpose %k [0, 2, 3, 1] : (tensor<2x4x3x5xf32>) -> tensor<2x3x5x4xf32>
  %vt = nn.transpose %v [0, 2, 1, 3] : (tensor<2x4x3x5xf32>) -> tensor<2x3x4x5xf32>
  %a = nn.mul %qt, %c : tensor<2x3x4x5xf32>, tensor<f32>
  %b = nn.mul %c, %kt : tensor<f32>, tensor<2x3x5x4xf32>
  %s = nn.matmul %a, %b : (tensor<2x3x4x5xf32>, tensor<2x3x5x4xf32>) -> tensor<2x3x4x4xf32>
  %p = nn.softmax %s axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %vt : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// Which keys a known mask hides; with -infinity, with a finite number that leaves no probability.
// CHECK-LABEL: func.func @causal
// CHECK: nn.attention %arg0, %arg1, %arg2 causal {scale = 5.000000e-01 : f64}
// CHECK-NOT: nn.softmax
func.func @causal(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// CHECK-LABEL: func.func @causal_finite
// CHECK: nn.attention %arg0, %arg1, %arg2 causal {scale = 5.000000e-01 : f64}
// CHECK-NOT: nn.softmax
func.func @causal_finite(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<[[0.0, -1.0e+09, -1.0e+09, -1.0e+09], [0.0, 0.0, -1.0e+09, -1.0e+09], [0.0, 0.0, 0.0, -1.0e+09], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// GPT-2's: the smallest number instead of the score.
// CHECK-LABEL: func.func @causal_where
// CHECK: nn.attention %arg0, %arg1, %arg2 causal {scale = 2.000000e+00 : f64}
// CHECK-NOT: nn.softmax
func.func @causal_where(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %tril = nn.constant dense<[[[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]]]> : tensor<1x1x4x4xi1> : tensor<1x1x4x4xi1>
  %min = nn.constant dense<-3.40282347E+38> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.div %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %masked = nn.where %tril, %scaled, %min : tensor<1x1x4x4xi1>, tensor<2x3x4x4xf32>, tensor<f32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// The last key of the first sample, and a bias of distances.
// CHECK-LABEL: func.func @some_keys
// CHECK: %[[M:.*]] = nn.constant dense<{{.*}}true, true, true, false{{.*}}> : tensor<2x1x1x4xi1>
// CHECK: nn.attention %arg0, %arg1, %arg2 mask %[[M]] {scale
func.func @some_keys(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %m = nn.constant dense<[[[[0.0, 0.0, 0.0, -3.0e+38]]], [[[0.0, 0.0, 0.0, 0.0]]]]> : tensor<2x1x1x4xf32> : tensor<2x1x1x4xf32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %masked = nn.add %m, %scaled : tensor<2x1x1x4xf32>, tensor<2x3x4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// CHECK-LABEL: func.func @distances
// CHECK: %[[M:.*]] = nn.constant dense<{{.*}}> : tensor<4x4xf32>
// CHECK: nn.attention %arg0, %arg1, %arg2 mask %[[M]] {scale
func.func @distances(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %m = nn.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [-0.5, 0.0, 0xFF800000, 0xFF800000], [-1.0, -0.5, 0.0, 0xFF800000], [-1.5, -1.0, -0.5, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// A bias of relative positions is a parameter.
// CHECK-LABEL: func.func @learned
// CHECK: nn.attention %arg0, %arg1, %arg2 mask %arg3 {scale
func.func @learned(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>, %m: tensor<3x4x4xf32> {nn.parameter = "m", nn.init = #nn.constant<value = 0.0>}) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %spread = nn.broadcast %m : tensor<3x4x4xf32> -> tensor<2x3x4x4xf32>
  %masked = nn.add %scaled, %spread : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// What the program is given may hide all keys of a query, which gives 0: the parts say so.
// CHECK-LABEL: func.func @guarded
// CHECK: nn.attention %arg0, %arg1, %arg2 mask %arg3 {scale
// CHECK-NOT: nn.where
func.func @guarded(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>, %see: tensor<2x1x4x4xi1>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %hidden = nn.constant dense<0xFF800000> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.where %see, %zero, %hidden : tensor<2x1x4x4xi1>, tensor<f32>, tensor<f32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<2x1x4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %equal = nn.equal %p, %p : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>
  %nan = nn.not %equal : tensor<2x3x4x4xi1>
  %safe = nn.where %nan, %zero, %p : tensor<2x3x4x4xi1>, tensor<f32>, tensor<2x3x4x4xf32>
  %y = nn.matmul %safe, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// CHECK-LABEL: func.func @guarded_hidden
// CHECK: %[[SEEN:.*]] = nn.not %arg3
// CHECK: nn.attention %arg0, %arg1, %arg2 mask %[[SEEN]] causal {scale
// CHECK-NOT: nn.where
func.func @guarded_hidden(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>, %hide: tensor<2x1x1x4xi1>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %hidden = nn.constant dense<0xFF800000> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %some = nn.where %hide, %hidden, %masked : tensor<2x1x1x4xi1>, tensor<f32>, tensor<2x3x4x4xf32>
  %p = nn.softmax %some axis 3 : tensor<2x3x4x4xf32>
  %equal = nn.equal %p, %p : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>
  %nan = nn.not %equal : tensor<2x3x4x4xi1>
  %safe = nn.where %nan, %zero, %p : tensor<2x3x4x4xi1>, tensor<f32>, tensor<2x3x4x4xf32>
  %y = nn.matmul %safe, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// The second query has no key.
// CHECK-LABEL: func.func @known_query_without_keys
// CHECK: nn.attention %arg0, %arg1, %arg2 mask %{{.*}} {scale
// CHECK-NOT: nn.where
func.func @known_query_without_keys(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %hidden = nn.constant dense<0xFF800000> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<[[0.0, 0.0, 0.0, 0.0], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %equal = nn.equal %p, %p : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>
  %nan = nn.not %equal : tensor<2x3x4x4xi1>
  %safe = nn.where %nan, %zero, %p : tensor<2x3x4x4xi1>, tensor<f32>, tensor<2x3x4x4xf32>
  %y = nn.matmul %safe, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// Three heads of q for one of k and v, which is repeated; k is transposed as a tensor of rank 3.
// CHECK-LABEL: func.func @grouped
// CHECK: nn.attention %arg0, %arg1, %arg2 {scale
// CHECK-SAME: (tensor<2x6x4x5xf32>, tensor<2x2x4x5xf32>, tensor<2x2x4x5xf32>)
// CHECK-NOT: nn.softmax
func.func @grouped(%q: tensor<2x6x4x5xf32>, %k: tensor<2x2x4x5xf32>, %v: tensor<2x2x4x5xf32>) -> tensor<2x6x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %k1 = nn.reshape %k : tensor<2x2x4x5xf32> -> tensor<2x2x1x4x5xf32>
  %k2 = nn.broadcast %k1 : tensor<2x2x1x4x5xf32> -> tensor<2x2x3x4x5xf32>
  %k3 = nn.reshape %k2 : tensor<2x2x3x4x5xf32> -> tensor<2x6x4x5xf32>
  %v1 = nn.reshape %v : tensor<2x2x4x5xf32> -> tensor<2x2x1x4x5xf32>
  %v2 = nn.broadcast %v1 : tensor<2x2x1x4x5xf32> -> tensor<2x2x3x4x5xf32>
  %v3 = nn.reshape %v2 : tensor<2x2x3x4x5xf32> -> tensor<2x6x4x5xf32>
  %flat = nn.reshape %k3 : tensor<2x6x4x5xf32> -> tensor<12x4x5xf32>
  %t = nn.transpose %flat [0, 2, 1] : (tensor<12x4x5xf32>) -> tensor<12x5x4xf32>
  %kt = nn.reshape %t : tensor<12x5x4xf32> -> tensor<2x6x5x4xf32>
  %s = nn.matmul %q, %kt : (tensor<2x6x4x5xf32>, tensor<2x6x5x4xf32>) -> tensor<2x6x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x6x4x4xf32>, tensor<f32>
  %p = nn.softmax %scaled axis 3 : tensor<2x6x4x4xf32>
  %y = nn.matmul %p, %v3 : (tensor<2x6x4x4xf32>, tensor<2x6x4x5xf32>) -> tensor<2x6x4x5xf32>
  return %y : tensor<2x6x4x5xf32>
}

// One head; more keys than queries; values of another width; one query.
// CHECK-LABEL: func.func @rank_3
// CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 1.000000e+00 : f64} : (tensor<3x1x1x5xf32>, tensor<3x1x7x5xf32>, tensor<3x1x7x2xf32>)
// CHECK-NOT: nn.softmax
func.func @rank_3(%q: tensor<3x1x5xf32>, %k: tensor<3x7x5xf32>, %v: tensor<3x7x2xf32>) -> tensor<3x1x2xf32> {
  %s = nn.matmul %q, %k transposed : (tensor<3x1x5xf32>, tensor<3x7x5xf32>) -> tensor<3x1x7xf32>
  %p = nn.softmax %s axis 2 : tensor<3x1x7xf32>
  %y = nn.matmul %p, %v : (tensor<3x1x7xf32>, tensor<3x7x2xf32>) -> tensor<3x1x2xf32>
  return %y : tensor<3x1x2xf32>
}

// A finite number that hides all keys of a query leaves it the mean of all values, and a gradient that nn.attention does not have.
// CHECK-LABEL: func.func @hidden_by_a_finite_number
// CHECK-NOT: nn.attention
// CHECK: return
func.func @hidden_by_a_finite_number(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<[[0.0, 0.0, 0.0, 0.0], [-1.0e+09, -1.0e+09, -1.0e+09, -1.0e+09], [0.0, 0.0, 0.0, -1.0e+09], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// As far from 0 as the scores would lose digits.
// CHECK-LABEL: func.func @large_offset
// CHECK-NOT: nn.attention
// CHECK: return
func.func @large_offset(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<-1.0e+04> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// A mask of an input may hide all keys of a query behind a finite number.
// CHECK-LABEL: func.func @mask_of_inputs
// CHECK-NOT: nn.attention
// CHECK: return
func.func @mask_of_inputs(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>, %m: tensor<2x1x1x4xf32> {nn.input = "m"}) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<2x1x1x4xf32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// Or behind -infinity, where the parts have no number.
// CHECK-LABEL: func.func @unguarded
// CHECK-NOT: nn.attention
// CHECK: return
func.func @unguarded(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>, %see: tensor<2x1x1x4xi1> {test.all}) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %hidden = nn.constant dense<0xFF800000> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %masked = nn.where %see, %scaled, %hidden : tensor<2x1x1x4xi1>, tensor<2x3x4x4xf32>, tensor<f32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// What is left of a query, all of whose other keys an input hides, is what a finite number hides.
// CHECK-LABEL: func.func @guarded_finite
// CHECK-NOT: nn.attention
// CHECK: return
func.func @guarded_finite(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>, %hide: tensor<2x1x1x4xi1>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %hidden = nn.constant dense<0xFF800000> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %m = nn.constant dense<[[0.0, -1.0e+09, -1.0e+09, -1.0e+09], [0.0, 0.0, -1.0e+09, -1.0e+09], [0.0, 0.0, 0.0, -1.0e+09], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32> : tensor<4x4xf32>
  %masked = nn.add %scaled, %m : tensor<2x3x4x4xf32>, tensor<4x4xf32>
  %some = nn.where %hide, %hidden, %masked : tensor<2x1x1x4xi1>, tensor<f32>, tensor<2x3x4x4xf32>
  %p = nn.softmax %some axis 3 : tensor<2x3x4x4xf32>
  %equal = nn.equal %p, %p : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>
  %nan = nn.not %equal : tensor<2x3x4x4xi1>
  %safe = nn.where %nan, %zero, %p : tensor<2x3x4x4xi1>, tensor<f32>, tensor<2x3x4x4xf32>
  %y = nn.matmul %safe, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// A score of -10,000 is small, not hidden.
// CHECK-LABEL: func.func @small_number
// CHECK-NOT: nn.attention
// CHECK: return
func.func @small_number(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %tril = nn.constant dense<[[true, false, false, false], [true, true, false, false], [true, true, true, false], [true, true, true, true]]> : tensor<4x4xi1> : tensor<4x4xi1>
  %min = nn.constant dense<-1.0e+04> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %masked = nn.where %tril, %scaled, %min : tensor<4x4xi1>, tensor<2x3x4x4xf32>, tensor<f32>
  %p = nn.softmax %masked axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// nn.attention drops no probabilities.
// CHECK-LABEL: func.func @dropout
// CHECK-NOT: nn.attention
// CHECK: return
func.func @dropout(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %p = nn.softmax %scaled axis 3 : tensor<2x3x4x4xf32>
  %d = nn.dropout %p {ratio = 0.1 : f64} : (tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %y = nn.matmul %d, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}

// The probabilities are an output.
// CHECK-LABEL: func.func @probabilities
// CHECK-NOT: nn.attention
// CHECK: return
func.func @probabilities(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> (tensor<2x3x4x5xf32>, tensor<2x3x4x4xf32>) {
  %c = nn.constant dense<0.5> : tensor<f32> : tensor<f32>
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %scaled = nn.mul %s, %c : tensor<2x3x4x4xf32>, tensor<f32>
  %p = nn.softmax %scaled axis 3 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y, %p : tensor<2x3x4x5xf32>, tensor<2x3x4x4xf32>
}

// A softmax over queries is another function.
// CHECK-LABEL: func.func @over_queries
// CHECK-NOT: nn.attention
// CHECK: return
func.func @over_queries(%q: tensor<2x3x4x5xf32>, %k: tensor<2x3x4x5xf32>, %v: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
  %s = nn.matmul %q, %k transposed : (tensor<2x3x4x5xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x4xf32>
  %p = nn.softmax %s axis 2 : tensor<2x3x4x4xf32>
  %y = nn.matmul %p, %v : (tensor<2x3x4x4xf32>, tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %y : tensor<2x3x4x5xf32>
}
