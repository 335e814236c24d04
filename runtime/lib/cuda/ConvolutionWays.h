// In which ways a convolution can be handed to cuDNN: as it is, or with copies before and passes after a simpler graph.
#pragma once

#include "cuda/ConvolutionGraph.h"

#include <vector>

namespace dtcrt {

/// A dense tensor of N, C, spatial... without its memory.
struct Operand {
  Dims shape;
  Layout layout;
};

struct ConvolutionWay {
  Convolution graph;            ///< what cuDNN computes
  bool converts_filter = false; ///< w is read or written channels-last, and converted from or to row-major
  bool converts_x = false;      ///< x is read or written in y's layout, and copied from or to its own
  bool adds_bias = false;       ///< after the graph
  Activation activation = Activation::none; ///< after the graph, and after the bias
};

/// All ways to compute `c`, whose lies are not given yet, the one to be preferred first: fused before unfused, tensors as they lie
/// before tensors that are copied. On tensor cores and for gradients of weights, engines for channels-last activations want
/// filters that lie likewise. The others of f32 compute row-major and copy what lies otherwise: they get the filter as it is.
std::vector<ConvolutionWay> ways_to_compute(const Convolution &c, const Operand &x, const Dims &w, const Operand &y);

} // namespace dtcrt
