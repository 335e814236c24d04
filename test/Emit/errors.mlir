// RUN: not dtc-translate --rt-to-source --split-input-file %s 2>&1 | FileCheck %s

// CHECK: error: 'rt.program' op has no memory plan: run dtc-plan-memory first
rt.program @all attributes {model = "m", recipe = unit, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
}

// -----

// CHECK: error: 'rt.program' op has no timeline of the phase 'train'
rt.program @all arena(0) attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
}

// -----

// CHECK: error: 'math.cbrt' op has no expression in emitted kernels (ExpressionOpInterface)
rt.program @all arena(0) attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.kernel @k grid [4] reads [affine_map<(d0) -> (d0)>] writes [affine_map<(d0) -> (d0)>] formula "" {
  ^bb0(%a: f32):
    %y = math.cbrt %a : f32
    rt.yield %y : f32
  }
  rt.timeline @train phase "train" {
  }
}

// -----

// CHECK: error: 'math.cbrt' op has no expression in emitted formulas (ExpressionOpInterface)
rt.program @all arena(0) attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.formula @f "f" settings [] [] states [] {
  ^bb0(%lr: f64, %step: f64, %p: f32, %g: f32):
    %y = math.cbrt %p : f32
    rt.yield %y : f32
  }
  rt.timeline @train phase "train" {
  }
}

// -----

// CHECK: error: 'rt.buffer' op of state starts as #nn.uniform<bound = 1.000000e+00>, but programs start state with one value (#nn.constant)
rt.program @all arena(16) attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %s = rt.buffer state "sgd.momentum/w" offset 0 {init = #nn.uniform<bound = 1.0>} : memref<4xf32>
  rt.timeline @train phase "train" {
  }
}
