// RUN: dtc-translate --dist-to-dot %S/Inputs/pipeline.mlir -o %t.dot
// RUN: FileCheck %s < %t.dot
// RUN: %python %S/Inputs/check_dot.py %t.dot
// RUN: %if graphviz %{ dot -Tsvg %t.dot -o %t.svg %}

// CHECK: label="stage 0 <\"a\">: pipe 0";
// CHECK: label="stage0_forward<\">, 2 times\n544 FLOP";
// CHECK: [[FC:n[0-9]+]] [label="fc[\"1\"]"];
// CHECK: [[RELU:n[0-9]+]] [label="</title>&\\N"];
// CHECK: label="update\n64 FLOP";
// CHECK: [[W0:n[0-9]+]] [label="w"];
// CHECK: label="stage1: pipe 1";
// CHECK: label="stage1_backward, 2 times\n544 FLOP";
// CHECK: [[FC2:n[0-9]+]] [label="fc2"];
// CHECK: [[W1:n[0-9]+]] [label="w"];
// CHECK: [[TIED:n[0-9]+]] [shape=ellipse, fillcolor="#f6d9b8", label="all-reduce bucket 'tied\"'\nover pipe, 256 B"];
// CHECK-DAG: [[FC]] -> [[RELU]];
// CHECK-DAG: [[RELU]] -> [[FC2]] [penwidth=2, color="#c06010", label="fc[\"1\"]\n128 B × 2"];
// CHECK-DAG: [[FC2]] -> [[TIED]] [style=dashed];
// CHECK-DAG: [[TIED]] -> [[W0]] [style=dashed];
// CHECK-DAG: [[TIED]] -> [[W1]] [style=dashed];
