// What an update does to one element, and the rules of its calls. Definitions: torch.optim.SGD, Adam and AdamW, torch.nn.BatchNorm2d.
#pragma once

#include "core/Require.h"
#include "dtcrt/optimizer.h"
#include "math/HostDevice.h"

#include <initializer_list>
#include <math.h>

namespace dtcrt {

inline void check_update(const char *call, const Tensor<f32> &parameter, std::initializer_list<const Tensor<f32> *> others) {
  for (const Tensor<f32> *other : others)
    require(parameter.is_dense() && other->strides() == parameter.strides() && other->shape() == parameter.shape(), call,
            "what is updated, what by, and state have one shape and layout");
}

/// What an update of a list's entry changes.
inline const Tensor<f32> &updated(const SgdTensors &tensors) { return tensors.parameter; }
inline const Tensor<f32> &updated(const AdamTensors &tensors) { return tensors.parameter; }
inline const Tensor<f32> &updated(const RunningAverageTensors &tensors) { return tensors.average; }

struct RunningAverageUpdate {
  f32 momentum;

  DTCRT_HOST_DEVICE explicit RunningAverageUpdate(const RunningAverageOptions &o) : momentum(static_cast<f32>(o.momentum)) {}
  DTCRT_HOST_DEVICE void operator()(f32 &average, f32 value) const { average += momentum * (value - average); }
};

struct SgdUpdate {
  f32 lr, decay;

  DTCRT_HOST_DEVICE explicit SgdUpdate(const SgdOptions &o) : lr(static_cast<f32>(o.lr)), decay(static_cast<f32>(o.weight_decay)) {}
  DTCRT_HOST_DEVICE void operator()(f32 &p, f32 g) const { p -= lr * (g + decay * p); }
};

struct MomentumUpdate {
  f32 lr, decay, momentum, fresh, keep;
  bool nesterov;

  /// `first`: the buffer begins as the gradient, undamped.
  DTCRT_HOST_DEVICE MomentumUpdate(const SgdOptions &o, bool first)
      : lr(static_cast<f32>(o.lr)), decay(static_cast<f32>(o.weight_decay)), momentum(static_cast<f32>(o.momentum)),
        fresh(first ? 1 : static_cast<f32>(1 - o.dampening)), keep(first ? 0 : momentum), nesterov(o.nesterov) {}
  DTCRT_HOST_DEVICE void operator()(f32 &p, f32 g, f32 &b) const {
    const f32 d = g + decay * p;
    const f32 kept = keep == 0 ? fresh * d : keep * b + fresh * d;
    b = kept;
    p -= lr * (nesterov ? d + momentum * kept : kept);
  }
};

struct AdamUpdate {
  f32 step_size, root, epsilon, fresh1, keep2, fresh2, decay, shrink;

  DTCRT_HOST_DEVICE AdamUpdate(const AdamOptions &o, i64 step) {
    const f64 t = static_cast<f64>(step);
    step_size = static_cast<f32>(o.lr / (1 - pow(o.beta1, t)));
    root = static_cast<f32>(1 / sqrt(1 - pow(o.beta2, t)));
    epsilon = static_cast<f32>(o.epsilon);
    fresh1 = static_cast<f32>(1 - o.beta1);
    keep2 = static_cast<f32>(o.beta2);
    fresh2 = static_cast<f32>(1 - o.beta2);
    decay = o.decoupled ? 0 : static_cast<f32>(o.weight_decay);
    shrink = o.decoupled ? static_cast<f32>(1 - o.lr * o.weight_decay) : 1;
  }
  DTCRT_HOST_DEVICE void operator()(f32 &p, f32 g, f32 &m, f32 &v) const {
    const f32 old = p * shrink, d = g + decay * old;
    const f32 mean = m + fresh1 * (d - m);
    const f32 square = keep2 * v + fresh2 * d * d;
    m = mean;
    v = square;
    p = old - step_size * mean / (sqrtf(square) * root + epsilon);
  }
};

} // namespace dtcrt
