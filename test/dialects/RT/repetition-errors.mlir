// RUN: dtc-opt --split-input-file --verify-diagnostics %s

rt.program @lies_twice attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
  %a = rt.buffer temporary "a" : memref<8xf32>
  // expected-error @below {{has a member twice: a buffer has one place, unless it is listed}}
  %array = rt.array "a" of %a, %a : memref<8xf32>
}

// -----

rt.program @beyond attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
  %a = rt.buffer temporary "a" : memref<8xf32>
  %b = rt.buffer temporary "b" : memref<8xf32>
  %array = rt.array "ab" of %a, %b : memref<8xf32>
  rt.fragment @f flops 0.0 bytes 0 {
    rt.repeat 3 {
    ^bb0(%run: index):
      // expected-error @below {{takes members 0 to 2 of 'ab', which has 2}}
      %e = rt.element %array at 0 step 1 of %run : !rt.array<memref<8xf32>>
    }
  }
}

// -----

rt.program @slots attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
  %a = rt.buffer temporary "a" : memref<8xf32>
  %b = rt.buffer temporary "b" slots 2 : memref<8xf32>
  // expected-error @below {{has members with 1 and with 2 slots}}
  %array = rt.array "ab" of %a, %b : memref<8xf32>
}
