// Convolutions and pointwise operations by their definitions.
#include "CudnnGraph.h"
#include "Enqueue.h"

#include <array>
#include <cmath>
#include <numbers>

namespace cudnn_emulation {

namespace {

using cuda_emulation::drops_nan;
using cuda_emulation::element;
using cuda_emulation::rounded_to_tf32;
using cuda_emulation::set_element;

std::int64_t size_of(const Tensor &t) {
  std::int64_t size = 1;
  for (const std::int64_t dim : t.dims)
    size *= dim;
  return size;
}

/// Where the i-th element in the order of `dims` lies in `t`, whose dimensions of size 1 are repeated.
std::int64_t offset_of(const Tensor &t, const std::vector<std::int64_t> &dims, std::int64_t i) {
  std::int64_t offset = 0;
  for (std::size_t d = dims.size(); d-- > 0;) {
    if (t.dims[d] != 1)
      offset += i % dims[d] * t.strides[d];
    i /= dims[d];
  }
  return offset;
}

/// Elements from the first to the last of a tensor.
std::int64_t extent_of(const Tensor &t) {
  std::int64_t extent = 1;
  for (std::size_t d = 0; d < t.dims.size(); ++d)
    extent += (t.dims[d] - 1) * t.strides[d];
  return extent;
}

/// Calls visit(offset in x, offset in w, offset in y) for every product of a convolution.
template <class Visit> void for_products(const Operation &op, Visit visit) {
  const std::size_t spatial = op.x.dims.size() - 2;
  const std::int64_t groups = op.x.dims[1] / op.w.dims[1], outputs = op.w.dims[0] / groups;
  const std::int64_t results = size_of(op.y);
  std::int64_t taps = 1;
  for (std::size_t d = 0; d < spatial; ++d)
    taps *= op.w.dims[2 + d];
  for (std::int64_t r = 0; r < results; ++r) {
    std::int64_t rest = r, y_at = 0;
    std::array<std::int64_t, 8> out{};
    for (std::size_t d = op.y.dims.size(); d-- > 0;) {
      out[d] = rest % op.y.dims[d];
      rest /= op.y.dims[d];
      y_at += out[d] * op.y.strides[d];
    }
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      std::int64_t left = tap, x_at = out[0] * op.x.strides[0], w_at = out[1] * op.w.strides[0];
      bool inside = true;
      for (std::size_t d = spatial; d-- > 0;) {
        const std::int64_t k = left % op.w.dims[2 + d];
        left /= op.w.dims[2 + d];
        const std::int64_t at = out[2 + d] * op.strides[d] - op.pre[d] + k * op.dilations[d];
        inside = inside && at >= 0 && at < op.x.dims[2 + d];
        x_at += at * op.x.strides[2 + d];
        w_at += k * op.w.strides[2 + d];
      }
      if (!inside)
        continue;
      const std::int64_t first = out[1] / outputs * op.w.dims[1];
      for (std::int64_t c = 0; c < op.w.dims[1]; ++c)
        visit(x_at + (first + c) * op.x.strides[1], w_at + c * op.w.strides[1], y_at);
    }
  }
}

double applied(const Operation &op, double v) {
  if (std::isnan(v) && op.mode != CUDNN_POINTWISE_ADD && drops_nan())
    return 0;
  switch (op.mode) {
  case CUDNN_POINTWISE_RELU_FWD: return v > 0 || std::isnan(v) ? v : op.lower_slope == 0 ? 0 : op.lower_slope * v;
  case CUDNN_POINTWISE_ELU_FWD: return v > 0 ? v : op.elu_alpha * std::expm1(v);
  case CUDNN_POINTWISE_SIGMOID_FWD: return 1 / (1 + std::exp(-v));
  case CUDNN_POINTWISE_TANH_FWD: return std::tanh(v);
  case CUDNN_POINTWISE_GELU_FWD: return v * std::erfc(-v / std::sqrt(2)) / 2;
  case CUDNN_POINTWISE_GELU_APPROX_TANH_FWD: return v / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
  default: return v;
  }
}

} // namespace

std::string Graph::problem() const {
  if (operations.empty() || !operations[0].is_convolution())
    return "a graph begins with a convolution";
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation &op = operations[i];
    if (op.is_convolution()) {
      if (i > 0)
        return "a graph has one convolution";
      const std::size_t rank = op.x.dims.size();
      if ((rank != 4 && rank != 5) || op.w.dims.size() != rank || op.y.dims.size() != rank)
        return "convolutions have two or three spatial dimensions";
      if (op.x.dims[0] != op.y.dims[0] || op.w.dims[0] != op.y.dims[1] || op.x.dims[1] % op.w.dims[1] != 0 ||
          op.w.dims[0] % (op.x.dims[1] / op.w.dims[1]) != 0)
        return "channels do not fit";
      for (std::size_t d = 0; d + 2 < rank; ++d)
        if (op.y.dims[2 + d] !=
            (op.x.dims[2 + d] + op.pre[d] + op.post[d] - op.dilations[d] * (op.w.dims[2 + d] - 1) - 1) / op.strides[d] + 1)
          return "the result's size does not fit";
    } else if (op.x.uid != operations[i - 1].result().uid || op.x.dims != op.y.dims) {
      return "an operation works on the result of the one before";
    }
    if (op.result().is_virtual != (i + 1 < operations.size()))
      return "all but the last result are virtual";
  }
  return "";
}

void compute(const Graph &graph, const std::map<std::int64_t, void *> &memory, bool tf32) {
  std::map<std::int64_t, std::vector<float>> between;
  const auto find = [&](const Tensor &t) -> void * {
    if (!t.is_virtual)
      return memory.at(t.uid);
    std::vector<float> &values = between[t.uid];
    values.resize(static_cast<std::size_t>(extent_of(t)));
    return values.data();
  };
  for (const Operation &op : graph.operations) {
    const auto is_bf16 = [](const Tensor &t) { return !t.is_virtual && t.type == CUDNN_DATA_BFLOAT16; };
    const Tensor &result = op.result();
    void *to = find(result);
    const std::int64_t results = size_of(result);
    if (op.is_convolution()) {
      std::vector<double> sums(static_cast<std::size_t>(extent_of(result)));
      const auto read = [&](const Tensor &t, const void *data, std::int64_t at) {
        const double value = element(data, is_bf16(t), at);
        return tf32 ? double(rounded_to_tf32(static_cast<float>(value))) : value;
      };
      const void *x = find(op.x), *w = find(op.w), *y = find(op.y);
      for_products(op, [&](std::int64_t xi, std::int64_t wi, std::int64_t yi) {
        if (op.kind == Operation::Kind::forward)
          sums[yi] += read(op.x, x, xi) * read(op.w, w, wi);
        else if (op.kind == Operation::Kind::data_gradient)
          sums[xi] += read(op.y, y, yi) * read(op.w, w, wi);
        else
          sums[wi] += read(op.y, y, yi) * read(op.x, x, xi);
      });
      for (std::int64_t i = 0; i < results; ++i) {
        const std::int64_t at = offset_of(result, result.dims, i);
        set_element(to, is_bf16(result), at, sums[static_cast<std::size_t>(at)]);
      }
    } else {
      const void *x = find(op.x), *b = op.mode == CUDNN_POINTWISE_ADD ? find(op.b) : nullptr;
      for (std::int64_t i = 0; i < results; ++i) {
        double value = element(x, is_bf16(op.x), offset_of(op.x, result.dims, i));
        if (b)
          value += element(b, is_bf16(op.b), offset_of(op.b, result.dims, i));
        set_element(to, is_bf16(result), offset_of(result, result.dims, i), applied(op, value));
      }
    }
  }
}

} // namespace cudnn_emulation
