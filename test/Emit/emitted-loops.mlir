// RUN: dtc-opt --dtc-emit %s | dtc-translate --rt-to-source | FileCheck %s
// RUN: dtc-opt --dtc-emit %s | dtc-translate --rt-to-plan | FileCheck %s --check-prefix=PLAN
// RUN: dtc-translate --rt-to-plan %s | grep -v identifier > %t.flat
// RUN: dtc-opt --dtc-emit %s | dtc-translate --rt-to-plan | grep -v identifier | diff %t.flat -

// Loops as a person writes them; plan.json says what it says without them, but for what the buffers are called.
// PLAN: "identifier": "fc_weight[2]"
rt.program @all arena(8192) attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1, momentum = 0.9>, batch = 8>, batch = 8 : i64, local_batch = 8 : i64, axes = ["pipe"], mesh = array<i64: 2>, at = {pipe = 0 : i64}} {
  rt.formula @sgd "sgd" settings [] [] states [] {
  ^bb0(%rate: f64, %number: f64, %p: f32, %g: f32):
    %y = arith.subf %p, %g : f32
    rt.yield %y : f32
  }
  %x = rt.buffer input "x" offset 0 : memref<8x8xf32>
  %lr = rt.buffer learning_rate "learning_rate" offset 7680 : memref<f64>
  %step = rt.buffer step "step" offset 7744 : memref<i64>
  // CHECK: // Parameters.
  // CHECK-NEXT: Array<Tensor<f32>> fc_weight{arena, {
  // CHECK-NEXT: {"fc0.weight", 256}, {"fc1.weight", 512}, {"fc2.weight", 768}, {"fc3.weight", 1024}}, {8, 8}};
  %w0 = rt.buffer parameter "fc0.weight" offset 256 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %w1 = rt.buffer parameter "fc1.weight" offset 512 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %w2 = rt.buffer parameter "fc2.weight" offset 768 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  %w3 = rt.buffer parameter "fc3.weight" offset 1024 {init = #nn.uniform<bound = 0.5>} : memref<8x8xf32>
  // CHECK: Array<Slots<f32>> fc{arena, {
  // CHECK-NEXT: {"fc0", 1280}, {"fc1", 2304}, {"fc2", 3328}, {"fc3", 4352}}, 4, {8, 8}};
  %y0 = rt.buffer temporary "fc0" slots 4 offset 1280 : memref<8x8xf32>
  %y1 = rt.buffer temporary "fc1" slots 4 offset 2304 : memref<8x8xf32>
  %y2 = rt.buffer temporary "fc2" slots 4 offset 3328 : memref<8x8xf32>
  %y3 = rt.buffer temporary "fc3" slots 4 offset 4352 : memref<8x8xf32>
  // Gradients are made from the last to the first, and counted from the first.
  // CHECK: Array<Tensor<f32>> fc_weight_gradient{arena, {
  // CHECK-NEXT: {"fc0.weight.gradient", 7424}, {"fc1.weight.gradient", 7168}, {"fc2.weight.gradient", 6912}, {"fc3.weight.gradient", 6656}}, {8, 8}};
  %d3 = rt.buffer temporary "fc3.weight.gradient" offset 6656 : memref<8x8xf32>
  %d2 = rt.buffer temporary "fc2.weight.gradient" offset 6912 : memref<8x8xf32>
  %d1 = rt.buffer temporary "fc1.weight.gradient" offset 7168 : memref<8x8xf32>
  %d0 = rt.buffer temporary "fc0.weight.gradient" offset 7424 : memref<8x8xf32>

  // CHECK: void forward(Context &ctx, Buffers &b, index microbatch) {
  // CHECK-NEXT: Span span(ctx, "forward", microbatch);
  // CHECK-NEXT: matmul(ctx, b.x, b.fc_weight[0], b.fc[0][microbatch]);
  // CHECK-NEXT: for (index i = 1; i < 4; ++i)
  // CHECK-NEXT: matmul(ctx, b.fc[i - 1][microbatch], b.fc_weight[i], b.fc[i][microbatch]);
  // CHECK-NEXT: }
  rt.fragment @forward flops 0.0 bytes 0 {
    rt.call "matmul"(%x, %w0) -> (%y0) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y0, %w1) -> (%y1) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y1, %w2) -> (%y2) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "matmul"(%y2, %w3) -> (%y3) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
  }
  // CHECK: for (index i = 3; i >= 0; --i) {
  // CHECK-NEXT: matmul(ctx, b.fc[i][microbatch], b.fc[i][microbatch], b.fc_weight_gradient[i]);
  // CHECK-NEXT: fill(ctx, b.fc_weight_gradient[i], 0.0);
  // CHECK-NEXT: }
  rt.fragment @backward flops 0.0 bytes 0 {
    rt.call "matmul"(%y3, %y3) -> (%d3) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "fill"() -> (%d3) options {value = 0.0} : () -> memref<8x8xf32>
    rt.call "matmul"(%y2, %y2) -> (%d2) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "fill"() -> (%d2) options {value = 0.0} : () -> memref<8x8xf32>
    rt.call "matmul"(%y1, %y1) -> (%d1) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "fill"() -> (%d1) options {value = 0.0} : () -> memref<8x8xf32>
    rt.call "matmul"(%y0, %y0) -> (%d0) : (memref<8x8xf32>, memref<8x8xf32>) -> memref<8x8xf32>
    rt.call "fill"() -> (%d0) options {value = 0.0} : () -> memref<8x8xf32>
  }
  // CHECK: std::vector<Moving<sgd>> tensors;
  // CHECK-NEXT: for (index i = 0; i < 4; ++i) {
  // CHECK-NEXT: tensors.push_back({b.fc_weight[i], b.fc_weight_gradient[i]});
  // CHECK-NEXT: }
  // CHECK-NEXT: update_parameters<sgd>(ctx, tensors, b.learning_rate, b.step);
  rt.fragment @update flops 0.0 bytes 0 {
    rt.call "update_parameters" of @sgd tuples of 2(%w0, %d0, %w1, %d1, %w2, %d2, %w3, %d3, %lr, %step) -> () : (memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<8x8xf32>, memref<f64>, memref<i64>) -> ()
  }
  // CHECK: void step(Context &ctx, Buffers &b) {
  // CHECK-NEXT: Pending fc3_to_1[4];
  // CHECK-NEXT: forward(ctx, b, 0);
  // CHECK-NEXT: fc3_to_1[0] = send_start(ctx, b.fc[3][0], {.axis = "pipe", .peer = 1, .microbatch = 0});
  // CHECK-NEXT: for (index microbatch = 1; microbatch < 4; ++microbatch) {
  // CHECK-NEXT: forward(ctx, b, microbatch);
  // CHECK-NEXT: fc3_to_1[microbatch - 1].wait();
  // CHECK-NEXT: fc3_to_1[microbatch] = send_start(ctx, b.fc[3][microbatch], {.axis = "pipe", .peer = 1, .microbatch = microbatch});
  // CHECK-NEXT: backward(ctx, b, microbatch - 1);
  // CHECK-NEXT: }
  // CHECK-NEXT: fc3_to_1[3].wait();
  // CHECK-NEXT: update(ctx, b);
  rt.timeline @train phase "train" {
    rt.run @forward microbatch 0
    %s0 = rt.send_start %y3 "fc3" to 1 over "pipe" microbatch 0 : memref<8x8xf32>
    rt.run @forward microbatch 1
    rt.wait %s0
    %s1 = rt.send_start %y3 "fc3" to 1 over "pipe" microbatch 1 : memref<8x8xf32>
    rt.run @backward microbatch 0
    rt.run @forward microbatch 2
    rt.wait %s1
    %s2 = rt.send_start %y3 "fc3" to 1 over "pipe" microbatch 2 : memref<8x8xf32>
    rt.run @backward microbatch 1
    rt.run @forward microbatch 3
    rt.wait %s2
    %s3 = rt.send_start %y3 "fc3" to 1 over "pipe" microbatch 3 : memref<8x8xf32>
    rt.run @backward microbatch 2
    rt.wait %s3
    rt.run @update
  }
  // CHECK: for (index i = 0; i < 4; ++i) {
  // CHECK-NEXT: binding.add_parameter(b.fc_weight[i], Init::uniform(0.5));
  // CHECK-NEXT: }
}
