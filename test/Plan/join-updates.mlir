// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-join-updates))' %s | FileCheck %s

// CHECK-LABEL: rt.program @p
rt.program @p attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  // CHECK: %[[STEP:.*]] = rt.buffer step "step"
  %step = rt.buffer step "step" : memref<i64>
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
  // CHECK-NEXT: rt.call "sgd_update" tuples of 2(%[[A]], %[[DA]], %[[B]], %[[DB]], %[[C]], %[[DC]]) -> () options {lr = 1.000000e-02 : f64}
  // CHECK-NEXT: {{^  }$}}
  rt.fragment @joined flops 0.0 bytes 0 {
    rt.call "sgd_update" tuples of 2(%a, %da) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "sgd_update" tuples of 2(%b, %db) -> () options {lr = 0.01} : (memref<3xf32>, memref<3xf32>) -> ()
    rt.call "sgd_update" tuples of 2(%c, %dc) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
  }
  // What all share stands once, behind the tuples.
  // CHECK-LABEL: rt.fragment @shared
  // CHECK-NEXT: rt.call "sgd_update" tuples of 3(%[[B]], %[[DB]], %[[MB]], %[[C]], %[[DC]], %[[MC]], %[[STEP]]) -> () options
  // CHECK-NEXT: {{^  }$}}
  rt.fragment @shared flops 0.0 bytes 0 {
    rt.call "sgd_update" tuples of 3(%b, %db, %mb, %step) -> () options {lr = 0.01} : (memref<3xf32>, memref<3xf32>, memref<3xf32>, memref<i64>) -> ()
    rt.call "sgd_update" tuples of 3(%c, %dc, %mc, %step) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<i64>) -> ()
  }
  // Another learning rate, and another callee's kind of tuple.
  // CHECK-LABEL: rt.fragment @different
  // CHECK-COUNT-3: rt.call "sgd_update"
  rt.fragment @different flops 0.0 bytes 0 {
    rt.call "sgd_update" tuples of 2(%a, %da) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "sgd_update" tuples of 2(%b, %db) -> () options {lr = 0.02} : (memref<3xf32>, memref<3xf32>) -> ()
    rt.call "sgd_update" tuples of 3(%c, %dc, %mc, %step) -> () options {lr = 0.02} : (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<i64>) -> ()
  }
  // The gradient of the second is made in between.
  // CHECK-LABEL: rt.fragment @apart
  // CHECK-NEXT: rt.call "sgd_update" tuples of 2(%[[A]], %[[DA]])
  // CHECK-NEXT: rt.call "copy"
  // CHECK-NEXT: rt.call "sgd_update" tuples of 2(%[[B]], %[[DB]])
  rt.fragment @apart flops 0.0 bytes 0 {
    rt.call "sgd_update" tuples of 2(%a, %da) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "copy"(%mb) -> (%db) : (memref<3xf32>) -> memref<3xf32>
    rt.call "sgd_update" tuples of 2(%b, %db) -> () options {lr = 0.01} : (memref<3xf32>, memref<3xf32>) -> ()
  }
  // One after the other on the same memory.
  // CHECK-LABEL: rt.fragment @twice
  // CHECK: rt.call "sgd_update" tuples of 2(%[[A]], %[[DA]])
  // CHECK-NEXT: rt.call "sgd_update" tuples of 2(%[[A]], %[[DC]])
  rt.fragment @twice flops 0.0 bytes 0 {
    rt.call "sgd_update" tuples of 2(%a, %da) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "sgd_update" tuples of 2(%a, %dc) -> () options {lr = 0.01} : (memref<4xf32>, memref<4xf32>) -> ()
  }
  // What is timed by itself.
  // CHECK-LABEL: rt.fragment @marked
  // CHECK-COUNT-2: rt.call "sgd_update"
  rt.fragment @marked flops 0.0 bytes 0 {
    rt.call "sgd_update" tuples of 2(%a, %da) -> () options {lr = 0.01} {rt.op = [0, "nn.sgd_update"]} : (memref<4xf32>, memref<4xf32>) -> ()
    rt.call "sgd_update" tuples of 2(%b, %db) -> () options {lr = 0.01} {rt.op = [1, "nn.sgd_update"]} : (memref<3xf32>, memref<3xf32>) -> ()
  }
}
