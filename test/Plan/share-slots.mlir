// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-share-slots))' %s | FileCheck %s

#same = affine_map<(d0) -> (d0)>

// Two microbatches are under way together, by turns (1F1B): two slots are enough
// for four. What is sent is in use until the wait; what lives in one fragment
// alone, or is overwritten at once, needs one.
// CHECK-LABEL: rt.program @turns
rt.program @turns attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 8 : i64, axes = ["pipe"], mesh = array<i64: 2>} {
  // CHECK: rt.buffer temporary "kept" slots 2
  %kept = rt.buffer temporary "kept" slots 4 : memref<8xf32>
  // CHECK: rt.buffer temporary "sent" slots 3
  %sent = rt.buffer temporary "sent" slots 4 : memref<8xf32>
  // CHECK: rt.buffer temporary "inside" : memref
  %inside = rt.buffer temporary "inside" : memref<8xf32>
  // CHECK: rt.buffer temporary "passing" slots 1
  %passing = rt.buffer temporary "passing" slots 4 : memref<8xf32>
  rt.kernel @neg grid [8] reads [#same] writes [#same] formula "neg" {
  ^bb0(%e: f32):
    %r = arith.negf %e : f32
    rt.yield %r : f32
  }
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.launch @neg(%inside) -> (%kept) : (memref<8xf32>) -> memref<8xf32>
    rt.launch @neg(%kept) -> (%passing) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.fragment @backward flops 0.0 bytes 0 {
    rt.launch @neg(%kept) -> (%sent) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward microbatch 0
    rt.run @forward microbatch 1
    rt.run @backward microbatch 0
    %0 = rt.send_start %sent "sent" to 1 over "pipe" microbatch 0 : memref<8xf32>
    rt.run @forward microbatch 2
    rt.run @backward microbatch 1
    %1 = rt.send_start %sent "sent" to 1 over "pipe" microbatch 1 : memref<8xf32>
    rt.run @forward microbatch 3
    rt.run @backward microbatch 2
    %2 = rt.send_start %sent "sent" to 1 over "pipe" microbatch 2 : memref<8xf32>
    rt.wait %0
    rt.run @backward microbatch 3
    %3 = rt.send_start %sent "sent" to 1 over "pipe" microbatch 3 : memref<8xf32>
    rt.wait %1
    rt.wait %2
    rt.wait %3
  }
}

// All forwards first (GPipe): a slot for each.
// CHECK-LABEL: rt.program @all_first
rt.program @all_first attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 8 : i64, axes = [], mesh = array<i64>} {
  // CHECK: rt.buffer temporary "kept" slots 3
  %kept = rt.buffer temporary "kept" slots 3 : memref<8xf32>
  %x = rt.buffer input "x" : memref<8xf32>
  rt.kernel @neg grid [8] reads [#same] writes [#same] formula "neg" {
  ^bb0(%e: f32):
    %r = arith.negf %e : f32
    rt.yield %r : f32
  }
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.launch @neg(%x) -> (%kept) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.fragment @backward flops 0.0 bytes 0 {
    rt.launch @neg(%kept) -> (%x) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward microbatch 0
    rt.run @forward microbatch 1
    rt.run @forward microbatch 2
    rt.run @backward microbatch 0
    rt.run @backward microbatch 1
    rt.run @backward microbatch 2
  }
}
