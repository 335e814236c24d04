// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-keep-relu-masks))' %s | FileCheck %s

// CHECK-LABEL: rt.program @p
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<4x3xf32>
  %w = rt.buffer temporary "w" : memref<3x130xf32>
  %dz = rt.buffer temporary "dz" : memref<4x5xf32>
  %v = rt.buffer temporary "v" : memref<5x130xf32>
  %b = rt.buffer temporary "b" : memref<130xf32>
  %dx = rt.buffer temporary "dx" : memref<4x130xf32>
  %db = rt.buffer temporary "db" : memref<130xf32>
  // Rows of 130 bits at multiples of 128; a slot for each microbatch that the activation has one for.
  // CHECK: %[[Y:.*]] = rt.buffer temporary "y" slots 4
  // CHECK-NEXT: %[[MASK:.*]] = rt.buffer temporary "y.mask" slots 4 : memref<4x32xui8>
  %y = rt.buffer temporary "y" slots 4 : memref<4x130xf32>
  // A stack of matrices has a mask of all its rows.
  // CHECK: rt.buffer temporary "stack.mask" : memref<6x16xui8>
  %stack = rt.buffer temporary "stack" : memref<2x3x8xbf16>
  %dstack = rt.buffer temporary "dstack" : memref<2x3x8xbf16>
  %a3 = rt.buffer temporary "a3" : memref<2x3x4xbf16>
  %b3 = rt.buffer temporary "b3" : memref<4x8xbf16>
  // CHECK-NOT: .mask
  %whole = rt.buffer temporary "whole" : memref<8x130xf32>
  %part = rt.view "part" of %whole at 0 : memref<8x130xf32> -> memref<4x130xf32>
  %received = rt.buffer temporary "received" : memref<4x130xf32>
  %twice = rt.buffer temporary "twice" : memref<4x130xf32>
  %touched = rt.buffer temporary "touched" : memref<4x130xf32>
  %piece = rt.view "piece" of %touched at 0 : memref<4x130xf32> -> memref<130xf32>
  %sigmoid = rt.buffer temporary "sigmoid" : memref<4x130xf32>
  %marked = rt.buffer temporary "marked" : memref<4x130xf32>

  // CHECK-LABEL: rt.fragment @forward
  rt.fragment @forward flops 0.0 bytes 0 {
    // CHECK-NEXT: rt.call "matmul"(%{{.*}}, %{{.*}}) -> (%[[Y]]) named %{{.*}}, %[[MASK]] ["bias", "relu_mask"]
    rt.call "matmul"(%x, %w) -> (%y) named %b ["bias"] options {activation = "relu"} {can_write_mask} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32> named memref<130xf32>
    rt.call "matmul"(%x, %w) -> (%part) options {activation = "relu"} {can_write_mask} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32>
    rt.call "matmul"(%x, %w) -> (%twice) options {activation = "relu"} {can_write_mask} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32>
    rt.call "matmul"(%x, %w) -> (%twice) options {activation = "relu"} {can_write_mask} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32>
    rt.call "matmul"(%x, %w) -> (%touched) options {activation = "relu"} {can_write_mask} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32>
    rt.call "copy"(%b) -> (%piece) : (memref<130xf32>) -> memref<130xf32>
    rt.call "matmul"(%x, %w) -> (%sigmoid) options {activation = "sigmoid"} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32>
    rt.call "matmul"(%x, %w) -> (%marked) options {activation = "relu"} {can_write_mask, rt.op = [0, "matmul"]} : (memref<4x3xf32>, memref<3x130xf32>) -> memref<4x130xf32>
  }
  // Two that use one mask, behind what else they take by name.
  // CHECK-LABEL: rt.fragment @backward
  rt.fragment @backward flops 0.0 bytes 0 {
    // CHECK-NEXT: named %[[Y]], %{{.*}}, %[[MASK]] ["gradient_at", "bias_gradient", "relu_mask"] options {activation_gradient = "relu"}
    // CHECK-NEXT: named %[[Y]], %[[MASK]] ["gradient_at", "relu_mask"]
    rt.call "matmul"(%dz, %v) -> (%dx) named %y, %db ["gradient_at", "bias_gradient"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>, memref<130xf32>
    rt.call "matmul"(%dz, %v) -> (%dx) named %y ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
    // A part of a buffer, another rank's, one that is written twice, or in part, or by another activation; one that is timed.
    rt.call "matmul"(%dz, %v) -> (%dx) named %part ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
    rt.call "matmul"(%dz, %v) -> (%dx) named %received ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
    rt.call "matmul"(%dz, %v) -> (%dx) named %twice ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
    rt.call "matmul"(%dz, %v) -> (%dx) named %touched ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
    rt.call "matmul"(%dz, %v) -> (%dx) named %sigmoid ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
    rt.call "matmul"(%dz, %v) -> (%dx) named %marked ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<4x5xf32>, memref<5x130xf32>) -> memref<4x130xf32> named memref<4x130xf32>
  }
  // CHECK-LABEL: rt.fragment @stacks
  rt.fragment @stacks flops 0.0 bytes 0 {
    // CHECK-NEXT: ["relu_mask"]
    rt.call "matmul"(%a3, %b3) -> (%stack) options {activation = "relu"} {can_write_mask} : (memref<2x3x4xbf16>, memref<4x8xbf16>) -> memref<2x3x8xbf16>
    // CHECK-NEXT: ["gradient_at", "relu_mask"]
    rt.call "matmul"(%a3, %b3) -> (%dstack) named %stack ["gradient_at"] options {activation_gradient = "relu"} {can_read_mask = "gradient_at"} : (memref<2x3x4xbf16>, memref<4x8xbf16>) -> memref<2x3x8xbf16> named memref<2x3x8xbf16>
  }
  rt.timeline @train phase "train" {
    rt.run @stacks
  }
}
