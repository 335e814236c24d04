// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-sum-in-products))' %s | FileCheck %s

// CHECK-LABEL: rt.program @p
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // CHECK-DAG: %[[X:.*]] = rt.buffer input "x"
  %x = rt.buffer input "x" : memref<8x3xf32>
  // CHECK-DAG: %[[DY:.*]] = rt.buffer temporary "dy"
  %dy = rt.buffer temporary "dy" : memref<8x2xf32>
  %stack = rt.buffer temporary "stack" : memref<2x4x2xf32>
  // CHECK-DAG: %[[TALL:.*]] = rt.view "tall"
  %tall = rt.view "tall" of %stack at 0 : memref<2x4x2xf32> -> memref<8x2xf32>
  %low = rt.buffer temporary "low" : memref<8x2xbf16>
  %lowx = rt.buffer temporary "lowx" : memref<8x3xbf16>
  %bucket = rt.buffer bucket "bucket0" : memref<32xf32>
  // CHECK-DAG: %[[DB:.*]] = rt.view "db"
  %db = rt.view "db" of %bucket at 0 : memref<32xf32> -> memref<2xf32>
  // CHECK-DAG: %[[DW:.*]] = rt.view "dw"
  %dw = rt.view "dw" of %bucket at 16 : memref<32xf32> -> memref<2x3xf32>
  // CHECK-DAG: %[[DC:.*]] = rt.buffer temporary "dc"
  %dc = rt.buffer temporary "dc" : memref<3xf32>
  // CHECK-DAG: %[[DWT:.*]] = rt.buffer temporary "dwt"
  %dwt = rt.buffer temporary "dwt" : memref<3x2xf32>
  %bias = rt.buffer temporary "bias" : memref<2xf32>

  // The sum of the left operand, made before; the calls write different parts of a bucket.
  // CHECK-LABEL: rt.fragment @before
  rt.fragment @before flops 0.0 bytes 0 {
    // CHECK-NOT: reduce_sum
    // CHECK: rt.call "matmul"(%[[DY]], %[[X]]) -> (%[[DW]]) named %[[DB]] ["bias_gradient_a"] options {transpose_a = true}
    rt.call "reduce_sum"(%dy) -> (%db) options {axes = array<i64: 0>} {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "copy"(%x) -> (%dc) : (memref<8x3xf32>) -> memref<3xf32>
    rt.call "matmul"(%dy, %x) -> (%dw) options {transpose_a = true} {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // The right one's, made behind it. Between them is who writes something else.
  // CHECK-LABEL: rt.fragment @behind
  rt.fragment @behind flops 0.0 bytes 0 {
    // CHECK: rt.call "matmul"(%[[X]], %[[DY]]) -> (%[[DWT]]) named %[[DB]] ["bias_gradient_b"]
    // CHECK-NEXT: rt.call "copy"
    // CHECK-NOT: reduce_sum
    rt.call "matmul"(%x, %dy) -> (%dwt) options {transpose_a = true} {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>, #rt.sum<"bias_gradient_b", of 1 over[0]>]} : (memref<8x3xf32>, memref<8x2xf32>) -> memref<3x2xf32>
    rt.call "copy"(%dy) -> (%dw) : (memref<8x2xf32>) -> memref<2x3xf32>
    rt.call "reduce_sum"(%dy) -> (%db) options {axes = array<i64: 0>} {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
  }
  // Both, in the order in which the callee declares them, behind its other buffers.
  // CHECK-LABEL: rt.fragment @both
  rt.fragment @both flops 0.0 bytes 0 {
    // CHECK: named %{{.*}}, %[[DC]], %[[DB]] ["bias", "bias_gradient_a", "bias_gradient_b"]
    rt.call "reduce_sum"(%dy) -> (%db) options {axes = array<i64: 0>} {sum_over = array<i64: 0>} : (memref<8x2xf32>) -> memref<2xf32>
    rt.call "reduce_sum"(%x) -> (%dc) options {axes = array<i64: 0>} {sum_over = array<i64: 0>} : (memref<8x3xf32>) -> memref<3xf32>
    rt.call "matmul"(%x, %dy) -> (%dwt) named %bias ["bias"] options {transpose_a = true} {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>, #rt.sum<"bias_gradient_b", of 1 over[0]>]} : (memref<8x3xf32>, memref<8x2xf32>) -> memref<3x2xf32> named memref<2xf32>
  }
  // A stack of matrices, of which the product reads one tall one.
  // CHECK-LABEL: rt.fragment @stack
  rt.fragment @stack flops 0.0 bytes 0 {
    // CHECK-NEXT: rt.call "matmul"(%[[TALL]], %[[X]]) -> (%[[DW]]) named %[[DB]] ["bias_gradient_a"]
    rt.call "reduce_sum"(%stack) -> (%db) options {axes = array<i64: 0, 1>} {sum_over = array<i64: 0, 1>} : (memref<2x4x2xf32>) -> memref<2xf32>
    rt.call "matmul"(%tall, %x) -> (%dw) options {transpose_a = true} {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xf32>, memref<8x3xf32>) -> memref<2x3xf32>
  }
  // Beside a product that grows, the sum of bf16 in f32; what is added to the gradient is still made apart.
  // CHECK-LABEL: rt.fragment @grows
  rt.fragment @grows flops 0.0 bytes 0 {
    // CHECK-NEXT: rt.call "matmul"({{.*}}) -> (%[[DW]]) named %[[DB]] ["bias_gradient_a"] options {transpose_a = true, accumulate = true}
    rt.call "reduce_sum"(%low) -> (%db) options {axes = array<i64: 0>} {sum_over = array<i64: 0>} : (memref<8x2xbf16>) -> memref<2xf32>
    rt.call "matmul"(%low, %lowx) -> (%dw) options {transpose_a = true, accumulate = true} {can_sum = [#rt.sum<"bias_gradient_a", of 0 over[0]>]} : (memref<8x2xbf16>, memref<8x3xbf16>) -> memref<2x3xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @before
  }
}
