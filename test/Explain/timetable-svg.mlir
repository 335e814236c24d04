// RUN: dtc-translate --dist-to-svg %S/Inputs/pipeline.mlir -o %t.svg
// RUN: %python %S/Inputs/check_svg.py %t.svg | FileCheck %s

// Well-formed, with names as they are; each box says what it is.

// CHECK: text: predicted: step 0.{{[0-9]+}} ms, bubble {{[0-9.]+}} %
// CHECK: text: 0 stage 0 <"a">
// CHECK-DAG: box: forward: stage0_forward<">, microbatch 0, 0.000 ms to 0.{{[0-9]+}} ms
// CHECK-DAG: number: 0
// CHECK-DAG: box: forward: stage0_forward<">, microbatch 1
// CHECK-DAG: number: 1
// CHECK-DAG: box: communication: fc["1"], microbatch 0
// CHECK-DAG: box: communication: tied"
// CHECK-DAG: box: update: update
// CHECK: text: 1 stage1
// CHECK-DAG: box: backward: stage1_backward, microbatch 0
// CHECK-DAG: box: wait: fc["1"], microbatch 1
// CHECK: text: 3 stage1
