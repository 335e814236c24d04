// RUN: dtc-opt %s -verify-diagnostics -split-input-file

rt.program @p arena(64) attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 2>} {
  // expected-error @below {{ends at byte 96 beyond the arena of 64}}
  %x = rt.buffer input "x" offset 64 : memref<8xf32>
}

// -----

// expected-error @below {{names 1 axes of a mesh with 2}}
rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 2, 2>} {
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{of a parameter or of state needs an initial value}}
  %x = rt.buffer parameter "x" : memref<8xf32>
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{must be dense, row-major or channels-last}}
  %x = rt.buffer temporary "x" : memref<8x8xf32, strided<[16, 1]>>
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer temporary "x" : memref<8xf32>
  // expected-error @below {{does not lie inside}}
  %y = rt.view "y" of %x at 6 : memref<8xf32> -> memref<4xf32>
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{callee 'system("rm");' is no identifier}}
    rt.call "system(\22rm\22);"() -> () : () -> ()
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{launches 'k', which is no kernel}}
    rt.launch @k() -> () : () -> ()
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{has a grid of 1 dimensions}}
  rt.kernel @k grid [8] reads [] writes [affine_map<(d0, d1) -> (d0)>] formula "" {
    %c = arith.constant 0.0 : f32
    rt.yield %c : f32
  }
}

// -----

rt.program @p arena(64) attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{has no offset in a planned program}}
  %x = rt.buffer input "x" : memref<8xf32>
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{must end in rt.yield}}
  rt.kernel @k grid [8] reads [] writes [] formula "" {
    %c = arith.constant 0.0 : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{reads 1 buffers but its body takes 0}}
  rt.kernel @k grid [8] reads [affine_map<(d0) -> (d0)>] writes [] formula "" {
    %c = arith.constant 0.0 : f32
    rt.yield %c : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // expected-error @below {{writes 0 buffers but yields 1}}
  rt.kernel @k grid [8] reads [] writes [] formula "" {
    %c = arith.constant 0.0 : f32
    rt.yield %c : f32
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{has 1 named operands but 2 names}}
    rt.call "f"() -> () named %x ["a", "b"] : () -> () named memref<8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{option 'a b' is no identifier}}
    rt.call "f"() -> () options {"a b" = 1 : i64} : () -> ()
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{has 1 option names but 0 values}}
    "rt.call"() <{callee = "f", operandSegmentSizes = array<i32: 0, 0, 0>, option_names = ["a"], option_values = []}> : () -> ()
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %a = rt.buffer temporary "a" : memref<4xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{has tuples of 2 but 1 inputs}}
    rt.call "running_average_update" tuples of 2(%a) -> () : (memref<4xf32>) -> ()
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.timeline @t phase "train" {
    // expected-error @below {{runs 'nothing', which is no fragment}}
    rt.run @nothing
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  rt.timeline @t phase "train" {
    %p = builtin.unrealized_conversion_cast to !rt.pending
    // expected-error @below {{waits for what no communication has started}}
    rt.wait %p
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{callee 'relux' is no call of the runtime}}
    rt.call "relux"(%x) -> (%x) : (memref<8xf32>) -> memref<8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{'copy' has no option 'axis'}}
    rt.call "copy"(%x) -> (%x) options {axis = 0 : i64} : (memref<8xf32>) -> memref<8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{option 'axis' of 'softmax' is of another kind}}
    rt.call "softmax"(%x) -> (%x) options {axis = true} : (memref<8xf32>) -> memref<8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{option 'transpose_a' of 'matmul' stands twice, or behind one that is declared behind it}}
    rt.call "matmul"(%x, %x) -> (%x) options {transpose_b = true, transpose_a = true} : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{leaves out the option 'offsets' of 'slice', which has no default}}
    rt.call "slice"(%x) -> (%x) : (memref<8x8xf32>) -> memref<8x8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{gives 1 inputs to 'matmul', which takes 2}}
    rt.call "matmul"(%x) -> (%x) : (memref<8x8xf32>) -> memref<8x8xf32>
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{gives 3 outputs to 'max_pool', which takes 2 or fewer}}
    rt.call "max_pool"(%x) -> (%x, %x, %x) options {kernel = array<i64: 2>} : (memref<8x8xf32>) -> (memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>)
  }
}

// -----

rt.program @p attributes {model = "m", recipe = unit, batch = 8 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<8x8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    // expected-error @below {{could take 'accumulate', which is no option of 'copy'}}
    rt.call "copy"(%x) -> (%x) {can_accumulate} : (memref<8x8xf32>) -> memref<8x8xf32>
  }
}
