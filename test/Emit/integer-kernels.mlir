// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s
// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-cuda | FileCheck %s

// Integers and booleans in kernels: what wraps around and what divides are functions of dtcrt/scalars.h; an i64 literal says so.
rt.program @all attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // CHECK: struct counted {
  // CHECK-NEXT: Read<i64> in0;
  // CHECK-NEXT: Read<i64> in1;
  // CHECK-NEXT: Write<i64> out;
  // CHECK: out[i0] = wrapping_add(quotient(in0[i0], in1[i0]), i64(5));
  rt.kernel @counted grid [4] reads [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "counted" {
  ^bb0(%a: i64, %b: i64):
    %five = arith.constant 5 : i64
    %q = arith.divsi %a, %b : i64
    %y = arith.addi %q, %five : i64
    rt.yield %y : i64
  }
  // Decisions bind less than comparisons; not and bitwise not are exclusive or with all ones.
  // CHECK: struct decided {
  // CHECK-NEXT: Read<f32> in0;
  // CHECK-NEXT: Read<bool> in1;
  // CHECK-NEXT: Write<bool> out;
  // CHECK: out[i0] = (in0[i0] < 2.0f) & !in1[i0];
  rt.kernel @decided grid [4] reads [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "decided" {
  ^bb0(%x: f32, %c: i1):
    %two = arith.constant 2.0 : f32
    %true = arith.constant true
    %l = arith.cmpf olt, %x, %two : f32
    %n = arith.xori %c, %true : i1
    %y = arith.andi %l, %n : i1
    rt.yield %y : i1
  }
  // CHECK: struct converted {
  // CHECK: const auto x = in[i0];
  // CHECK-NEXT: out[i0] = maximum(convert<f32>(convert<i32>(x)), fmodf(x, 0.5f));
  rt.kernel @converted grid [4] reads [affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "converted" {
  ^bb0(%x: f32):
    %half = arith.constant 0.5 : f32
    %i = arith.fptosi %x : f32 to i32
    %f = arith.sitofp %i : i32 to f32
    %m = arith.remf %x, %half : f32
    %y = arith.maximumf %f, %m : f32
    rt.yield %y : f32
  }
  rt.timeline @train phase "train" {
  }
}
