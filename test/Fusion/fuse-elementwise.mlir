// RUN: dtc-opt %s --dtc-fuse-elementwise -mlir-print-local-scope -split-input-file | FileCheck %s

// One op: its formula on scalars, broadcasting as maps.
// CHECK-LABEL: dist.fragment @one_op
dist.fragment @one_op(%x: tensor<4x8xf32>, %b: tensor<8xf32>, %c: tensor<4x1xf32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: %[[EMPTY:.*]] = tensor.empty() : tensor<4x8xf32>
  // CHECK-NEXT: %[[Y:.*]] = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, 0)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
  // CHECK-SAME: ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4x1xf32>, tensor<4x8xf32>, tensor<8xf32>) outs(%[[EMPTY]] : tensor<4x8xf32>)
  // CHECK-SAME: attrs = {dtc.ops = ["where_positive"]}
  // CHECK-NEXT: ^bb0(%[[C:.*]]: f32, %[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT:   %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
  // CHECK-NEXT:   %[[OTHER:.*]] = arith.cmpf ole, %[[C]], %[[ZERO]] : f32
  // CHECK-NEXT:   %[[RESULT:.*]] = arith.select %[[OTHER]], %[[B]], %[[A]] : f32
  // CHECK-NEXT:   linalg.yield %[[RESULT]] : f32
  // CHECK-NEXT: } -> tensor<4x8xf32>
  // CHECK-NEXT: dist.return %[[Y]]
  %0 = nn.where_positive %c, %x, %b : tensor<4x1xf32>, tensor<4x8xf32>, tensor<8xf32>
  dist.return %0 : tensor<4x8xf32>
}

// -----

// A chain is one kernel; its constants and locations are in it.
// CHECK-LABEL: func.func @chain
func.func @chain(%y: tensor<64x10xf32>, %dy: tensor<64x10xf32>, %s: tensor<10xf32>) -> tensor<64x10xf32> {
  // CHECK-NEXT: tensor.empty
  // CHECK-NEXT: linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>]
  // CHECK-SAME: dtc.ops = ["where_positive", "mul", "sub"]
  // CHECK-NEXT: ^bb0(%[[Y:.*]]: f32, %[[DY:.*]]: f32, %[[S:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
  // CHECK-NEXT: arith.cmpf
  // CHECK-NEXT: %[[G:.*]] = arith.select %{{.*}}, %[[ZERO]], %[[DY]]
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[G]], %[[S]]
  // CHECK-NEXT: %[[THREE:.*]] = arith.constant 3.0
  // CHECK-NEXT: %[[R:.*]] = arith.subf %[[THREE]], %[[M]]
  // CHECK-NEXT: linalg.yield %[[R]]
  // CHECK-NOT: nn.
  %zero = nn.constant dense<0.0> : tensor<f32> : tensor<f32>
  %three = nn.constant dense<3.0> : tensor<64x10xf32> : tensor<64x10xf32>
  %0 = nn.where_positive %y, %dy, %zero : tensor<64x10xf32>, tensor<64x10xf32>, tensor<f32>
  %1 = nn.mul %0, %s : tensor<64x10xf32>, tensor<10xf32>
  %2 = nn.sub %three, %1 : tensor<64x10xf32>, tensor<64x10xf32>
  return %2 : tensor<64x10xf32>
}

// -----

// A diamond: what is read twice, by one kernel in the end, is computed once.
// CHECK-LABEL: func.func @diamond
func.func @diamond(%x: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK-NEXT: tensor.empty
  // CHECK-NEXT: linalg.generic {{.*}} ins(%{{.*}} : tensor<8xf32>) {{.*}}dtc.ops = ["exp", "neg", "sqrt", "mul"]
  // CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32):
  // CHECK-NEXT: %[[E:.*]] = math.exp %[[X]]
  // CHECK-NEXT: %[[N:.*]] = arith.negf %[[E]]
  // CHECK-NEXT: %[[S:.*]] = math.sqrt %[[E]]
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[N]], %[[S]]
  // CHECK-NEXT: linalg.yield %[[M]]
  // CHECK-NOT: linalg.generic
  %0 = nn.exp %x : tensor<8xf32>
  %1 = nn.neg %0 : tensor<8xf32>
  %2 = nn.sqrt %0 : tensor<8xf32>
  %3 = nn.mul %1, %2 : tensor<8xf32>, tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

// A value with a second reader, and one that is repeated by broadcasting, have
// kernels of their own: nothing is computed twice.
// CHECK-LABEL: func.func @nothing_twice
func.func @nothing_twice(%x: tensor<8xf32>, %a: tensor<4x8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>) {
  // CHECK: dtc.ops = ["exp"]
  // CHECK: dtc.ops = ["neg"]
  // CHECK: dtc.ops = ["sqrt"]
  // CHECK: dtc.ops = ["mul"]
  %0 = nn.exp %x : tensor<8xf32>
  %1 = nn.neg %0 : tensor<8xf32>
  %2 = nn.sqrt %x : tensor<8xf32>
  %3 = nn.mul %a, %2 : tensor<4x8xf32>, tensor<8xf32>
  return %0, %1, %3 : tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>
}

// -----

// Scalars are kernels without loops.
// CHECK-LABEL: func.func @scalars
func.func @scalars(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
  // CHECK: linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
  // CHECK-SAME: dtc.ops = ["div", "log"]
  %0 = nn.div %a, %b : tensor<f32>, tensor<f32>
  %1 = nn.log %0 : tensor<f32>
  return %1 : tensor<f32>
}

// -----

// A broadcast that only kernels read is how they read; else it is a kernel.
// CHECK-LABEL: func.func @broadcasts
func.func @broadcasts(%x: tensor<8x1xf32>, %w: tensor<8x8xf32>) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  // CHECK: %[[MUL:.*]] = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, 0)>, affine_map<(d0, d1) -> (d0, d1)>]
  // CHECK-SAME: dtc.ops = ["mul"]
  // CHECK-NOT: linalg.generic
  // CHECK: %[[B:.*]] = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, 0)>, affine_map<(d0, d1) -> (d0, d1)>]
  // CHECK-SAME: dtc.ops = ["broadcast"]
  // CHECK: nn.matmul %[[B]], %{{.*}}
  %0 = nn.broadcast %x : tensor<8x1xf32> -> tensor<8x8xf32>
  %1 = nn.mul %w, %0 : tensor<8x8xf32>, tensor<8x8xf32>
  %2 = nn.broadcast %x : tensor<8x1xf32> -> tensor<8x8xf32>
  %3 = nn.matmul %2, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1, %3 : tensor<8x8xf32>, tensor<8x8xf32>
}

// -----

// Arithmetic on constants needs no kernel, nor does what changes nothing.
// CHECK-LABEL: func.func @constants
func.func @constants(%x: tensor<8xf32>, %w: tensor<8x8xf32>) -> (tensor<8xf32>, tensor<8x8xf32>) {
  // CHECK-NEXT: %[[TABLE:.*]] = nn.constant dense<[1.000000e+00,
  // CHECK-NEXT: tensor.empty
  // CHECK-NEXT: linalg.generic {{.*}} ins(%{{.*}}, %[[TABLE]] : tensor<8xf32>, tensor<8xf32>) {{.*}}dtc.ops = ["add"]
  // CHECK-NOT: linalg.generic
  // CHECK: %[[FOUR:.*]] = nn.constant dense<4.000000e+00> : tensor<8x8xf32>
  // CHECK: nn.matmul %{{.*}}, %[[FOUR]]
  %one = nn.constant dense<1.0> : tensor<8xf32> : tensor<8xf32>
  %two = nn.constant dense<2.0> : tensor<f32> : tensor<f32>
  %table = nn.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32> : tensor<8xf32>
  %0 = nn.mul %x, %one : tensor<8xf32>, tensor<8xf32>
  %1 = nn.add %0, %table : tensor<8xf32>, tensor<8xf32>
  %2 = nn.mul %two, %two : tensor<f32>, tensor<f32>
  %3 = nn.broadcast %2 : tensor<f32> -> tensor<8x8xf32>
  %4 = nn.matmul %w, %3 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1, %4 : tensor<8xf32>, tensor<8x8xf32>
}

// -----

// Reductions and library calls end a kernel and begin the next.
// CHECK-LABEL: func.func @between
func.func @between(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  // CHECK: dtc.ops = ["mul"]
  // CHECK: nn.reduce_sum
  // CHECK: dtc.ops = ["sqrt"]
  %0 = nn.mul %x, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %1 = nn.reduce_sum %0 axes [1] : (tensor<4x8xf32>) -> tensor<4xf32>
  %2 = nn.sqrt %1 : tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A kernel with more inputs than a list holds in place goes on to take its producers in.
// CHECK-LABEL: func.func @many_inputs
func.func @many_inputs(%a: tensor<8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>, %d: tensor<8xf32>, %e: tensor<8xf32>, %f: tensor<8xf32>,
    %g: tensor<8xf32>, %h: tensor<8xf32>, %i: tensor<8xf32>, %j: tensor<8xf32>, %k: tensor<8xf32>, %l: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: dtc.ops = ["add", "add", "add", "add", "mul", "mul", "mul", "mul", "add", "mul", "sub"]
  // CHECK-NOT: linalg.generic
  // CHECK: return
  %0 = nn.add %a, %b : tensor<8xf32>, tensor<8xf32>
  %1 = nn.add %0, %c : tensor<8xf32>, tensor<8xf32>
  %2 = nn.add %1, %d : tensor<8xf32>, tensor<8xf32>
  %3 = nn.add %2, %e : tensor<8xf32>, tensor<8xf32>
  %4 = nn.add %3, %f : tensor<8xf32>, tensor<8xf32>
  %5 = nn.mul %g, %h : tensor<8xf32>, tensor<8xf32>
  %6 = nn.mul %5, %i : tensor<8xf32>, tensor<8xf32>
  %7 = nn.mul %6, %j : tensor<8xf32>, tensor<8xf32>
  %8 = nn.mul %7, %k : tensor<8xf32>, tensor<8xf32>
  %9 = nn.mul %8, %l : tensor<8xf32>, tensor<8xf32>
  %10 = nn.sub %4, %9 : tensor<8xf32>, tensor<8xf32>
  return %10 : tensor<8xf32>
}
