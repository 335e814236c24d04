// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-cuda | FileCheck %s
// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s --check-prefix=CPU

// For a GPU a kernel says how many neighbours a thread takes: 16 bytes, where all sizes, strides and
// offsets of what is read and written side by side are multiples. The CPU does not ask.
// CPU-NOT: lanes
#row = affine_map<(d0, d1) -> (d0 * 64 + d1)>
#row6 = affine_map<(d0, d1) -> (d0 * 6 + d1)>
#odd = affine_map<(d0, d1) -> (d0 * 65 + d1)>
#one = affine_map<(d0) -> (d0)>
// CHECK: // m, one device, for NVIDIA GPUs. Made by dtc; yours to read and to change.
rt.program @all attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<16x65xf32>
  %y = rt.buffer loss "loss" : memref<16x65xf32>
  %x_head = rt.view "head" of %x at 0 : memref<16x65xf32> -> memref<64xf32>
  %x_even = rt.view "even" of %x at 2 : memref<16x65xf32> -> memref<64xf32>
  %x_tail = rt.view "tail" of %x at 1 : memref<16x65xf32> -> memref<64xf32>
  %y_head = rt.view "y" of %y at 0 : memref<16x65xf32> -> memref<64xf32>
  %c = rt.constant "c" dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32> : memref<4xf32>
  // CHECK-LABEL: struct full {
  // CHECK: static constexpr int lanes = 4; // elements of a thread at a time
  // CHECK-NEXT: DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
  // CHECK-NEXT: out[i0 * 64 + i1] = in0[i0 * 64 + i1] + in1[i1] + in2[i0] + in3[i0 + i1 * 5];
  rt.kernel @full grid [8, 64] reads [#row, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d0 + d1 * 5)>] writes [#row] formula "full" {
  ^bb0(%a: f32, %b: f32, %s: f32, %g: f32):
    %1 = arith.addf %a, %b : f32
    %2 = arith.addf %1, %s : f32
    %3 = arith.addf %2, %g : f32
    rt.yield %3 : f32
  }
  // Eight of bf16; f32 beside them takes two loads.
  // CHECK-LABEL: struct low {
  // CHECK-NEXT: Read<bf16> in0;
  // CHECK-NEXT: Read<f32> in1;
  // CHECK-NEXT: Write<bf16> out;
  // CHECK-NEXT: static constexpr int lanes = 8; // elements of a thread at a time
  // CHECK: out[i0 * 64 + i1] = in0[i0 * 64 + i1] + in1[i1];
  rt.kernel @low grid [8, 64] reads [#row, affine_map<(d0, d1) -> (d1)>] writes [#row] formula "low" {
  ^bb0(%a: bf16, %b: f32):
    %w = arith.extf %a : bf16 to f32
    %1 = arith.addf %w, %b : f32
    %2 = arith.truncf %1 : f32 to bf16
    rt.yield %2 : bf16
  }
  // CHECK-LABEL: struct inner_size {
  // CHECK: static constexpr int lanes = 2; // elements of a thread at a time
  rt.kernel @inner_size grid [8, 6] reads [#row6] writes [#row6] formula "inner" {
  ^bb0(%a: f32):
    rt.yield %a : f32
  }
  // CHECK-LABEL: struct stride {
  // CHECK-NOT: lanes
  rt.kernel @stride grid [8, 64] reads [#odd] writes [#row] formula "stride" {
  ^bb0(%a: f32):
    rt.yield %a : f32
  }
  // CHECK-LABEL: struct place {
  // CHECK: static constexpr int lanes = 2; // elements of a thread at a time
  rt.kernel @place grid [64] reads [affine_map<(d0) -> (d0 + 2)>] writes [#one] formula "place" {
  ^bb0(%a: f32):
    rt.yield %a : f32
  }
  // CHECK-LABEL: struct offsets {
  // CHECK: static constexpr int lanes = 2; // elements of a thread at a time
  rt.kernel @offsets grid [64] reads [#one] writes [#one] formula "offsets" {
  ^bb0(%a: f32):
    rt.yield %a : f32
  }
  // CHECK-LABEL: struct offset_of_one {
  // CHECK-NOT: lanes
  rt.kernel @offset_of_one grid [64] reads [#one] writes [#one] formula "offset" {
  ^bb0(%a: f32):
    rt.yield %a : f32
  }
  // CHECK-LABEL: struct constant {
  // CHECK: static constexpr int lanes = 4; // elements of a thread at a time
  rt.kernel @constant grid [4] reads [#one] writes [#one] formula "constant" {
  ^bb0(%a: f32):
    rt.yield %a : f32
  }
  // CHECK: __device__ alignas(64) f32 c[] = {1.0f, 2.0f, 3.0f, 4.0f};
  // CHECK: Tensor<f32> c{device::address(constants::c), {4}};
  // CPU: {{^}}f32 c[]
  // CPU: Tensor<f32> c{constants::c, {4}};
  // CHECK: launch(ctx, grid(8, 64), full{b.x, b.x, b.x, b.x, b.loss});
  rt.fragment @f flops 0.0 bytes 0 {
    rt.launch @full(%x, %x, %x, %x) -> (%y) : (memref<16x65xf32>, memref<16x65xf32>, memref<16x65xf32>, memref<16x65xf32>) -> memref<16x65xf32>
    rt.launch @inner_size(%x) -> (%y) : (memref<16x65xf32>) -> memref<16x65xf32>
    rt.launch @stride(%x) -> (%y) : (memref<16x65xf32>) -> memref<16x65xf32>
    rt.launch @place(%x) -> (%y) : (memref<16x65xf32>) -> memref<16x65xf32>
    rt.launch @offsets(%x_head) -> (%y_head) : (memref<64xf32>) -> memref<64xf32>
    rt.launch @offsets(%x_even) -> (%y_head) : (memref<64xf32>) -> memref<64xf32>
    rt.launch @offset_of_one(%x_tail) -> (%y_head) : (memref<64xf32>) -> memref<64xf32>
    rt.launch @constant(%c) -> (%y_head) : (memref<4xf32>) -> memref<64xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @f
  }
}
