// The order in which engines are asked for.
#include "cuda/ConvolutionWays.h"

namespace dtcrt {

namespace {

/// Whether both layouts are the same memory.
bool is_both(const Dims &shape) { return shape[1] == 1 || shape.product() == shape[0] * shape[1]; }

Lie lie(const Dims &shape, bool is_channels_last) { return {shape, dense_strides(shape, is_channels_last ? channels_last : row_major)}; }

} // namespace

std::vector<ConvolutionWay> ways_to_compute(const Convolution &c, const Operand &x, const Dims &w, const Operand &y) {
  // What lies in both layouts lies in that of its partner.
  const bool x_if_both = is_both(y.shape) || y.layout == channels_last, y_if_both = is_both(x.shape) || x.layout == channels_last;
  const bool x_last = is_both(x.shape) ? x_if_both : x.layout == channels_last;
  const bool y_last = is_both(y.shape) ? y_if_both : y.layout == channels_last;
  const bool tensor_cores = c.tf32 || c.element != Element::f32;
  const bool filter_last = y_last && (tensor_cores || c.pass == Convolution::Pass::weight_gradient);

  struct Fused {
    bool bias, activation;
  };
  // With a slope of 0 cuDNN has a relu, which is 0 at -inf, where leaky_relu is NaN.
  const bool fusable = c.activation != Activation::none && (c.activation != Activation::leaky_relu || c.alpha != 0);
  std::vector<Fused> fusions{{c.bias, fusable}};
  if (fusions[0].bias && fusions[0].activation)
    fusions.push_back({true, false});
  if (fusions[0].bias || fusions[0].activation)
    fusions.push_back({false, false});

  std::vector<ConvolutionWay> ways;
  for (const Fused fused : fusions)
    for (const bool converts_x : {false, true})
      for (const bool last : {filter_last, !filter_last}) {
        if (converts_x && x_last == y_last)
          continue;
        ConvolutionWay way;
        way.graph = c;
        way.graph.x = lie(x.shape, converts_x ? y_last : x_last);
        way.graph.w = lie(w, last);
        way.graph.y = lie(y.shape, y_last);
        way.graph.bias = fused.bias;
        way.graph.activation = fused.activation ? c.activation : Activation::none;
        way.converts_x = converts_x;
        way.converts_filter = last && !is_both(w);
        way.adds_bias = c.bias && !fused.bias;
        way.activation = fused.activation ? Activation::none : c.activation;
        ways.push_back(way);
      }
  return ways;
}

} // namespace dtcrt
