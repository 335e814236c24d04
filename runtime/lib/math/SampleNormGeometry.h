// What layer and group normalisation see of a tensor, and the rules of their calls.
#pragma once

#include "core/Require.h"
#include "math/HostDevice.h"

namespace dtcrt {

/// x as rows, one behind the other.
struct NormRows {
  index rows, length;

  template <class T> NormRows(const char *call, const Tensor<T> &x, const Tensor<f32> &inverse) {
    require(x.is_dense() && x.layout() == row_major, call, "x is row-major");
    const int leading = inverse.rank();
    bool fits = leading < x.rank();
    for (int d = 0; fits && d < leading; ++d)
      fits = inverse.dim(d) == x.dim(d);
    require(fits && inverse.is_dense(), call, "one statistic a row");
    rows = inverse.size();
    length = 1;
    for (int d = leading; d < x.rank(); ++d) {
      length *= x.dim(d);
      row_.push_back(x.dim(d));
    }
    require(length > 0, call, "rows have elements");
  }
  template <class T> void require_like(const char *call, const Tensor<T> &x, const Tensor<T> &other) const {
    require(other.shape() == x.shape() && other.strides() == x.strides(), call, "all tensors of rows have one shape and layout");
  }
  void require_statistic(const char *call, const Tensor<f32> &inverse, const Tensor<f32> &other) const {
    require(other.shape() == inverse.shape() && other.strides() == inverse.strides(), call, "one statistic a row");
  }
  /// If it is there.
  void require_parameter(const char *call, const Tensor<f32> &parameter) const {
    require(!parameter || (parameter.shape() == row_ && parameter.layout() == row_major), call, "one parameter an element of a row");
  }

private:
  Dims row_;
};

/// x as samples, channels in groups, and positions; `last`: the channels of a position lie side by side, else the positions of a channel.
struct GroupNormGeometry {
  index samples, channels, positions, groups, width; ///< width: channels of a group
  bool last;

  template <class T> GroupNormGeometry(const char *call, const Tensor<T> &x, const Tensor<f32> &mean) {
    require(x.rank() >= 2 && x.rank() <= 5 && x.is_dense(), call, "x is dense, of rank 2 to 5");
    require(mean.rank() == 2 && mean.dim(0) == x.dim(0) && mean.is_dense(), call, "one statistic a sample and group");
    samples = x.dim(0);
    channels = x.dim(1);
    groups = mean.dim(1);
    require(groups > 0 && channels % groups == 0, call, "groups divide the channels");
    width = channels / groups;
    positions = 1;
    for (int d = 2; d < x.rank(); ++d)
      positions *= x.dim(d);
    require(channels * positions > 0, call, "groups have elements");
    last = x.rank() == 2 || x.layout() == channels_last;
  }
  DTCRT_HOST_DEVICE constexpr index size() const { return samples * channels * positions; }
  /// Where a sample begins.
  DTCRT_HOST_DEVICE constexpr index at(index sample) const { return sample * channels * positions; }
  /// The number of the group of a channel.
  DTCRT_HOST_DEVICE constexpr index group(index sample, index channel) const { return sample * groups + channel / width; }

  template <class T> void require_like(const char *call, const Tensor<T> &x, const Tensor<T> &other) const {
    require(other.shape() == x.shape() && other.strides() == x.strides(), call, "all images have one shape and layout");
  }
  void require_statistic(const char *call, const Tensor<f32> &mean, const Tensor<f32> &other) const {
    require(other.shape() == mean.shape() && other.strides() == mean.strides(), call, "one statistic a sample and group");
  }
  void require_channels(const char *call, const Tensor<f32> &parameter) const {
    require(parameter.rank() == 1 && parameter.dim(0) == channels && parameter.is_dense(), call, "one value a channel");
  }
};

} // namespace dtcrt
