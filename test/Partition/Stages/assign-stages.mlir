// RUN: dtc-opt %s -dtc-shard-batch='mark-sums=1 microbatches=2 mesh=pipe:2' -dtc-assign-stages=cut-after=second | FileCheck %s
// RUN: dtc-opt %s -dtc-shard-batch='mark-sums=1 microbatches=2 mesh=pipe:2' -dtc-assign-stages | FileCheck %s --check-prefix=PLAN
// RUN: dtc-opt %s -dtc-shard-batch='mark-sums=1 microbatches=2 mesh=pipe:2' -dtc-assign-stages='stages-per-device=2 schedule=interleaved' \
// RUN:   | FileCheck %s --check-prefix=TWICE

// Adjoints stand on their layer's stage; updates and sums are nowhere yet. The
// evaluation's layers stand where training has them, by name or by parameter.

// CHECK: dist.stage_plan = {bytes_sent = 256 : i64, exact = false, found_by = "the cut by hand"
// PLAN: dist.stage_plan = {{.*}}exact = true
// TWICE: dist.stage_plan

// CHECK-LABEL: func.func @train
// TWICE-LABEL: func.func @train
func.func @train(%x: tensor<8x4xf32> {nn.input = "x"}, %w1: tensor<4x4xf32> {nn.parameter = "w1"},
    %w2: tensor<4x4xf32> {nn.parameter = "w2"}, %weight: tensor<8xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}, tensor<4x4xf32> {nn.parameter = "w1"}, tensor<4x4xf32> {nn.parameter = "w2"})
    attributes {nn.phase = "train"} {
  // CHECK: nn.matmul %arg0, %arg1 {dist.stage = 0 : i64}
  // TWICE: nn.matmul %arg0, %arg1 {dist.stage = 0 : i64}
  %h = nn.matmul %x, %w1 : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32> loc("first")
  // CHECK: nn.tanh {{.*}} {dist.stage = 0 : i64}
  // TWICE: nn.tanh {{.*}} {dist.stage = 1 : i64}
  %a = nn.tanh %h : tensor<8x4xf32> loc("second")
  // CHECK: nn.matmul {{.*}} {dist.stage = 1 : i64}
  // TWICE: nn.matmul {{.*}} {dist.stage = 2 : i64}
  %y = nn.matmul %a, %w2 : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32> loc("third")
  // CHECK: nn.reshape {{.*}} {dist.stage = 1 : i64}
  %r = nn.reshape %weight : tensor<8xf32> -> tensor<8x1xf32> loc("loss")
  %g = nn.mul %y, %r : tensor<8x4xf32>, tensor<8x1xf32> loc("loss")
  %p = nn.mul %y, %g : tensor<8x4xf32>, tensor<8x4xf32> loc("loss")
  // CHECK: nn.reduce_sum {{.*}} {dist.stage = 1 : i64}
  // TWICE: nn.reduce_sum {{.*}} {dist.stage = 3 : i64}
  %loss = nn.reduce_sum %p axes [0, 1] : (tensor<8x4xf32>) -> tensor<f32> loc("loss")
  // CHECK-NEXT: dist.batch_sum %{{[0-9]+}} over
  // CHECK: nn.matmul %{{.*}} transposed, {{.*}} {dist.stage = 1 : i64}
  %dw2 = nn.matmul %a transposed, %g : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["third"])
  // CHECK: nn.matmul {{.*}} {dist.stage = 1 : i64}
  %da = nn.matmul %g, %w2 transposed : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32> loc(fused<"adjoint">["third"])
  // CHECK: nn.mul {{.*}} {dist.stage = 0 : i64}
  // TWICE: nn.mul {{.*}} {dist.stage = 1 : i64}
  %dh = nn.mul %da, %a : tensor<8x4xf32>, tensor<8x4xf32> loc(fused<"adjoint">["second"])
  // CHECK: nn.matmul %arg0 transposed, {{.*}} {dist.stage = 0 : i64}
  %dw1 = nn.matmul %x transposed, %dh : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<4x4xf32> loc(fused<"adjoint">["first"])
  // CHECK: nn.sub %arg1, %{{[0-9]+}} : tensor
  %new1 = nn.sub %w1, %dw1 : tensor<4x4xf32>, tensor<4x4xf32>
  // CHECK: nn.sub %arg2, %{{[0-9]+}} : tensor
  %new2 = nn.sub %w2, %dw2 : tensor<4x4xf32>, tensor<4x4xf32>
  return %loss, %new1, %new2 : tensor<f32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// CHECK-LABEL: func.func @evaluate
func.func @evaluate(%x: tensor<8x4xf32> {nn.input = "x"}, %w1: tensor<4x4xf32> {nn.parameter = "w1"},
    %w2: tensor<4x4xf32> {nn.parameter = "w2"}, %weight: tensor<8xf32> {nn.sample_weight})
    -> (tensor<f32> {nn.loss}) attributes {nn.phase = "evaluate"} {
  // CHECK: nn.matmul %arg0, %arg1 {dist.stage = 0 : i64}
  %h = nn.matmul %x, %w1 : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  // CHECK: nn.tanh {{.*}} {dist.stage = 0 : i64}
  %a = nn.tanh %h : tensor<8x4xf32> loc("second")
  // CHECK: nn.matmul {{.*}} {dist.stage = 1 : i64}
  %y = nn.matmul %a, %w2 : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %r = nn.reshape %weight : tensor<8xf32> -> tensor<8x1xf32>
  // CHECK: nn.mul {{.*}} {dist.stage = 1 : i64}
  %p = nn.mul %y, %r : tensor<8x4xf32>, tensor<8x1xf32>
  // CHECK: nn.reduce_sum {{.*}} {dist.stage = 1 : i64}
  %loss = nn.reduce_sum %p axes [0, 1] : (tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
