// What attention sees of its tensors, and the rules of its calls.
#pragma once

#include "core/Require.h"
#include "dtcrt/attention.h"
#include "math/HostDevice.h"

namespace dtcrt {

/// q, k, v, y or a gradient as samples, heads, positions and elements of a vector, in whatever order they lie.
template <class T> struct HeadView {
  T *data = nullptr;
  index n = 0, head = 0, position = 0, element = 0; ///< steps

  HeadView() = default;
  HeadView(const Tensor<T> &t, bool positions_first)
      : data(t.data()), n(t.strides()[0]), head(t.strides()[positions_first ? 2 : 1]), position(t.strides()[positions_first ? 1 : 2]),
        element(t.strides()[3]) {}
  DTCRT_HOST_DEVICE T *at(index sample, index of_head) const { return data + sample * n + of_head * head; }
};

/// A mask, or its gradient, as if it were [N, H, T, S]: steps of what is broadcast are 0. Absent: data is null.
template <class T> struct MaskView {
  T *data = nullptr;
  index size[4] = {1, 1, 1, 1}, step[4] = {};

  MaskView() = default;
  explicit MaskView(const Tensor<T> &t) : data(t.data()) {
    for (int d = 0; d < t.rank(); ++d) {
      const int at = d + 4 - t.rank();
      size[at] = t.dim(d);
      step[at] = t.dim(d) == 1 ? 0 : t.strides()[d];
    }
  }
  DTCRT_HOST_DEVICE T *at(index sample, index head) const { return data + sample * step[0] + head * step[1]; }
  bool broadcasts_to(const index (&whole)[4]) const {
    for (int d = 0; d < 4; ++d)
      if (size[d] != 1 && size[d] != whole[d])
        return false;
    return true;
  }
};

struct AttentionGeometry {
  index batch, heads, groups, queries, keys, width, value_width;
  index sharers; ///< heads of q for one of k and v
  MaskView<const bool> mask;
  MaskView<const f32> bias;
  f32 scale;
  bool causal, positions_first;

  /// lse may be absent.
  template <class T>
  AttentionGeometry(const char *call, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y, const Tensor<f32> &lse,
                    const AttentionOptions &o)
      : scale(static_cast<f32>(o.scale)), causal(o.causal), positions_first(o.positions_first) {
    require(q.rank() == 4 && k.rank() == 4 && v.rank() == 4 && y.rank() == 4, call, "q, k, v and y have rank 4");
    const int head = positions_first ? 2 : 1, position = 3 - head;
    batch = q.dim(0);
    heads = q.dim(head);
    queries = q.dim(position);
    width = q.dim(3);
    groups = k.dim(head);
    keys = k.dim(position);
    value_width = v.dim(3);
    require(groups > 0 && heads % groups == 0, call, "the heads of k divide those of q");
    sharers = heads / groups;
    require(k.dim(0) == batch && k.dim(3) == width, call, "k has q's samples and width");
    require(v.dim(0) == batch && v.dim(head) == groups && v.dim(position) == keys, call, "v has k's samples, heads and positions");
    require(y.dim(0) == batch && y.dim(head) == heads && y.dim(position) == queries && y.dim(3) == value_width, call,
            "y has q's samples, heads and positions, and v's width");
    require(!lse || (lse.shape() == Dims{batch, heads, queries} && lse.layout() == row_major), call, "lse is [N, H, T], row-major");
    require(!o.mask || !o.bias, call, "there is one mask: of truth values, or added");
    require(o.mask.rank() <= 4 && o.bias.rank() <= 4, call, "the mask has rank 4 or less");
    if (o.mask)
      mask = MaskView<const bool>(Tensor<const bool>(o.mask.data(), o.mask.shape(), o.mask.strides()));
    if (o.bias)
      bias = MaskView<const f32>(Tensor<const f32>(o.bias.data(), o.bias.shape(), o.bias.strides()));
    const index whole[4] = {batch, heads, queries, keys};
    require(mask.broadcasts_to(whole) && bias.broadcasts_to(whole), call, "the mask broadcasts to [N, H, T, S]");
  }

  /// Keys before this one are all that queries before `end` see.
  DTCRT_HOST_DEVICE index keys_for(index end) const { return causal && end < keys ? end : keys; }
  /// Where an operand of lse's shape begins.
  DTCRT_HOST_DEVICE index row(index sample, index head) const { return (sample * heads + head) * queries; }
};

/// The rules of a gradient: those of the operands that it differentiates with respect to.
template <class T>
void require_attention_gradient(const Tensor<T> &dy, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y,
                                const Tensor<f32> &lse, const Tensor<T> &dq, const Tensor<T> &dk, const Tensor<T> &dv, const Tensor<f32> &dbias,
                                const AttentionOptions &o) {
  constexpr const char *call = "attention_gradient";
  require(bool(lse), call, "it reads lse");
  require(dy.shape() == y.shape() && dq.shape() == q.shape() && dk.shape() == k.shape() && dv.shape() == v.shape(), call,
          "a gradient has the shape of what it is of");
  require(!dbias || (o.bias && dbias.shape() == o.bias.shape()), call, "dbias is of a mask that is added, and has its shape");
}

} // namespace dtcrt
