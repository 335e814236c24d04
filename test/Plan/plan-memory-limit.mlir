// An arena that no device can hold is refused before anything runs.
// RUN: dtc-opt --pass-pipeline='builtin.module(rt.program(dtc-plan-memory{device-memory=4096}))' %s -verify-diagnostics

// expected-error@+1 {{a rank of 'stage1' needs 4.06 KiB, but a device has 4.00 KiB; use smaller microbatches or more devices}}
rt.program @stage1 attributes {model = "m", recipe = unit, batch = 1 : i64, local_batch = 1 : i64, axes = [], mesh = array<i64>} {
  %x = rt.buffer input "x" : memref<1024xf32>
  %y = rt.buffer input "y" : memref<16xf32>
}
