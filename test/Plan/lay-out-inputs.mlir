// RUN: dtc-opt %s --pass-pipeline='builtin.module(rt.program(dtc-lay-out-inputs))' -split-input-file | FileCheck %s

// What is only copied to channels-last lies so from the start, in both phases and in its rows too.
// CHECK-LABEL: rt.program @copied
// CHECK: %[[X:.*]] = rt.buffer {{ *}}input "x" : memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
// CHECK: %[[ROWS:.*]] = rt.view "x.rows" of %[[X]] at 0 parts 2 : memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>> -> memref<4x3x4x4xf32, strided<[48, 1, 12, 3]>>
// CHECK-NOT: channels_last
// CHECK: rt.fragment @forward
// CHECK-NEXT: rt.call "conv"(%[[ROWS]], %{{.*}}) -> (%{{.*}})
// CHECK-NEXT: rt.call "conv_weight_gradient"(%[[ROWS]], %{{.*}}) -> (%{{.*}})
// CHECK: rt.fragment @evaluate
// CHECK-NEXT: rt.call "conv"(%[[X]], %{{.*}}) -> (%{{.*}})
rt.program @copied attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 8 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x3x4x4xf32>
  %w = rt.buffer temporary "w" : memref<5x3x1x1xf32>
  %dw = rt.buffer temporary "dw" : memref<5x3x1x1xf32>
  %xl = rt.buffer temporary "x.channels_last" : memref<4x3x4x4xf32, strided<[48, 1, 12, 3]>>
  %xm = rt.buffer temporary "x.channels_last" : memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
  %y = rt.buffer temporary "y" : memref<4x5x4x4xf32, strided<[80, 1, 20, 5]>>
  %z = rt.buffer temporary "z" : memref<8x5x4x4xf32, strided<[80, 1, 20, 5]>>
  %rows = rt.view "x.rows" of %x at 0 parts 2 : memref<8x3x4x4xf32> -> memref<4x3x4x4xf32>
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "copy"(%rows) -> (%xl) : (memref<4x3x4x4xf32>) -> memref<4x3x4x4xf32, strided<[48, 1, 12, 3]>>
    rt.call "conv"(%xl, %w) -> (%y) : (memref<4x3x4x4xf32, strided<[48, 1, 12, 3]>>, memref<5x3x1x1xf32>) -> memref<4x5x4x4xf32, strided<[80, 1, 20, 5]>>
    rt.call "conv_weight_gradient"(%xl, %y) -> (%dw) : (memref<4x3x4x4xf32, strided<[48, 1, 12, 3]>>, memref<4x5x4x4xf32, strided<[80, 1, 20, 5]>>) -> memref<5x3x1x1xf32>
  }
  rt.fragment @evaluate flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%xm) : (memref<8x3x4x4xf32>) -> memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
    rt.call "conv"(%xm, %w) -> (%z) : (memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>, memref<5x3x1x1xf32>) -> memref<8x5x4x4xf32, strided<[80, 1, 20, 5]>>
  }
}

// -----

// An input that something reads as it is stays row-major.
// CHECK-LABEL: rt.program @read_as_it_is
// CHECK: rt.buffer {{ *}}input "x" : memref<8x3x4x4xf32>
// CHECK: rt.call "copy"
rt.program @read_as_it_is attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 8 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x3x4x4xf32>
  %xl = rt.buffer temporary "x.channels_last" : memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
  %s = rt.buffer temporary "s" : memref<8xf32>
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%xl) : (memref<8x3x4x4xf32>) -> memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
    rt.call "reduce_sum"(%x) -> (%s) : (memref<8x3x4x4xf32>) -> memref<8xf32>
  }
}

// -----

// A copy that is written again is a tensor of its own.
// CHECK-LABEL: rt.program @written_again
// CHECK: rt.buffer {{ *}}input "x" : memref<8x3x4x4xf32>
// CHECK: rt.call "copy"
rt.program @written_again attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 8 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x3x4x4xf32>
  %xl = rt.buffer temporary "x.channels_last" : memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "copy"(%x) -> (%xl) : (memref<8x3x4x4xf32>) -> memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
    rt.call "fill"() -> (%xl) options {value = 0.0} : () -> memref<8x3x4x4xf32, strided<[48, 1, 12, 3]>>
  }
}
