// RUN: dtc-opt --dtc-plan-memory --dtc-verify-memory %s | FileCheck %s

// CHECK: rt.program @p arena(1152)
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // What is kept comes first and shares with nobody, even if no call touches it.
  // CHECK: rt.buffer input "x" offset 0
  %x = rt.buffer input "x" : memref<16xf32>
  // CHECK: rt.buffer parameter "w" offset 64
  %w = rt.buffer parameter "w" {init = unit} : memref<16xf32>
  // Alive together: side by side.
  // CHECK: rt.buffer temporary "a" offset 128
  %a = rt.buffer temporary "a" : memref<128xf32>
  // CHECK: rt.buffer temporary "b" offset 640
  %b = rt.buffer temporary "b" : memref<128xf32>
  // Alive when a is dead: takes its place.
  // CHECK: rt.buffer temporary "c" offset 128
  %c = rt.buffer temporary "c" : memref<100xf32>
  // Alive with b and c: in the gap that is left between them; sizes are rounded
  // up to 64 bytes.
  // CHECK: rt.buffer temporary "d" offset 576
  %d = rt.buffer temporary "d" : memref<1xf32>
  // CHECK-NOT: "unused"
  %u = rt.buffer temporary "unused" : memref<1024xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%b) : (memref<16xf32>) -> memref<128xf32>
    rt.call "copy"(%b) -> (%a) : (memref<128xf32>) -> memref<128xf32>
    rt.call "copy"(%b) -> (%c) : (memref<128xf32>) -> memref<100xf32>
    rt.call "copy"(%b) -> (%d) : (memref<128xf32>) -> memref<1xf32>
    rt.call "copy"(%d) -> (%c) : (memref<1xf32>) -> memref<100xf32>
    rt.call "copy"(%b) -> (%x) : (memref<128xf32>) -> memref<16xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}

// A bucket belongs to its collective until the wait, so what runs meanwhile
// lies elsewhere; what runs afterwards does not.
// CHECK-LABEL: rt.program @overlap arena(320) shared(256)
rt.program @overlap attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = ["data"], mesh = array<i64: 2>} {
  // CHECK: rt.buffer bucket "bucket" offset 0
  %bucket = rt.buffer bucket "bucket" : memref<64xf32>
  // CHECK: rt.buffer temporary "meanwhile" offset 256
  %meanwhile = rt.buffer temporary "meanwhile" : memref<16xf32>
  // CHECK: rt.buffer temporary "afterwards" offset 0
  %afterwards = rt.buffer temporary "afterwards" : memref<16xf32>
  rt.fragment @head flops 0.0 bytes 0 {
    rt.call "fill"() -> (%bucket) options {value = 0.0} : () -> memref<64xf32>
  }
  rt.fragment @tail flops 0.0 bytes 0 {
    rt.call "fill"() -> (%meanwhile) options {value = 0.0} : () -> memref<16xf32>
  }
  rt.fragment @update flops 0.0 bytes 0 {
    rt.call "fill"() -> (%afterwards) options {value = 0.0} : () -> memref<16xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @head
    %t = rt.all_reduce_start "sum" %bucket over "data" name "bucket" ["w"] : memref<64xf32>
    rt.run @tail
    rt.wait %t
    rt.run @update
  }
}

// What is communicated comes first, what is kept among it below: ranks of one
// host share that much. Others fill its gaps.
// CHECK-LABEL: rt.program @shared arena(960) shared(704)
rt.program @shared attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = ["pipe"], mesh = array<i64: 2>} {
  // CHECK: rt.buffer parameter "w" offset 704
  %w = rt.buffer parameter "w" {init = unit} : memref<64xf32>
  // CHECK: rt.buffer loss "loss" offset 0
  %loss = rt.buffer loss "loss" : memref<f32>
  // CHECK: rt.buffer temporary "received" offset 64
  %received = rt.buffer temporary "received" : memref<160xf32>
  // CHECK: rt.buffer temporary "inside" offset 64
  %inside = rt.buffer temporary "inside" : memref<100xf32>
  // CHECK: rt.buffer temporary "sent" offset 64
  %sent = rt.buffer temporary "sent" : memref<128xf32>
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "copy"(%received) -> (%w) : (memref<160xf32>) -> memref<64xf32>
  }
  rt.fragment @backward flops 0.0 bytes 0 {
    rt.call "copy"(%w) -> (%inside) : (memref<64xf32>) -> memref<100xf32>
    rt.call "copy"(%inside) -> (%loss) : (memref<100xf32>) -> memref<f32>
  }
  rt.fragment @last flops 0.0 bytes 0 {
    rt.call "copy"(%w) -> (%sent) : (memref<64xf32>) -> memref<128xf32>
  }
  rt.timeline @train phase "train" {
    %r = rt.recv_start %received "x" from 0 over "pipe" : memref<160xf32>
    rt.wait %r
    rt.run @forward
    rt.run @backward
    %t = rt.all_reduce_start "sum" %loss over "pipe" name "loss" ["loss"] : memref<f32>
    rt.wait %t
    rt.run @last
    %s = rt.send_start %sent "y" to 0 over "pipe" : memref<128xf32>
    rt.wait %s
  }
}
