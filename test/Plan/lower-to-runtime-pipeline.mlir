// RUN: dtc-opt --dtc-fuse-elementwise --dtc-lower-to-runtime %s | FileCheck %s

// What one microbatch leaves for another fragment has a slot for each; rows are
// views of the batch; a value is made where it is sent from; a sum grows in place.
shard.grid @mesh(shape = 2) {dist.axes = ["pipe"]}
// CHECK-LABEL: rt.program @stage0
// CHECK-SAME: local_batch = 8 : i64
// CHECK-DAG: %[[X:.*]] = rt.buffer input "x" : memref<8x4xf32>
// CHECK-DAG: %[[W:.*]] = rt.buffer parameter "w"
// CHECK-DAG: %[[H:.*]] = rt.buffer temporary "h" slots 2 : memref<4x4xf32>
// CHECK-DAG: %[[IN:.*]] = rt.buffer temporary "h.gradient" slots 2 : memref<4x4xf32>
// CHECK-DAG: %[[SUM:.*]] = rt.buffer temporary "w.gradient" : memref<4x4xf32>
// CHECK-DAG: %[[ROWS:.*]] = rt.view "x.rows" of %[[X]] {{.*}}: memref<8x4xf32> -> memref<4x4xf32>

// CHECK-LABEL: rt.fragment @forward
// CHECK: rt.call "matmul"(%[[ROWS]], %[[W]]) -> (%[[H]])
dist.fragment @forward(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %h = nn.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("h")
  dist.return %h : tensor<4x4xf32>
}
// CHECK-LABEL: rt.fragment @backward
// CHECK: rt.call "matmul"(%[[ROWS]], %[[IN]]) -> (%[[PART:[0-9]+]])
// CHECK: rt.launch @{{.*}}(%[[SUM]], %[[PART]]) -> (%[[SUM]])
dist.fragment @backward(%x: tensor<4x4xf32>, %dh: tensor<4x4xf32>, %sum: tensor<4x4xf32>) -> (tensor<4x4xf32> {dist.in_place = 2 : i64}) {
  %dw = nn.matmul %x transposed, %dh : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("part")
  %new = nn.add %sum, %dw : tensor<4x4xf32>, tensor<4x4xf32>
  dist.return %new : tensor<4x4xf32>
}
dist.fragment @update(%w: tensor<4x4xf32>, %dw: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %new = nn.sub %w, %dw : tensor<4x4xf32>, tensor<4x4xf32>
  dist.return %new : tensor<4x4xf32>
}
// CHECK-LABEL: rt.timeline @stage0
dist.timeline @stage0(%x: tensor<8x4xf32> {nn.input = "x"}, %w: tensor<4x4xf32> {nn.parameter = "w", nn.init = #nn.constant<value = 0.0>})
    -> (tensor<f32> {nn.loss}, tensor<4x4xf32> {nn.parameter = "w"})
    attributes {phase = "train", role = "stage0", dist.at = {pipe = 0 : i64}, dist.local_batch = 8 : i64, nn.model = "m",
                nn.recipe = #nn.recipe<loss = #nn.mse, optimizer = #nn.sgd<lr = 0.1>, batch = 8>} {
  // CHECK: rt.call "fill"() -> (%[[SUM]])
  %zero = dist.zeros "w.gradient" : tensor<4x4xf32>
  // CHECK-NEXT: rt.run @forward microbatch 0
  %x0 = dist.microbatch 0 of %x : tensor<8x4xf32> -> tensor<4x4xf32>
  %h0 = dist.run @forward(%x0, %w) microbatch 0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  // CHECK-NEXT: %[[S0:.*]] = rt.send_start %[[H]] "h" to 1 over "pipe" microbatch 0
  %s0 = dist.send_start %h0 "h" to 1 over "pipe" microbatch 0 : tensor<4x4xf32> -> <>
  // CHECK-NEXT: rt.run @forward microbatch 1
  %x1 = dist.microbatch 1 of %x : tensor<8x4xf32> -> tensor<4x4xf32>
  %h1 = dist.run @forward(%x1, %w) microbatch 1 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %s1 = dist.send_start %h1 "h" to 1 over "pipe" microbatch 1 : tensor<4x4xf32> -> <>
  // CHECK: %[[R0:.*]] = rt.recv_start %[[IN]] "h.gradient" from 1 over "pipe" microbatch 0
  %r0 = dist.recv_start "h.gradient" from 1 over "pipe" microbatch 0 : <tensor<4x4xf32>>
  // CHECK-NEXT: rt.wait %[[R0]]
  %d0 = dist.wait %r0 : <tensor<4x4xf32>> -> tensor<4x4xf32>
  // CHECK-NEXT: rt.run @backward microbatch 0
  %g0 = dist.run @backward(%x0, %d0, %zero) microbatch 0 : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %r1 = dist.recv_start "h.gradient" from 1 over "pipe" microbatch 1 : <tensor<4x4xf32>>
  %d1 = dist.wait %r1 : <tensor<4x4xf32>> -> tensor<4x4xf32>
  %g1 = dist.run @backward(%x1, %d1, %g0) microbatch 1 : (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  // The loss is received where the runtime reads it.
  // CHECK: %[[L:.*]] = rt.recv_start %[[LOSS:.*]] "loss" from 1 over "pipe" : memref<f32>
  %r = dist.recv_start "loss" from 1 over "pipe" : <tensor<f32>>
  %loss = dist.wait %r : <tensor<f32>> -> tensor<f32>
  %new = dist.run @update(%w, %g1) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  dist.wait %s0 : <>
  dist.wait %s1 : <>
  dist.return %loss, %new : tensor<f32>, tensor<4x4xf32>
}
