// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-plan-memory))' %s | dtc-translate --rt-to-source | FileCheck %s
// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-plan-memory))' %s | dtc-translate --rt-to-plan | FileCheck %s --check-prefix=PLAN

// Two stages in one program: a namespace each, and one main that binds them all.
// CHECK: // two, a pipeline on 2 devices.
// CHECK: //   stage0, a step      16 FLOP, 256 B arena, sends 64 B
// CHECK-NEXT: //   stage1, a step      0 FLOP, 192 B arena
// CHECK-NEXT: #include
// What both have word for word stands before them; another formula of one name stays in its role.
// CHECK: struct sgd {
// CHECK-NOT: struct step_of
// CHECK-LABEL: namespace stage0 {
// CHECK-NOT: struct sgd
// CHECK: struct step_of {
// CHECK: Slots<f32> x_rows{arena, "x.rows", 128, 2, {8}, row_major, 32};
// CHECK: Slots<f32> h{arena, "h", 0, 2, {8}};
// CHECK: void forward(Context &ctx, Buffers &b, index microbatch) {
// CHECK: b.h[microbatch]
// CHECK: forward(ctx, b, 0);
// CHECK-NEXT: Pending h_to_1_0 = send_start(ctx, b.h[0], {.axis = "pipe", .peer = 1, .microbatch = 0});
// CHECK: h_to_1_0.wait();
// CHECK: } // namespace stage0
// CHECK-LABEL: namespace stage1 {
// CHECK-NOT: struct sgd
// CHECK: struct step_of {
// CHECK: Pending h_from_0_1 = recv_start(ctx, b.h[1], {.axis = "pipe", .peer = 0, .microbatch = 1});
// CHECK: h_from_0_1.wait();
// CHECK: } // namespace stage1
// CHECK: role<stage0::Buffers>({.name = "stage0", .at = {{[{][{]}}"pipe", 0{{[}][}]}}, .arena_bytes = 256, .shared_bytes = 128
// CHECK-NEXT: stage0::bind, stage0::step),
// CHECK: role<stage1::Buffers>({.name = "stage1", .at = {{[{][{]}}"pipe", 1{{[}][}]}}, .arena_bytes = 192, .shared_bytes = 128
// PLAN: "stage0"
// PLAN: "stage1"
#same = affine_map<(d0) -> (d0)>
rt.program @stage0 attributes {model = "two", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 16>, batch = 16 : i64, local_batch = 16 : i64, axes = ["pipe"], mesh = array<i64: 2>, at = {pipe = 0 : i64}} {
  rt.formula @sgd "sgd" settings [] [] states [] {
  ^bb0(%lr: f64, %number: f64, %p: f32, %g: f32):
    %y = arith.subf %p, %g : f32
    rt.yield %y : f32
  }
  rt.formula @step_of "step" settings [] [] states [] {
  ^bb0(%lr: f64, %number: f64, %p: f32, %g: f32):
    %y = arith.subf %p, %g : f32
    rt.yield %y : f32
  }
  %x = rt.buffer input "x" : memref<16xf32>
  %rows = rt.view "x.rows" of %x at 0 parts 2 : memref<16xf32> -> memref<8xf32>
  %h = rt.buffer temporary "h" slots 2 : memref<8xf32>
  %loss = rt.buffer loss "loss" : memref<f32>
  rt.kernel @neg grid [8] reads [#same] writes [#same] formula "neg" {
  ^bb0(%e: f32):
    %r = arith.negf %e : f32
    rt.yield %r : f32
  }
  rt.fragment @forward flops 8.0 bytes 64 {
    rt.launch @neg(%rows) -> (%h) : (memref<8xf32>) -> memref<8xf32>
  }
  rt.timeline @stage0 phase "train" {
    rt.run @forward microbatch 0
    %0 = rt.send_start %h "h" to 1 over "pipe" microbatch 0 : memref<8xf32>
    rt.run @forward microbatch 1
    %1 = rt.send_start %h "h" to 1 over "pipe" microbatch 1 : memref<8xf32>
    rt.wait %0
    rt.wait %1
  }
}
rt.program @stage1 attributes {model = "two", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 16>, batch = 16 : i64, local_batch = 16 : i64, axes = ["pipe"], mesh = array<i64: 2>, at = {pipe = 1 : i64}} {
  rt.formula @sgd "sgd" settings [] [] states [] {
  ^bb0(%lr: f64, %number: f64, %p: f32, %g: f32):
    %y = arith.subf %p, %g : f32
    rt.yield %y : f32
  }
  rt.formula @step_of "step" settings [] [] states [] {
  ^bb0(%lr: f64, %number: f64, %p: f32, %g: f32):
    %y = arith.addf %p, %g : f32
    rt.yield %y : f32
  }
  %h = rt.buffer temporary "h" slots 2 : memref<8xf32>
  %loss = rt.buffer loss "loss" : memref<f32>
  rt.timeline @stage1 phase "train" {
    %0 = rt.recv_start %h "h" from 0 over "pipe" microbatch 0 : memref<8xf32>
    %1 = rt.recv_start %h "h" from 0 over "pipe" microbatch 1 : memref<8xf32>
    rt.wait %0
    rt.wait %1
  }
}
