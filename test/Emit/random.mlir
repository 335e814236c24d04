// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s

// The places of samples are filled by the runtime, and bound; dropout takes them as an option.
rt.program @all attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 2>} {
  // CHECK: // What the runtime fills in before a step.
  // CHECK: Tensor<f32> sample_weight{
  // CHECK-NEXT: Tensor<i64> sample_index{arena, "sample_index", {{[0-9]+}}, {4}};
  // CHECK-NEXT: Tensor<i64> step{arena, "step", {{[0-9]+}}, {}};
  %x = rt.buffer input "x" : memref<4x8xf32>
  %weight = rt.buffer sample_weight "sample_weight" : memref<4xf32>
  %sample = rt.buffer sample_index "sample_index" : memref<4xi64>
  %step = rt.buffer step "step" : memref<i64>
  %loss = rt.buffer loss "loss" : memref<f32>
  %y = rt.buffer temporary "dropout" : memref<4x8xf32>

  // CHECK: dropout(ctx, b.x, b.step, b.dropout, {.sample = b.sample_index, .ratio = 0.1, .stream = 2});
  rt.fragment @forward_backward flops 0.0 bytes 0 {
    rt.call "dropout"(%x, %step) -> (%y) named %sample ["sample"] options {ratio = 0.1 : f64, stream = 2 : i64} : (memref<4x8xf32>, memref<i64>) -> memref<4x8xf32> named memref<4xi64>
    rt.call "reduce_sum"(%y) -> (%loss) : (memref<4x8xf32>) -> memref<f32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward_backward
  }
}
// CHECK: .weight = b.sample_weight,
// CHECK-NEXT: .sample_index = b.sample_index,
// CHECK-NEXT: .step = b.step,
