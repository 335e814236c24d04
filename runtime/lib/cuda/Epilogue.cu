// Bias and activation in one pass over the result: each thread takes four values that lie side by side.
#include "cuda/Epilogue.h"
#include "cuda/Backend.h"
#include "math/Activated.h"

#include <algorithm>

namespace dtcrt {

namespace {

constexpr int block_threads = 256;
constexpr index lanes = 4;

/// Where in memory the bias of the value at position i of y lies: digits of i by y's dimensions, in the order of y's memory. Neighbours
/// that the bias walks through in one stride, or not at all, are one dimension.
struct BiasView {
  int rank = 0;
  index size[max_rank], step[max_rank];
};

template <Activation activation, bool has_bias>
__global__ void epilogue(f32 *y, const f32 *bias, index size, BiasView view, f32 alpha) {
  const index stride = index(gridDim.x) * blockDim.x * lanes;
  for (index first = (index(blockIdx.x) * blockDim.x + threadIdx.x) * lanes; first < size; first += stride) {
    f32 value[lanes];
    const bool whole = first + lanes <= size;
    if (whole)
      *reinterpret_cast<float4 *>(value) = *reinterpret_cast<const float4 *>(y + first);
    for (int lane = 0; lane < lanes && first + lane < size; ++lane) {
      f32 sum = whole ? value[lane] : y[first + lane];
      if constexpr (has_bias) {
        index rest = first + lane, at = 0;
        for (int d = view.rank - 1; d > 0; --d) {
          at += rest % view.size[d] * view.step[d];
          rest /= view.size[d];
        }
        sum += bias[at + rest * view.step[0]];
      }
      value[lane] = activated(sum, activation, alpha);
      if (!whole)
        y[first + lane] = value[lane];
    }
    if (whole)
      *reinterpret_cast<float4 *>(y + first) = *reinterpret_cast<const float4 *>(value);
  }
}

BiasView view_of(const Tensor<f32> &y, const Tensor<f32> &bias) {
  const int lead = y.rank() - bias.rank();
  require(lead >= 0, "bias", "it has no more dimensions than the result");
  Dims steps = Dims::repeat(y.rank(), 0);
  for (int i = lead; i < y.rank(); ++i)
    if (bias.dim(i - lead) != 1) {
      require(bias.dim(i - lead) == y.dim(i), "bias", "sizes agree with the result's or are 1");
      steps[i] = bias.strides()[i - lead];
    }
  int order[max_rank];
  for (int i = 0; i < y.rank(); ++i)
    order[i] = i;
  std::stable_sort(order, order + y.rank(), [&](int a, int b) { return y.strides()[a] > y.strides()[b]; });
  BiasView view;
  for (int i = 0; i < y.rank(); ++i) {
    const int d = order[i];
    if (y.dim(d) == 1)
      continue;
    const int last = view.rank - 1;
    if (last >= 0 && view.step[last] == steps[d] * y.dim(d)) {
      view.size[last] *= y.dim(d);
      view.step[last] = steps[d];
    } else {
      view.size[view.rank] = y.dim(d);
      view.step[view.rank++] = steps[d];
    }
  }
  if (view.rank == 0) {
    view.rank = 1;
    view.size[0] = 1;
    view.step[0] = 0;
  }
  return view;
}

template <Activation activation> void launch_epilogue(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &bias, f32 alpha) {
  const index threads = (y.size() + lanes - 1) / lanes, blocks = (threads + block_threads - 1) / block_threads;
  const dim3 grid(static_cast<unsigned>(std::min<index>(blocks, index(device::multiprocessors(ctx)) * 8)));
  if (bias)
    device::launch(ctx, epilogue<activation, true>, grid, dim3(block_threads), y.data(), bias.data(), y.size(), view_of(y, bias), alpha);
  else
    device::launch(ctx, epilogue<activation, false>, grid, dim3(block_threads), y.data(), bias.data(), y.size(), BiasView(), alpha);
}

} // namespace

void add_bias_and_activate(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &bias, Activation activation, f32 alpha) {
  if (y.size() == 0 || (!bias && activation == Activation::none))
    return;
  require(y.is_dense(), "bias and activation", "the result is dense");
  switch (activation) {
  case Activation::none: return launch_epilogue<Activation::none>(ctx, y, bias, alpha);
  case Activation::relu: return launch_epilogue<Activation::relu>(ctx, y, bias, alpha);
  case Activation::leaky_relu: return launch_epilogue<Activation::leaky_relu>(ctx, y, bias, alpha);
  case Activation::elu: return launch_epilogue<Activation::elu>(ctx, y, bias, alpha);
  case Activation::sigmoid: return launch_epilogue<Activation::sigmoid>(ctx, y, bias, alpha);
  case Activation::tanh: return launch_epilogue<Activation::tanh>(ctx, y, bias, alpha);
  }
}

} // namespace dtcrt
