// A graph of cuDNN's operations as plain data, and what it computes.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cudnn_emulation {

struct Tensor {
  std::int64_t uid = 0;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<std::int64_t> dims, strides;
  bool is_virtual = false;
};

struct Operation {
  enum class Kind { forward, data_gradient, filter_gradient, pointwise } kind;
  // Convolutions: x, w, y or the gradients of them.
  Tensor x, w, y;
  std::vector<std::int64_t> pre, post, strides, dilations;
  // Pointwise: y = mode(x), or x + b.
  Tensor b;
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_IDENTITY;
  double lower_slope = 0, elu_alpha = 1;

  bool is_convolution() const { return kind != Kind::pointwise; }
  /// What it writes.
  const Tensor &result() const { return kind == Kind::data_gradient ? x : kind == Kind::filter_gradient ? w : y; }
};

struct Graph {
  std::vector<Operation> operations; ///< in an order in which they can be computed
  /// Empty, or why cuDNN would not take it.
  std::string problem() const;
};

/// Computes the graph on memory by uid. `tf32`: operands of convolutions are rounded first.
void compute(const Graph &graph, const std::map<std::int64_t, void *> &memory, bool tf32);

} // namespace cudnn_emulation
