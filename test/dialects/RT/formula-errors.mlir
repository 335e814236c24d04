// RUN: dtc-opt %s -verify-diagnostics -split-input-file

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{has 1 settings but 2 numbers}}
  rt.formula @f "f" settings ["a"] [1.0, 2.0] states [] {
  ^bb0(%lr: f64, %n: f64, %a: f64, %p: f32, %g: f32):
    rt.yield %p : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{takes a learning rate, a step, 0 settings, a parameter, a gradient and 1 states, but its body takes 4 arguments}}
  rt.formula @f "f" settings [] [] states ["m"] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32):
    rt.yield %p : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{argument 1 must be f64, not 'f32'}}
  rt.formula @f "f" settings [] [] states [] {
  ^bb0(%lr: f64, %n: f32, %p: f32, %g: f32):
    rt.yield %p : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{elements are f32, not 'f64'}}
  rt.formula @f "f" settings [] [] states [] {
  ^bb0(%lr: f64, %n: f64, %p: f64, %g: f32):
    rt.yield %g : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{has a scalar state before one of elements}}
  rt.formula @f "f" settings [] [] states ["s", "m"] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32, %s: f64, %m: f32):
    rt.yield %p, %s, %m : f32, f64, f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{must yield the new parameter and 1 new states}}
  rt.formula @f "f" settings [] [] states ["m"] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32, %m: f32):
    rt.yield %p : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{yields 'f64' for 'f32'}}
  rt.formula @f "f" settings [] [] states [] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32):
    rt.yield %lr : f64
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.formula @f "f" settings [] [] states [] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32):
    %a = rt.sum %p
    %b = arith.truncf %a : f64 to f32
    // expected-error @below {{adds up what another sum or a scalar state is in}}
    %c = rt.sum %b
    rt.yield %p : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.formula @f "f" settings [] [] states [] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32):
    // expected-error @below {{makes an f64 of an element}}
    %b = arith.extf %p : f32 to f64
    rt.yield %p : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %a = rt.buffer temporary "a" : memref<4xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{is of 'nothing', which is no formula}}
    rt.call "update_parameters" of @nothing tuples of 2(%a, %a) -> () : (memref<4xf32>, memref<4xf32>) -> ()
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %a = rt.buffer temporary "a" : memref<4xf32>
  rt.formula @f "f" settings [] [] states ["m"] {
  ^bb0(%lr: f64, %n: f64, %p: f32, %g: f32, %m: f32):
    rt.yield %p, %m : f32, f32
  }
  rt.fragment @update flops 0.0 bytes 0 {
    // expected-error @below {{has tuples of 2, not a parameter, its gradient and the 1 states of 'f'}}
    rt.call "update_parameters" of @f tuples of 2(%a, %a) -> () : (memref<4xf32>, memref<4xf32>) -> ()
  }
}
