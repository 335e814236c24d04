// RUN: dtc-opt --dtc-roll-repetition --split-input-file %s | FileCheck %s

// Equal layers are a loop, and what they take one after the other arrays: activations one for inputs and outputs, forwards and
// backwards. The first call reads an input, which is no activation.
// CHECK-LABEL: rt.program @layers
rt.program @layers arena(4096) attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
  %x = rt.buffer input "x" offset 0 : memref<8x8xf32>
  %w0 = rt.buffer parameter "fc0.weight" offset 256 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %w1 = rt.buffer parameter "fc1.weight" offset 512 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %w2 = rt.buffer parameter "fc2.weight" offset 768 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %w3 = rt.buffer parameter "fc3.weight" offset 1024 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %y0 = rt.buffer temporary "fc0" offset 1280 : memref<8x8xf32>
  %y1 = rt.buffer temporary "fc1" offset 1536 : memref<8x8xf32>
  %y2 = rt.buffer temporary "fc2" offset 1792 : memref<8x8xf32>
  %y3 = rt.buffer temporary "fc3" offset 2048 : memref<8x8xf32>
  // CHECK: %[[W:.*]] = rt.array "fc.weight" of %[[W0:.*]], %{{.*}}, %{{.*}}, %{{.*}} : memref<8x8xf32>
  // CHECK-NEXT: %[[Y:.*]] = rt.array "fc" of %[[Y0:.*]], %{{.*}}, %{{.*}}, %{{.*}} : memref<8x8xf32>
  // CHECK: rt.fragment @forward
  // CHECK-NEXT: rt.call "matmul"(%{{.*}}, %[[W0]]) -> (%[[Y0]])
  // CHECK-NEXT: rt.repeat 3 {
  // CHECK-NEXT: ^bb0(%[[K:.*]]: index):
  // CHECK-NEXT: %[[IN:.*]] = rt.element %[[Y]] at 0 step 1 of %[[K]]
  // CHECK-NEXT: %[[WEIGHT:.*]] = rt.element %[[W]] at 1 step 1 of %[[K]]
  // CHECK-NEXT: %[[OUT:.*]] = rt.element %[[Y]] at 1 step 1 of %[[K]]
  // CHECK-NEXT: rt.call "matmul"(%[[IN]], %[[WEIGHT]]) -> (%[[OUT]])
  // CHECK-NEXT: }
  // CHECK-NEXT: }
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "matmul"(%x, %w0) -> (%y0) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y0, %w1) -> (%y1) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y1, %w2) -> (%y2) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y2, %w3) -> (%y3) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
  }
  // Several calls a layer; from the last layer to the first.
  // CHECK: rt.fragment @backward
  // CHECK-NEXT: rt.repeat 3 {
  // CHECK: rt.element %[[Y]] at 3 step -1 of
  // CHECK-NEXT: rt.element %[[W]] at 3 step -1 of
  // CHECK-NEXT: rt.element %[[Y]] at 2 step -1 of
  // CHECK-NEXT: rt.call "matmul"
  // CHECK-NEXT: rt.call "copy"
  // CHECK-NEXT: }
  rt.fragment @backward flops 0.0 bytes 0 {
    rt.call "matmul"(%y3, %w3) -> (%y2) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "copy"(%y2) -> (%w3) : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y2, %w2) -> (%y1) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "copy"(%y1) -> (%w2) : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y1, %w1) -> (%y0) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "copy"(%y0) -> (%w1) : (memref<8x8xf32>) -> memref<8x8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward
    rt.run @backward
  }
}

// -----

// What is no repetition: another option, fewer than three times, another shape, a constant.
// CHECK-LABEL: rt.program @no_repetition
// CHECK-NOT: rt.array
// CHECK-NOT: rt.repeat
rt.program @no_repetition arena(4096) attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
  %y0 = rt.buffer temporary "y0" offset 0 : memref<8x8xf32>
  %y1 = rt.buffer temporary "y1" offset 256 : memref<8x8xf32>
  %y2 = rt.buffer temporary "y2" offset 512 : memref<8x8xf32>
  %y3 = rt.buffer temporary "y3" offset 768 : memref<8x8xf32>
  %z3 = rt.buffer temporary "z3" offset 1024 : memref<64xf32>
  %c0 = rt.constant "c0" dense<1.0> : tensor<8xf32> : memref<8xf32>
  %c1 = rt.constant "c1" dense<2.0> : tensor<8xf32> : memref<8xf32>
  %c2 = rt.constant "c2" dense<3.0> : tensor<8xf32> : memref<8xf32>
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "softmax"(%y0) -> (%y1) options {axis = 1} : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "softmax"(%y1) -> (%y2) options {axis = 2} : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "softmax"(%y2) -> (%y3) options {axis = 3} : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "copy"(%y0) -> (%y1) : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "copy"(%y1) -> (%y2) : (memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "copy"(%y2) -> (%z3) : (memref<8x8xf32>) -> memref<64xf32>
    rt.call "matmul"(%y2, %c0) -> (%y3) : (memref<8x8xf32>, memref<8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y2, %c1) -> (%y3) : (memref<8x8xf32>, memref<8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y2, %c2) -> (%y3) : (memref<8x8xf32>, memref<8xf32>) -> memref<8x8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward
  }
}

// -----

// A buffer lies in one array; a loop in another order takes a list. What is taken twice has no place of its own either.
// CHECK-LABEL: rt.program @orders
rt.program @orders arena(4096) attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["data"], mesh = array<i64: 1>} {
  %y0 = rt.buffer temporary "y0" offset 0 : memref<8xf32>
  %y1 = rt.buffer temporary "y1" offset 64 : memref<8xf32>
  %y2 = rt.buffer temporary "y2" offset 128 : memref<8xf32>
  // CHECK: rt.array "y" of %[[Y0:.*]], %[[Y1:.*]], %[[Y2:.*]] : memref<8xf32>
  // CHECK-NEXT: rt.array "y" listed of %[[Y0]], %[[Y2]], %[[Y1]] : memref<8xf32>
  // CHECK-NEXT: rt.array "y" listed of %[[Y0]], %[[Y1]], %[[Y0]] : memref<8xf32>
  // CHECK: rt.repeat 3
  // CHECK: rt.repeat 3
  // CHECK: rt.repeat 3
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "fill"() -> (%y0) options {value = 0.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y1) options {value = 0.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y2) options {value = 0.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y0) options {value = 1.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y2) options {value = 1.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y1) options {value = 1.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y0) options {value = 2.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y1) options {value = 2.0} : () -> memref<8xf32>
    rt.call "fill"() -> (%y0) options {value = 2.0} : () -> memref<8xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward
  }
}

// -----

// Microbatches: a warm-up, a steady state whose loop waits for what another has started, and what is left of it. A message that two starts
// share a microbatch of is known by name alone.
// CHECK-LABEL: rt.program @microbatches
rt.program @microbatches arena(4096) attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["pipe"], mesh = array<i64: 2>, at = {pipe = 0 : i64}} {
  %y = rt.buffer temporary "y" slots 8 offset 0 : memref<8xf32>
  %z = rt.buffer temporary "z" offset 1024 : memref<8xf32>
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "fill"() -> (%y) options {value = 0.0} : () -> memref<8xf32>
  }
  // CHECK: rt.timeline @train
  // CHECK-NEXT: %[[SENT:.*]] = rt.pendings "y_to_1" 5
  // CHECK-NEXT: rt.run @forward microbatch 0
  // CHECK-NEXT: %[[FIRST:.*]] = rt.send_start
  // CHECK-NEXT: rt.keep %[[FIRST]] in %[[SENT]] microbatch 0
  // CHECK-NEXT: rt.repeat 4 microbatch_step 1 {
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: rt.run @forward microbatch 1
  // CHECK-NEXT: rt.wait_kept %[[SENT]] microbatch 0
  // CHECK-NEXT: %[[NEXT:.*]] = rt.send_start {{.*}} microbatch 1
  // CHECK-NEXT: rt.keep %[[NEXT]] in %[[SENT]] microbatch 1
  // CHECK-NEXT: }
  // CHECK-NEXT: rt.wait_kept %[[SENT]] microbatch 4
  // CHECK-NEXT: %[[A:.*]] = rt.send_start
  // CHECK-NEXT: rt.wait %[[A]]
  rt.timeline @train phase "train" {
    rt.run @forward microbatch 0
    %s0 = rt.send_start %y "y" to 1 over "pipe" microbatch 0 : memref<8xf32>
    rt.run @forward microbatch 1
    rt.wait %s0
    %s1 = rt.send_start %y "y" to 1 over "pipe" microbatch 1 : memref<8xf32>
    rt.run @forward microbatch 2
    rt.wait %s1
    %s2 = rt.send_start %y "y" to 1 over "pipe" microbatch 2 : memref<8xf32>
    rt.run @forward microbatch 3
    rt.wait %s2
    %s3 = rt.send_start %y "y" to 1 over "pipe" microbatch 3 : memref<8xf32>
    rt.run @forward microbatch 4
    rt.wait %s3
    %s4 = rt.send_start %y "y" to 1 over "pipe" microbatch 4 : memref<8xf32>
    rt.wait %s4
    %t0 = rt.send_start %z "z" to 1 over "pipe" microbatch 0 : memref<8xf32>
    rt.wait %t0
    %t1 = rt.send_start %z "z" to 1 over "pipe" microbatch 0 : memref<8xf32>
    rt.wait %t1
    %t2 = rt.send_start %z "z" to 1 over "pipe" microbatch 0 : memref<8xf32>
    rt.wait %t2
  }
}
