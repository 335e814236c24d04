// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-sum-in-products))' %s | FileCheck %s

// Sums that stay calls of their own.
// CHECK-LABEL: rt.program @p
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x3xf32>
  %dy = rt.buffer temporary "dy" : memref<8x2xf32>
  %other = rt.buffer temporary "other" : memref<8x2xf32>
  %square = rt.buffer temporary "square" : memref<8x8xf32>
  %db = rt.buffer temporary "db" : memref<2xf32>
  %db8 = rt.buffer temporary "db8" : memref<8xf32>
  %seen = rt.buffer temporary "seen" : memref<2xf32>
  %dw = rt.buffer temporary "dw" : memref<2x3xf32>
  %inside = rt.view "inside" of %dw at 0 : memref<2x3xf32> -> memref<2xf32>
  %rows = rt.view "rows" of %x at 0 parts 2 : memref<8x3xf32> -> memref<4x3xf32>
  %wide = rt.buffer temporary "wide" : memref<4x3xf32>

  // CHECK-LABEL: rt.fragment @sum_is_read_between
  rt.fragment @sum_is_read_between flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "copy"(%db) -> (%seen) : (memref<2xf32>) -> memref<2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // CHECK-LABEL: rt.fragment @matrix_is_written_between
  rt.fragment @matrix_is_written_between flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "copy"(%other) -> (%dy) : (memref<8x2xf32>) -> memref<8x2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // An update writes what it takes.
  // CHECK-LABEL: rt.fragment @matrix_is_updated_between
  rt.fragment @matrix_is_updated_between flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
    rt.call "running_average_update" tuples of 2(%dy, %other) -> () : (memref<8x2xf32>, memref<8x2xf32>) -> ()
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
  }
  // CHECK-LABEL: rt.fragment @other_axis
  rt.fragment @other_axis flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%square) -> (%db8) {sum_over = array<i64: 1>} : (memref<8x8xf32>) -> memref<8xf32>
    rt.call "matmul"(%square, %x) -> (%x) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x8xf32>, memref<8x3xf32>) -> memref<8x3xf32>
  }
  // CHECK-LABEL: rt.fragment @other_matrix
  rt.fragment @other_matrix flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%other) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // A part of a batch is not the batch.
  // CHECK-LABEL: rt.fragment @part
  rt.fragment @part flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%x) -> (%seen) {sum_over = array<i64: 0>} : (memref<8x3xf32>) -> memref<2xf32>
    rt.call "matmul"(%rows, %wide) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<4x3xf32>, memref<4x3xf32>) -> memref<2x3xf32>
  }
  // The product writes over it.
  // CHECK-LABEL: rt.fragment @inside_of_the_result
  rt.fragment @inside_of_the_result flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%inside) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // CHECK-LABEL: rt.fragment @cannot
  rt.fragment @cannot flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // Measured one by one.
  // CHECK-LABEL: rt.fragment @marked
  rt.fragment @marked flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>, rt.op = [0, "reduce_sum"]} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>], rt.op = [1, "matmul"]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // CHECK-LABEL: rt.fragment @another_fragment
  rt.fragment @another_fragment flops 0.0 bytes 0 {
    rt.call "matmul"(%dy, %x) -> (%dw) {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // CHECK-LABEL: rt.fragment @alone
  rt.fragment @alone flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
  }
  // A second sum of the same kind finds the place taken.
  // CHECK-LABEL: rt.fragment @taken
  rt.fragment @taken flops 0.0 bytes 0 {
    // CHECK: reduce_sum
    rt.call "reduce_sum"(%dy) -> (%db) {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) named %seen ["bias_gradient_a" ] {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32> named memref<2xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @alone
  }
}
