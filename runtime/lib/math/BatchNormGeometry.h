// What batch normalisation sees of an image tensor, and the rules of its calls.
#pragma once

#include "core/Require.h"
#include "math/HostDevice.h"

#include <math.h>

namespace dtcrt {

/// x as samples, positions and channels; `last`: the channels of a position lie side by side, else the positions of a channel.
struct BatchNormGeometry {
  index samples, channels, positions;
  bool last;
  const f32 *weight;

  template <class T> BatchNormGeometry(const char *call, const Tensor<T> &x, const Tensor<f32> &weights) : weight(weights.data()) {
    require(x.rank() >= 2 && x.rank() <= 5 && x.is_dense(), call, "x is dense, of rank 2 to 5");
    require(weights.rank() == 1 && weights.dim(0) == x.dim(0) && weights.is_dense(), call, "one weight a sample");
    samples = x.dim(0);
    channels = x.dim(1);
    positions = samples * channels > 0 ? x.size() / (samples * channels) : 0;
    last = x.rank() == 2 || x.layout() == channels_last;
  }
  DTCRT_HOST_DEVICE constexpr index size() const { return samples * channels * positions; }
  /// Where a row of a sample begins.
  DTCRT_HOST_DEVICE constexpr index at(index sample) const { return sample * channels * positions; }
};

/// y of one value; factor = scale inverse. One formula without a compiler's choice, so that the gradient finds y's sign again.
DTCRT_HOST_DEVICE inline f32 normalised(f32 x, f32 mean, f32 factor, f32 bias) { return fmaf(x - mean, factor, bias); }

/// Whether relu's gradient passes a value where it is stored: one that is positive, or NaN (PyTorch).
template <class T> DTCRT_HOST_DEVICE inline bool passes_relu(f32 value) { return !(static_cast<f32>(T(value)) <= 0); }

template <class T> void require_like(const char *call, const Tensor<T> &x, const Tensor<T> &other) {
  require(other.shape() == x.shape() && other.strides() == x.strides(), call, "all images have one shape and layout");
}
template <class T> void require_running(const char *call, const Tensor<T> &x, const Tensor<f32> &mean, const Tensor<f32> &variance) {
  require(bool(mean) == bool(variance), call, "there are both running statistics or none");
  require(!mean || (mean.shape() == Dims{x.dim(1)} && variance.shape() == mean.shape()), call, "one running statistic a channel");
}
template <class T> void require_channels(const char *call, const Tensor<T> &x, const Tensor<f32> &other) {
  require(other.rank() == 1 && other.dim(0) == x.dim(1) && other.is_dense(), call, "one value a channel");
}

} // namespace dtcrt
