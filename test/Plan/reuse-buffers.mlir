// RUN: dtc-opt --dtc-reuse-buffers %s | FileCheck %s

#same = affine_map<(d0) -> (d0)>
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // CHECK: %[[X:.*]] = rt.buffer input "x"
  %x = rt.buffer input "x" : memref<8xf32>
  // CHECK: %[[A:.*]] = rt.buffer temporary "a"
  %a = rt.buffer temporary "a" : memref<8xf32>
  // CHECK: %[[B:.*]] = rt.view "b" of %[[A]] at 0
  %b = rt.buffer temporary "b" : memref<8xf32>
  // CHECK: %[[C:.*]] = rt.buffer temporary "c"
  %c = rt.buffer temporary "c" : memref<8xf32>
  rt.kernel @neg grid [8] reads [#same] writes [#same] formula "neg" {
  ^bb0(%e: f32):
    %r = arith.negf %e : f32
    rt.yield %r : f32
  }
  rt.fragment @f flops 0.0 bytes 0 {
    // An input is never written over.
    // CHECK: rt.launch @neg(%[[X]]) -> (%[[A]])
    rt.launch @neg(%x) -> (%a) : (memref<8xf32>) -> memref<8xf32>
    // The last reader of a temporary is.
    // CHECK: rt.launch @neg(%[[A]]) -> (%[[B]])
    rt.launch @neg(%a) -> (%b) : (memref<8xf32>) -> memref<8xf32>
    // What is read again is not.
    // CHECK: rt.launch @neg(%[[B]]) -> (%[[C]])
    rt.launch @neg(%b) -> (%c) : (memref<8xf32>) -> memref<8xf32>
    // CHECK: rt.call "copy"(%[[B]]) -> (%[[X]])
    rt.call "copy"(%b) -> (%x) : (memref<8xf32>) -> memref<8xf32>
    rt.call "copy"(%c) -> (%x) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}

// A kernel that reads elsewhere than it writes keeps its own output.
#row = affine_map<(d0, d1) -> (d0 * 4 + d1)>
#column = affine_map<(d0, d1) -> (d1 * 2 + d0)>
// CHECK-LABEL: rt.program @transposed
rt.program @transposed attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8xf32>
  // CHECK: %[[A:.*]] = rt.buffer temporary "a"
  %a = rt.buffer temporary "a" : memref<8xf32>
  // CHECK: %[[B:.*]] = rt.buffer temporary "b"
  %b = rt.buffer temporary "b" : memref<8xf32>
  rt.kernel @neg grid [2, 4] reads [#column] writes [#row] formula "neg" {
  ^bb0(%e: f32):
    %r = arith.negf %e : f32
    rt.yield %r : f32
  }
  rt.fragment @f flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%a) : (memref<8xf32>) -> memref<8xf32>
    // CHECK: rt.launch @neg(%[[A]]) -> (%[[B]])
    rt.launch @neg(%a) -> (%b) : (memref<8xf32>) -> memref<8xf32>
    rt.call "copy"(%b) -> (%x) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}
