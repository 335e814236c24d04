// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s
// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-plan | FileCheck %s --check-prefix=PLAN

// A whole program, from its first comment to its main.
// CHECK: // perceptron, data parallel on 2 devices. Made by dtc; yours to read and to change.
// CHECK-NEXT: //
// CHECK-NEXT: //   global batch        8 samples, 4 on each rank
// CHECK-NEXT: //   per rank and step   2.00 kFLOP, 704 B arena, all-reduce of 128 B in 1 bucket
// CHECK-NEXT: //   a step              forward_backward -> (bucket0 starts) -> (bucket0 arrives) -> update
// CHECK-NEXT: #include <dtcrt/program.h>
// CHECK-NEXT: using namespace dtcrt;
// PLAN: "model": "perceptron"
// PLAN: "devices": 2
// PLAN: "arena_bytes": 704,
// PLAN-NEXT: "shared_bytes": 128
rt.program @all attributes {model = "perceptron", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1, momentum = 0.9>, batch = 8>, batch = 8 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 2>} {
  // CHECK: struct Buffers {
  // CHECK-NEXT: Arena &arena;
  // CHECK: // What the runtime fills in before a step.
  // CHECK-NEXT: Tensor<f32> x{arena, "x", 128, {4, 8}};
  // CHECK-NEXT: Tensor<i64> label{arena, "label", 256, {4}};
  // CHECK-NEXT: Tensor<f32> sample_weight{arena, "sample_weight", 320, {4}};
  %x = rt.buffer input "x" : memref<4x8xf32>
  %label = rt.buffer label "label" {classes = 2 : i64} : memref<4xi64>
  %weight = rt.buffer sample_weight "sample_weight" : memref<4xf32>
  // CHECK: // Parameters.
  // CHECK-NEXT: Tensor<f32> fc_weight{arena, "fc.weight", 384, {2, 8}};
  %w = rt.buffer parameter "fc.weight" {init = #nn.uniform<bound = 0.5>} : memref<2x8xf32>
  // CHECK: // State of the optimizer.
  // CHECK-NEXT: Tensor<f32> sgd_momentum_fc_weight{arena, "sgd.momentum/fc.weight", 448, {2, 8}};
  %m = rt.buffer state "sgd.momentum/fc.weight" {init = #nn.constant<value = 0.0>} : memref<2x8xf32>
  %loss = rt.buffer loss "loss" : memref<f32>
  // CHECK: // Gradients, in buckets that are all-reduced as one.
  // CHECK-NEXT: Tensor<f32> bucket0{arena, "bucket0", 0, {32}};
  // CHECK-NEXT: Tensor<f32> loss_sum{arena, "loss.sum", 0, {}};
  // PLAN: "name": "bucket0"
  // PLAN: "bytes": 128
  %bucket = rt.buffer bucket "bucket0" : memref<32xf32>
  %sum = rt.view "loss.sum" of %bucket at 0 : memref<32xf32> -> memref<f32>
  %dw = rt.view "fc.weight.gradient" of %bucket at 16 : memref<32xf32> -> memref<2x8xf32>
  // CHECK: // Activations and their gradients; those that never live together share memory.
  %y = rt.buffer temporary "fc" : memref<4x2xf32>
  %dy = rt.buffer temporary "loss.dlogits" : memref<4x2xf32>

  // CHECK: 2.00 kFLOP, 1.00 KiB read and written.
  // CHECK-NEXT: void forward_backward(Context &ctx, Buffers &b) {
  // CHECK-NEXT:   Span span(ctx, "forward_backward");
  // CHECK-NEXT:   matmul(ctx, b.x, b.fc_weight, b.fc, {.transpose_b = true});
  // CHECK-NEXT:   softmax_cross_entropy(ctx, b.fc, b.label, b.sample_weight, b.loss_sum, b.loss_dlogits);
  // CHECK-NEXT:   matmul(ctx, b.loss_dlogits, b.x, b.fc_weight_gradient, {.transpose_a = true});
  // CHECK-NEXT: }
  rt.fragment @forward_backward flops 2000.0 bytes 1024 {
    rt.call "matmul"(%x, %w) -> (%y) options {transpose_b = true} : (memref<4x8xf32>, memref<2x8xf32>) -> memref<4x2xf32>
    rt.call "softmax_cross_entropy"(%y, %label, %weight) -> (%sum, %dy) : (memref<4x2xf32>, memref<4xi64>, memref<4xf32>) -> (memref<f32>, memref<4x2xf32>)
    rt.call "matmul"(%dy, %x) -> (%dw) options {transpose_a = true} : (memref<4x2xf32>, memref<4x8xf32>) -> memref<2x8xf32>
  }
  // CHECK: // fc.weight: 0 FLOP, 0 B read and written.
  // CHECK-NEXT: void update(Context &ctx, Buffers &b) {
  // CHECK-NEXT:   Span span(ctx, {"update", "update", 1});
  rt.fragment @update flops 0.0 bytes 0 kind "update" stage 1 layers ["fc.weight"] {
    // Tuples: as arguments if there is one of them, else a line for each.
    // CHECK-NEXT: running_average_update(ctx, b.fc_weight, b.fc_weight_gradient, {.momentum = 0.01});
    rt.call "running_average_update" tuples of 2(%w, %dw) -> () options {momentum = 0.01 : f64} : (memref<2x8xf32>, memref<2x8xf32>) -> ()
    // CHECK-NEXT: {{^}}  running_average_update(ctx,
    // CHECK-NEXT: {{^}}                         {{[{][{]}}b.fc_weight, b.fc_weight_gradient},
    // CHECK-NEXT: {{^}}                          {b.sgd_momentum_fc_weight, b.fc_weight_gradient{{[}][}]}},
    // CHECK-NEXT: {{^}}                         {.momentum = 0.01});
    rt.call "running_average_update" tuples of 2(%w, %dw, %m, %dw) -> () options {momentum = 0.01 : f64} : (memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>) -> ()
    // Nothing need follow them.
    // CHECK-NEXT: {{^}}  cast(ctx,
    // CHECK-NEXT: {{^}}       {{[{][{]}}b.fc_weight, b.fc_weight_gradient},
    // CHECK-NEXT: {{^}}        {b.sgd_momentum_fc_weight, b.fc_weight_gradient{{[}][}]}});
    rt.call "cast" tuples of 2(%w, %dw, %m, %dw) -> () : (memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>, memref<2x8xf32>) -> ()
    // A list, a call without inputs, a positional value.
    // CHECK-NEXT: concat(ctx, {b.fc, b.fc}, b.loss_dlogits, {.axis = 1});
    rt.call "concat" list(%y, %y) -> (%dy) options {axis = 1 : i64} : (memref<4x2xf32>, memref<4x2xf32>) -> memref<4x2xf32>
    // CHECK-NEXT: fill(ctx, b.fc, 0.0);
    rt.call "fill"() -> (%y) options {value = 0.0 : f64} : () -> memref<4x2xf32>
  }
  // CHECK: // What one rank does in one step.
  // CHECK-NEXT: void step(Context &ctx, Buffers &b) {
  // CHECK-NEXT:   forward_backward(ctx, b);
  // What is so by default is not said: a sum, under the buffer's name.
  // CHECK-NEXT:   // 128 B: loss, fc.weight
  // CHECK-NEXT:   Pending bucket0 = all_reduce_start(ctx, b.bucket0, {.axis = "data"});
  // CHECK-NEXT:   bucket0.wait();
  // CHECK-NEXT:   update(ctx, b);
  // CHECK-NEXT:   copy(ctx, b.loss_sum, b.loss);
  // PLAN: "phase": "train"
  // PLAN: "run": "forward_backward"
  // PLAN: "all_reduce_start": "bucket0"
  // PLAN: "wait": "bucket0"
  rt.timeline @train phase "train" {
    rt.run @forward_backward
    %t = rt.all_reduce_start "sum" %bucket over "data" name "bucket0" ["loss", "fc.weight"] : memref<32xf32>
    rt.wait %t
    rt.run @update
    rt.call "copy"(%sum) -> (%loss) : (memref<f32>) -> memref<f32>
  }
  // CHECK: Binding bind(Buffers &b) {
  // CHECK: .inputs = {{[{][{]}}"x", b.x}},
  // CHECK: binding.add_parameter(b.fc_weight, Init::uniform(0.5));
  // CHECK: binding.add_state(b.sgd_momentum_fc_weight);
  // CHECK-NEXT: return binding;
  // CHECK: Plan plan() {
  // CHECK-NEXT:   return {
  // CHECK-NEXT:       .model = "perceptron",
  // CHECK-NEXT:       .identity = "{{[0-9a-f]+}}",
  // CHECK-NEXT:       .strategy = "data parallel on 2 devices",
  // CHECK-NEXT:       .devices = 2,
  // CHECK-NEXT:       .mesh = {{[{][{]}}"data", 2}},
  // CHECK-NEXT:       .batch = 8,
  // CHECK-NEXT:       .local_batch = 4,
  // CHECK-NEXT:       .arena_bytes = 704,
  // CHECK-NEXT:       .shared_bytes = 128,
  // CHECK-NEXT:       .learning_rate = 0.1,
  // CHECK-NEXT:       .optimizer = "sgd",
  // CHECK-NEXT:       .loss = "cross-entropy",
  // CHECK-NEXT:       .classes = 2,
  // CHECK-NEXT:       .flops = 2000.0,
  // Without a timeline for evaluation there is no such function.
  // CHECK: int main(int argc, char **argv) { return run<Buffers>(argc, argv, plan(), bind, step); }
}
