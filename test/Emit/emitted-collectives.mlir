// RUN: dtc-opt --dtc-emit %s | dtc-translate --rt-to-source | FileCheck %s
// RUN: dtc-translate --rt-to-plan %s | grep -v identifier > %t.flat
// RUN: dtc-opt --dtc-emit %s | dtc-translate --rt-to-plan | grep -v identifier | diff %t.flat -

// Every collective in loops, each under the name of what it is about; what travels together is a list that loops put together.
rt.program @collectives arena(8192) attributes {model = "m", recipe = #nn.recipe<loss = #nn.cross_entropy, optimizer = #nn.sgd<lr = 0.1>, batch = 8>, batch = 8 : i64, local_batch = 4 : i64, axes = ["data"], mesh = array<i64: 2>} {
  %fc0 = rt.buffer temporary "fc0" offset 0 : memref<8xf32>
  %fc1 = rt.buffer temporary "fc1" offset 64 : memref<8xf32>
  %fc2 = rt.buffer temporary "fc2" offset 128 : memref<8xf32>
  %fc0_gradient = rt.buffer temporary "fc0.gradient" offset 192 : memref<8xf32>
  %fc1_gradient = rt.buffer temporary "fc1.gradient" offset 256 : memref<8xf32>
  %fc2_gradient = rt.buffer temporary "fc2.gradient" offset 320 : memref<8xf32>
  %fc0_part = rt.buffer temporary "fc0.part" offset 384 : memref<4xf32>
  %fc1_part = rt.buffer temporary "fc1.part" offset 448 : memref<4xf32>
  %fc2_part = rt.buffer temporary "fc2.part" offset 512 : memref<4xf32>
  // CHECK: void layers(Context &ctx, Buffers &b) {
  // CHECK-NEXT: Span
  // CHECK-NEXT: for (index i = 0; i < 3; ++i) {
  // CHECK-NEXT: all_reduce(ctx, b.fc[i], {.reduction = Reduction::max, .axis = "data"});
  // CHECK-NEXT: broadcast(ctx, b.fc[i], {.root = 1, .axis = "data"});
  // CHECK-NEXT: reduce_scatter(ctx, {{[{][{]}}b.fc[i], b.fc_part[i]{{[}][}]}}, {.axis = "data"});
  // CHECK-NEXT: all_gather(ctx, {{[{][{]}}b.fc_part[i], b.fc[i]{{[}][}]}}, {.axis = "data"});
  // CHECK-NEXT: all_to_all(ctx, {{[{][{]}}b.fc[i], b.fc_gradient[i]{{[}][}]}}, {.axis = "data"});
  // CHECK-NEXT: }
  // Another's name is said, and it is no loop.
  // CHECK-NEXT: all_reduce(ctx, b.fc[0], {.axis = "data", .name = "a"});
  // CHECK-NEXT: all_reduce(ctx, b.fc[1], {.axis = "data", .name = "b"});
  // CHECK-NEXT: all_reduce(ctx, b.fc[2], {.axis = "data", .name = "c"});
  // CHECK-NEXT: }
  rt.fragment @layers flops 0.0 bytes 0 {
    rt.all_reduce "max" %fc0 over "data" name "fc0" : memref<8xf32>
    rt.broadcast %fc0 from 1 over "data" name "fc0" : memref<8xf32>
    rt.reduce_scatter "sum"(%fc0) -> (%fc0_part) over "data" name "fc0.part" : (memref<8xf32>) -> memref<4xf32>
    rt.all_gather(%fc0_part) -> (%fc0) over "data" name "fc0" : (memref<4xf32>) -> memref<8xf32>
    rt.all_to_all(%fc0) -> (%fc0_gradient) over "data" name "fc0.gradient" : (memref<8xf32>) -> memref<8xf32>
    rt.all_reduce "max" %fc1 over "data" name "fc1" : memref<8xf32>
    rt.broadcast %fc1 from 1 over "data" name "fc1" : memref<8xf32>
    rt.reduce_scatter "sum"(%fc1) -> (%fc1_part) over "data" name "fc1.part" : (memref<8xf32>) -> memref<4xf32>
    rt.all_gather(%fc1_part) -> (%fc1) over "data" name "fc1" : (memref<4xf32>) -> memref<8xf32>
    rt.all_to_all(%fc1) -> (%fc1_gradient) over "data" name "fc1.gradient" : (memref<8xf32>) -> memref<8xf32>
    rt.all_reduce "max" %fc2 over "data" name "fc2" : memref<8xf32>
    rt.broadcast %fc2 from 1 over "data" name "fc2" : memref<8xf32>
    rt.reduce_scatter "sum"(%fc2) -> (%fc2_part) over "data" name "fc2.part" : (memref<8xf32>) -> memref<4xf32>
    rt.all_gather(%fc2_part) -> (%fc2) over "data" name "fc2" : (memref<4xf32>) -> memref<8xf32>
    rt.all_to_all(%fc2) -> (%fc2_gradient) over "data" name "fc2.gradient" : (memref<8xf32>) -> memref<8xf32>
    rt.all_reduce "sum" %fc0 over "data" name "a" : memref<8xf32>
    rt.all_reduce "sum" %fc1 over "data" name "b" : memref<8xf32>
    rt.all_reduce "sum" %fc2 over "data" name "c" : memref<8xf32>
  }
  // CHECK: void step(Context &ctx, Buffers &b) {
  // CHECK-NEXT: layers(ctx, b);
  // CHECK-NEXT: // 96 B: fc0 to fc2
  // CHECK-NEXT: std::vector<ReduceScatterTensors> tensors;
  // CHECK-NEXT: for (index i = 0; i < 3; ++i) {
  // CHECK-NEXT: tensors.push_back({b.fc_gradient[i], b.fc_part[i]});
  // CHECK-NEXT: }
  // CHECK-NEXT: Pending bucket0_reduce_scatter = reduce_scatter_start(ctx, tensors, {.axis = "data", .name = "bucket0"});
  // CHECK-NEXT: bucket0_reduce_scatter.wait();
  // CHECK-NEXT: // 96 B: fc0 to fc2
  // CHECK-NEXT: std::vector<AllGatherTensors> tensors_2;
  // CHECK-NEXT: for (index i = 0; i < 3; ++i) {
  // CHECK-NEXT: tensors_2.push_back({b.fc_part[i], b.fc[i]});
  // CHECK-NEXT: }
  // CHECK-NEXT: Pending bucket0_all_gather = all_gather_start(ctx, tensors_2, {.axis = "data", .name = "bucket0"});
  // CHECK-NEXT: bucket0_all_gather.wait();
  rt.timeline @train phase "train" {
    rt.run @layers
    %s = rt.reduce_scatter_start "sum"(%fc0_gradient, %fc1_gradient, %fc2_gradient) -> (%fc0_part, %fc1_part, %fc2_part) over "data" name "bucket0" ["fc0", "fc1", "fc2"] : (memref<8xf32>, memref<8xf32>, memref<8xf32>) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>)
    rt.wait %s
    %g = rt.all_gather_start(%fc0_part, %fc1_part, %fc2_part) -> (%fc0, %fc1, %fc2) over "data" name "bucket0" ["fc0", "fc1", "fc2"] : (memref<4xf32>, memref<4xf32>, memref<4xf32>) -> (memref<8xf32>, memref<8xf32>, memref<8xf32>)
    rt.wait %g
  }
}
