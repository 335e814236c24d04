// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s
// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-cuda | FileCheck %s

// Kernels read like hand-written code: one expression where one will do, names
// for what is used twice, parentheses only where C++ needs them.
rt.program @all attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // CHECK: // bias, gelu at each of 4 x 8 points
  // CHECK-NEXT: struct bias_gelu {
  // CHECK-NEXT:   Read<f32> in0;
  // CHECK-NEXT:   Read<f32> in1;
  // CHECK-NEXT:   Write<f32> out;
  // CHECK:        DTC_HOST_DEVICE void operator()(index i0, auto i1) const {
  // CHECK-NEXT:     const auto t0 = in0[i0 * 8 + i1] + in1[i1];
  // CHECK-NEXT:     out[i0 * 8 + i1] = 0.5f * t0 * (1.0f + erff(t0 * 0.70710677f));
  // CHECK-NEXT:   }
  // CHECK-NEXT: };
  rt.kernel @bias_gelu grid [4, 8] reads [affine_map<(d0, d1) -> (d0 * 8 + d1)>, affine_map<(d0, d1) -> (d1)>] writes [affine_map<(d0, d1) -> (d0 * 8 + d1)>] formula "bias, gelu" {
  ^bb0(%x: f32, %b: f32):
    %half = arith.constant 0.5 : f32
    %one = arith.constant 1.0 : f32
    %c = arith.constant 0.70710678 : f32
    %v = arith.addf %x, %b : f32
    %h = arith.mulf %half, %v : f32
    %s = arith.mulf %v, %c : f32
    %e = math.erf %s : f32
    %p = arith.addf %one, %e : f32
    %y = arith.mulf %h, %p : f32
    rt.yield %y : f32
  }
  // Subtraction and division group to the left; a negative literal binds as one.
  // CHECK: out[i0] = in0[i0] - (in1[i0] - -1.0f) / (in2[i0] * in3[i0]);
  rt.kernel @grouping grid [4] reads [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "grouping" {
  ^bb0(%a: f32, %b: f32, %a2: f32, %b2: f32):
    %m = arith.constant -1.0 : f32
    %d = arith.subf %b, %m : f32
    %p = arith.mulf %a2, %b2 : f32
    %q = arith.divf %d, %p : f32
    %y = arith.subf %a, %q : f32
    rt.yield %y : f32
  }
  // With two outputs everything is read before anything is written.
  // CHECK: struct two {
  // CHECK: const auto x = in[i0];
  // CHECK-NEXT: out0[i0] = -x;
  // CHECK-NEXT: out1[i0] = select(x > 0.0f, x, 0.0f);
  rt.kernel @two grid [4] reads [affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>] formula "two" {
  ^bb0(%a: f32):
    %zero = arith.constant 0.0 : f32
    %n = arith.negf %a : f32
    %g = arith.cmpf ogt, %a, %zero : f32
    %r = arith.select %g, %a, %zero : f32
    rt.yield %n, %r : f32, f32
  }
  // bf16 is read as f32, and rounded where it is written.
  // CHECK: struct low {
  // CHECK-NEXT: Read<bf16> in0;
  // CHECK-NEXT: Read<f32> in1;
  // CHECK-NEXT: Write<bf16> out;
  // CHECK: const auto t0 = in0[i0];
  // CHECK-NEXT: out[i0] = t0 * t0 + in1[i0];
  rt.kernel @low grid [4] reads [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "low" {
  ^bb0(%a: bf16, %b: f32):
    %w = arith.extf %a : bf16 to f32
    %s = arith.mulf %w, %w : f32
    %y = arith.addf %s, %b : f32
    %r = arith.truncf %y : f32 to bf16
    rt.yield %r : bf16
  }
  // A scalar has no grid.
  // CHECK: void operator()() const {
  // CHECK-NEXT: out[0] = sqrtf(in[0]);
  rt.kernel @scalar grid [] reads [affine_map<() -> (0)>] writes [affine_map<() -> (0)>] formula "sqrt" {
  ^bb0(%a: f32):
    %y = math.sqrt %a : f32
    rt.yield %y : f32
  }
  rt.timeline @train phase "train" {
  }
}
