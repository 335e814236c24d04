// Random valid ONNX graphs: operators of every kind that the importer takes, from a seed.
#ifndef DTC_TEST_RANDOMGRAPHS_RANDOMGRAPH_H
#define DTC_TEST_RANDOMGRAPHS_RANDOMGRAPH_H

#include "onnx/onnx_pb.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dtc::test {

struct RandomGraph {
  /// Opset 17, 18, 20 or 23; its inputs' first dimension is "N", and it has one output, [N, classes].
  ::onnx::ModelProto model;
  /// A sample batch, one tensor for each input of the graph. Floats are odd multiples of 1/16: what jumps, jumps between them.
  std::vector<::onnx::TensorProto> inputs;
  int64_t batch = 0;
  /// Of the output: "cross-entropy", "mse" or "bce-logits".
  std::string loss;
};

/// The graph of a seed, the same on every machine: about `operators` nodes in a graph of residuals and shared parameters, in which each value is
/// read. Operands are kept where operators are defined and smooth enough for f32: logarithms and roots of what is above 0.1, jumps of inputs
/// alone, magnitudes of a few units.
RandomGraph makeRandomGraph(uint64_t seed, int operators = 60);

} // namespace dtc::test

#endif // DTC_TEST_RANDOMGRAPHS_RANDOMGRAPH_H
