// RUN: dtc-opt --dtc-plan-memory %s | dtc-translate --rt-to-source | FileCheck %s

// A function for predictions, and the tensor that the runtime reads after one. What is missing before it is nullptr.
rt.program @all attributes {model = "m", recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 4>, batch = 4 : i64, local_batch = 4 : i64, axes = [], mesh = array<i64>} {
  // CHECK: // What the runtime reads after a prediction.
  // CHECK-NEXT: Tensor<f32> logits{arena, "logits", {{[0-9]+}}, {4, 2}};
  %x = rt.buffer input "x" : memref<4x2xf32>
  %y = rt.buffer output "logits" : memref<4x2xf32>
  rt.fragment @forward flops 1.0 bytes 8 {
    rt.call "copy"(%x) -> (%x) : (memref<4x2xf32>) -> memref<4x2xf32>
  }
  rt.fragment @predict_forward flops 1.0 bytes 8 {
    rt.call "copy"(%x) -> (%y) : (memref<4x2xf32>) -> memref<4x2xf32>
  }
  rt.timeline @train phase "train" {
    rt.run @forward
  }
  // CHECK: // The model's output for the samples of one batch.
  // CHECK-NEXT: void predict(Context &ctx, Buffers &b) {
  // CHECK-NEXT:   predict_forward(ctx, b);
  // CHECK-NEXT: }
  // CHECK: .output = b.logits,
  // CHECK: return run<Buffers>(argc, argv, plan(), bind, step, nullptr, predict);
  rt.timeline @predict phase "predict" {
    rt.run @predict_forward
  }
}
