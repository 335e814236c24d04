// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-join-updates))' %s | FileCheck %s

// CHECK-LABEL: rt.program @p
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // CHECK: %[[STEP:.*]] = rt.buffer step "step"
  %step = rt.buffer step "step" : memref<i64>
  %rate = rt.buffer learning_rate "learning_rate" : memref<f64>
  // CHECK: %[[A:.*]] = rt.buffer temporary "a"
  %a = rt.buffer temporary "a" : memref<4xf32>
  // CHECK: %[[DA:.*]] = rt.buffer temporary "da"
  %da = rt.buffer temporary "da" : memref<4xf32>
  // CHECK: %[[B:.*]] = rt.buffer temporary "b"
  %b = rt.buffer temporary "b" : memref<3xf32>
  // CHECK: %[[DB:.*]] = rt.buffer temporary "db"
  %db = rt.buffer temporary "db" : memref<3xf32>
  // CHECK: %[[MB:.*]] = rt.buffer temporary "mb"
  %mb = rt.buffer temporary "mb" : memref<3xf32>
  // CHECK: %[[C:.*]] = rt.buffer temporary "c"
  %c = rt.buffer temporary "c" : memref<4xf32>
  // CHECK: %[[DC:.*]] = rt.buffer temporary "dc"
  %dc = rt.buffer temporary "dc" : memref<4xf32>
  // CHECK: %[[MC:.*]] = rt.buffer temporary "mc"
  %mc = rt.buffer temporary "mc" : memref<4xf32>
  // CHECK-LABEL: rt.fragment @joined
  // CHECK-NEXT: rt.call "running_average_update" tuples of 2(%[[A]], %[[DA]], %[[B]], %[[DB]], %[[C]], %[[DC]]) -> () options {momentum = 1.000000e-02 : f64}
  // CHECK-NEXT: {{^  }$}}
  rt.fragment @joined flops 0.0 bytes 0 {
    rt.call "running_average_update" tuples of 2(%a, %da) -> () options {momentum = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "running_average_update" tuples of 2(%b, %db) -> () options {momentum = 0.01} : (memref<3xf32>, memref<3xf32>) -> ()
    rt.call "running_average_update" tuples of 2(%c, %dc) -> () options {momentum = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
  }
  // Another momentum.
  // CHECK-LABEL: rt.fragment @different
  // CHECK-COUNT-2: rt.call "running_average_update"
  rt.fragment @different flops 0.0 bytes 0 {
    rt.call "running_average_update" tuples of 2(%a, %da) -> () options {momentum = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "running_average_update" tuples of 2(%b, %db) -> () options {momentum = 0.02} : (memref<3xf32>, memref<3xf32>) -> ()
  }
  // The gradient of the second is made in between.
  // CHECK-LABEL: rt.fragment @apart
  // CHECK-NEXT: rt.call "running_average_update" tuples of 2(%[[A]], %[[DA]])
  // CHECK-NEXT: rt.call "copy"
  // CHECK-NEXT: rt.call "running_average_update" tuples of 2(%[[B]], %[[DB]])
  rt.fragment @apart flops 0.0 bytes 0 {
    rt.call "running_average_update" tuples of 2(%a, %da) -> () options {momentum = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "copy"(%mb) -> (%db) : (memref<3xf32>) -> memref<3xf32>
    rt.call "running_average_update" tuples of 2(%b, %db) -> () options {momentum = 0.01} : (memref<3xf32>, memref<3xf32>) -> ()
  }
  // One after the other on the same memory.
  // CHECK-LABEL: rt.fragment @twice
  // CHECK: rt.call "running_average_update" tuples of 2(%[[A]], %[[DA]])
  // CHECK-NEXT: rt.call "running_average_update" tuples of 2(%[[A]], %[[DC]])
  rt.fragment @twice flops 0.0 bytes 0 {
    rt.call "running_average_update" tuples of 2(%a, %da) -> () options {momentum = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "running_average_update" tuples of 2(%a, %dc) -> () options {momentum = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
  }
  // What is timed by itself.
  // CHECK-LABEL: rt.fragment @marked
  // CHECK-COUNT-2: rt.call "running_average_update"
  rt.fragment @marked flops 0.0 bytes 0 {
    rt.call "running_average_update" tuples of 2(%a, %da) -> () options {momentum = 0.01} {rt.op = [0, "nn.update"]} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "running_average_update" tuples of 2(%b, %db) -> () options {momentum = 0.01} {rt.op = [1, "nn.update"]} : (memref<3xf32>, memref<3xf32>) -> ()
  }
  // By one formula, and by another.
  rt.formula @slow "slow" settings [] [] states [] {
  ^bb0(%lr: f64, %number: f64, %p: f32, %g: f32):
    %p1 = arith.subf %p, %g : f32
    rt.yield %p1 : f32
  }
  rt.formula @fast "fast" settings [] [] states [] {
  ^bb0(%lr: f64, %number: f64, %p: f32, %g: f32):
    rt.yield %g : f32
  }
  // CHECK-LABEL: rt.fragment @formulas
  // CHECK-NEXT: rt.call "update_parameters" of @slow tuples of 2(%[[A]], %[[DA]], %[[B]], %[[DB]], %{{.*}}, %[[STEP]]) -> ()
  // CHECK-NEXT: rt.call "update_parameters" of @fast tuples of 2(%[[C]], %[[DC]], %{{.*}}, %[[STEP]]) -> ()
  rt.fragment @formulas flops 0.0 bytes 0 {
    rt.call "update_parameters" of @slow tuples of 2(%a, %da, %rate, %step) -> () : (memref<4xf32>, memref<4xf32>, memref<f64>, memref<i64>) -> ()
    rt.call "update_parameters" of @slow tuples of 2(%b, %db, %rate, %step) -> () : (memref<3xf32>, memref<3xf32>, memref<f64>, memref<i64>) -> ()
    rt.call "update_parameters" of @fast tuples of 2(%c, %dc, %rate, %step) -> () : (memref<4xf32>, memref<4xf32>, memref<f64>, memref<i64>) -> ()
  }
}
