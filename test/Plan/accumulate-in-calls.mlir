// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-accumulate-in-calls))' %s | FileCheck %s

#same = affine_map<(d0) -> (d0)>
// CHECK-LABEL: rt.program @p
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // CHECK: %[[X:.*]] = rt.buffer input "x"
  %x = rt.buffer input "x" : memref<2x2xf32>
  // CHECK: %[[BUCKET:.*]] = rt.buffer bucket "bucket0"
  %bucket = rt.buffer bucket "bucket0" : memref<32xf32>
  // CHECK: %[[SUM:.*]] = rt.view "a.gradient"
  %sum = rt.view "a.gradient" of %bucket at 0 : memref<32xf32> -> memref<2x2xf32>
  // CHECK: %[[OTHER:.*]] = rt.view "b.gradient"
  %other = rt.view "b.gradient" of %bucket at 16 : memref<32xf32> -> memref<2x2xf32>
  // CHECK-NOT: "part"
  %part = rt.buffer temporary "part" : memref<2x2xf32>
  // CHECK: %[[KEPT:.*]] = rt.buffer temporary "kept"
  %kept = rt.buffer temporary "kept" : memref<2x2xf32>
  // CHECK: %[[LATE:.*]] = rt.buffer temporary "late"
  %late = rt.buffer temporary "late" : memref<2x2xf32>
  rt.kernel @add grid [4] reads [#same, #same] writes [#same] formula "add" {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    rt.yield %c : f32
  }
  rt.fragment @f flops 0.0 bytes 0 {
    // Another gradient of the bucket may be written between.
    // CHECK: rt.call "matmul"(%[[X]], %[[X]]) -> (%[[SUM]]) options {transpose_a = true, accumulate = true}
    // CHECK-NEXT: rt.call "copy"(%[[X]]) -> (%[[OTHER]])
    rt.call "matmul"(%x, %x) -> (%part) options {transpose_a = true} {can_accumulate} : (memref<2x2xf32>, memref<2x2xf32>) -> memref<2x2xf32>
    rt.call "copy"(%x) -> (%other) : (memref<2x2xf32>) -> memref<2x2xf32>
    rt.launch @add(%sum, %part) -> (%sum) : (memref<2x2xf32>, memref<2x2xf32>) -> memref<2x2xf32>
    // What is used again is kept.
    // CHECK: rt.call "matmul"(%[[X]], %[[X]]) -> (%[[KEPT]])
    // CHECK: rt.launch @add(%[[OTHER]], %[[KEPT]])
    rt.call "matmul"(%x, %x) -> (%kept) options {} {can_accumulate} : (memref<2x2xf32>, memref<2x2xf32>) -> memref<2x2xf32>
    rt.launch @add(%other, %kept) -> (%other) : (memref<2x2xf32>, memref<2x2xf32>) -> memref<2x2xf32>
    rt.call "copy"(%kept) -> (%x) : (memref<2x2xf32>) -> memref<2x2xf32>
    // A sum that is read between the two stays as it is.
    // CHECK: rt.call "matmul"(%[[X]], %[[X]]) -> (%[[LATE]])
    // CHECK: rt.launch @add(%[[OTHER]], %[[LATE]])
    rt.call "matmul"(%x, %x) -> (%late) options {} {can_accumulate} : (memref<2x2xf32>, memref<2x2xf32>) -> memref<2x2xf32>
    rt.call "copy"(%other) -> (%x) : (memref<2x2xf32>) -> memref<2x2xf32>
    rt.launch @add(%other, %late) -> (%other) : (memref<2x2xf32>, memref<2x2xf32>) -> memref<2x2xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}
