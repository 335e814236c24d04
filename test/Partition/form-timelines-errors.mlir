// RUN: dtc-opt %s -split-input-file -verify-diagnostics -dtc-form-timelines

// expected-error @below {{is no rank's step: 'dist.axis' is missing (run dtc-shard-batch first)}}
func.func @train(%x: tensor<2x5xf32> {nn.input = "x"}) attributes {nn.phase = "train"} {
  return
}
