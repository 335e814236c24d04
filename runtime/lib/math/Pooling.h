// The geometry that all pooling kernels share, on either device: up to three spatial dimensions, as three.
#pragma once

#include "core/Require.h"
#include "math/HostDevice.h"

#include <algorithm>

namespace dtcrt {

struct PoolGeometry {
  index batch, channels;
  index in[3], out[3], kernel[3], stride[3], begin[3], end[3], dilation[3];

  PoolGeometry(const char *call, const Dims &x, const Dims &y, const Dims &kernel_, const Dims &strides, const Dims &pads,
               const Dims &dilations) {
    const int spatial = x.size() - 2;
    require(spatial >= 1 && spatial <= 3, call, "1 to 3 spatial dimensions");
    require(y.size() == x.size() && y[0] == x[0] && y[1] == x[1], call, "input and output agree in batch and channels");
    require(kernel_.size() == spatial, call, "one kernel size a spatial dimension");
    require(strides.empty() || strides.size() == spatial, call, "one stride a spatial dimension");
    require(pads.empty() || pads.size() == 2 * spatial, call, "two pads a spatial dimension");
    require(dilations.empty() || dilations.size() == spatial, call, "one dilation a spatial dimension");
    batch = x[0];
    channels = x[1];
    for (int d = 0; d < 3; ++d) {
      const int s = d - (3 - spatial);
      in[d] = s < 0 ? 1 : x[2 + s];
      out[d] = s < 0 ? 1 : y[2 + s];
      kernel[d] = s < 0 ? 1 : kernel_[s];
      stride[d] = s < 0 || strides.empty() ? 1 : strides[s];
      begin[d] = s < 0 || pads.empty() ? 0 : pads[s];
      end[d] = s < 0 || pads.empty() ? 0 : pads[spatial + s];
      dilation[d] = s < 0 || dilations.empty() ? 1 : dilations[s];
    }
  }
  DTCRT_HOST_DEVICE constexpr index kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
  DTCRT_HOST_DEVICE constexpr index in_size() const { return in[0] * in[1] * in[2]; }
  DTCRT_HOST_DEVICE constexpr index out_size() const { return out[0] * out[1] * out[2]; }
  /// Windows lie side by side inside x: every element belongs to at most one, and no window leaves x.
  DTCRT_HOST_DEVICE constexpr bool is_tiling() const {
    for (int d = 0; d < 3; ++d)
      if (dilation[d] != 1 || stride[d] != kernel[d] || begin[d] != 0 || out[d] * kernel[d] > in[d])
        return false;
    return true;
  }
  /// The elements of window `o` of dimension `d` that lie inside x: kernel positions [first, last).
  DTCRT_HOST_DEVICE constexpr void inside(int d, index o, index &first, index &last) const {
    const index start = o * stride[d] - begin[d];
    first = start < 0 ? taps(d, -start) : 0;
    last = start >= in[d] ? 0 : std::min(kernel[d], taps(d, in[d] - start));
    if (last < first)
      last = first;
  }
  /// Elements of that window inside x and its explicit padding.
  DTCRT_HOST_DEVICE constexpr index inside_padding(int d, index o) const {
    const index start = o * stride[d] - begin[d];
    return std::min(kernel[d], taps(d, in[d] + end[d] - start));
  }

private:
  /// Elements of a window of dimension d within `distance` of its start.
  DTCRT_HOST_DEVICE constexpr index taps(int d, index distance) const {
    return dilation[d] == 1 ? distance : (distance + dilation[d] - 1) / dilation[d];
  }
};

/// A tensor [N, C, spatial...] by its steps: batch, channel, three spatial ones.
template <class T> struct PoolView {
  T *data;
  index n, c, s[3];
  PoolView() : data(nullptr), n(0), c(1), s{} {}
  explicit PoolView(const Tensor<T> &t) : data(t.data()), n(t.strides()[0]), c(t.dim(1) == 1 ? 1 : t.strides()[1]) {
    const int spatial = t.rank() - 2;
    for (int d = 0; d < 3; ++d)
      s[d] = d < 3 - spatial ? 0 : t.strides()[2 + d - (3 - spatial)];
  }
};

} // namespace dtcrt
