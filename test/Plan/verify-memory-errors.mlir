// RUN: dtc-opt --dtc-verify-memory %s -verify-diagnostics -split-input-file

rt.program @p arena(192) attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // expected-note @below {{the other buffer}}
  %a = rt.buffer temporary "a" offset 0 : memref<32xf32>
  // expected-error @below {{'b' at offset 64 lies inside live buffer 'a', which ends at 128}}
  %b = rt.buffer temporary "b" offset 64 : memref<32xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    rt.call "copy"(%a) -> (%b) : (memref<32xf32>) -> memref<32xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}

// -----

// The same offsets are fine for buffers that never live together.
rt.program @p arena(192) attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  %a = rt.buffer temporary "a" offset 0 : memref<32xf32>
  %b = rt.buffer temporary "b" offset 64 : memref<32xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    rt.call "fill"() -> (%a) options {value = 0.0} : () -> memref<32xf32>
    rt.call "fill"() -> (%b) options {value = 0.0} : () -> memref<32xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}

// -----

// expected-error @below {{has no memory plan}}
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
}

// -----

// Others see no more of the arena than what is shared.
rt.program @p arena(256) shared(64) attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = ["data"], mesh = array<i64: 2>} {
  // expected-error @below {{'a' is communicated and ends at 128, but ranks share the first 64 bytes}}
  %a = rt.buffer bucket "a" offset 0 : memref<32xf32>
  rt.timeline @train phase "train" {
    %t = rt.all_reduce_start "sum" %a over "data" name "a" ["w"] : memref<32xf32>
    rt.wait %t
  }
}
