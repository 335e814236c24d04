// RUN: dtc-opt %s | dtc-opt | FileCheck %s

// CHECK: rt.program @all arena(640) shared(128)
rt.program @all arena(640) shared(128) attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 2>} {
  // CHECK: rt.buffer input "x" offset 0 : memref<4x2x3x3xf32, strided<[18, 1, 6, 2]>>
  %x = rt.buffer input "x" offset 0 : memref<4x2x3x3xf32, strided<[18, 1, 6, 2]>>
  // CHECK: rt.buffer parameter "w" offset 320 {init = #nn.uniform<bound = 5.000000e-01>} : memref<8xf32>
  %w = rt.buffer parameter "w" offset 320 {init = #nn.uniform<bound = 0.5>} : memref<8xf32>
  %y = rt.buffer temporary "y" offset 384 : memref<4x2xf32>
  // CHECK: rt.view "part" of %{{.*}} at 4 : memref<8xf32> -> memref<4xf32>
  %part = rt.view "part" of %w at 4 : memref<8xf32> -> memref<4xf32>
  // CHECK: rt.kernel @relu grid [8] reads [#{{.*}}] writes [#{{.*}}] formula "relu" {
  rt.kernel @relu grid [8] reads [affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "relu" {
  ^bb0(%a: f32):
    %zero = arith.constant 0.0 : f32
    %r = arith.maximumf %a, %zero : f32
    rt.yield %r : f32
  }
  rt.fragment @f flops 1.0 bytes 2 {
    // CHECK: rt.call "reduce_sum"(%{{.*}}) -> (%{{.*}}) options {axes = array<i64: 2, 3>} : (memref<4x2x3x3xf32, strided<[18, 1, 6, 2]>>) -> memref<4x2xf32>
    rt.call "reduce_sum"(%x) -> (%y) options {axes = array<i64: 2, 3>} : (memref<4x2x3x3xf32, strided<[18, 1, 6, 2]>>) -> memref<4x2xf32>
    // CHECK: rt.call "matmul"(%{{.*}}, %{{.*}}) -> (%{{.*}}) named %{{.*}} ["bias"] : (memref<4x2xf32>, memref<4x2xf32>) -> memref<4x2xf32> named memref<8xf32>
    rt.call "matmul"(%y, %y) -> (%y) named %w ["bias"] : (memref<4x2xf32>, memref<4x2xf32>) -> memref<4x2xf32> named memref<8xf32>
    // CHECK: rt.launch @relu(%{{.*}}) -> (%{{.*}}) : (memref<4x2xf32>) -> memref<4x2xf32>
    rt.launch @relu(%y) -> (%y) : (memref<4x2xf32>) -> memref<4x2xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
    // CHECK: rt.all_reduce_start "sum" %{{.*}} over "data" name "bucket" ["w"] : memref<8xf32>
    %t = rt.all_reduce_start "sum" %w over "data" name "bucket" ["w"] : memref<8xf32>
    rt.wait %t
  }
}
