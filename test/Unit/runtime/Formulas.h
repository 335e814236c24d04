// Optimizers' formulas, as the compiler writes them (dtcrt/update.h), for tests of the runtime.
#pragma once

#include <dtcrt/update.h>

namespace dtcrt::test {

template <f64 weight_decay = 0.0> struct Sgd {
  static constexpr int states = 0, scalars = 0, sums = 0;
  f32 rate;
  DTC_HOST_DEVICE Sgd(f64 learning_rate, f64) { rate = f32(learning_rate); }
  DTC_HOST_DEVICE void operator()(f32 &parameter, f32 gradient) const {
    parameter = parameter - rate * (gradient + f32(weight_decay) * parameter);
  }
};

template <f64 momentum, f64 dampening = 0.0, bool nesterov = false> struct Momentum {
  static constexpr int states = 1, scalars = 0, sums = 0;
  f32 rate, keep, fresh;
  DTC_HOST_DEVICE Momentum(f64 learning_rate, f64 step) {
    rate = f32(learning_rate);
    keep = f32(step == 1.0 ? 0.0 : momentum);
    fresh = f32(step == 1.0 ? 1.0 : 1.0 - dampening);
  }
  DTC_HOST_DEVICE void operator()(f32 &parameter, f32 gradient, f32 &buffer) const {
    const f32 kept = keep * buffer + fresh * gradient;
    parameter = parameter - rate * (nesterov ? gradient + f32(momentum) * kept : kept);
    buffer = kept;
  }
};

template <bool decoupled = false, f64 weight_decay = 0.0, f64 beta1 = 0.9, f64 beta2 = 0.999, f64 epsilon = 1e-8> struct Adam {
  static constexpr int states = 2, scalars = 0, sums = 0;
  f32 step_size, root, shrink;
  DTC_HOST_DEVICE Adam(f64 learning_rate, f64 step) {
    step_size = f32(learning_rate / (1.0 - pow(beta1, step)));
    root = f32(1.0 / sqrt(1.0 - pow(beta2, step)));
    shrink = f32(decoupled ? 1.0 - learning_rate * weight_decay : 1.0);
  }
  DTC_HOST_DEVICE void operator()(f32 &parameter, f32 gradient, f32 &m, f32 &v) const {
    const f32 old = parameter * shrink;
    const f32 decayed = gradient + f32(decoupled ? 0.0 : weight_decay) * old;
    const f32 new_m = m + f32(1.0 - beta1) * (decayed - m);
    const f32 new_v = f32(beta2) * v + f32(1.0 - beta2) * decayed * decayed;
    parameter = old - step_size * new_m / (sqrtf(new_v) * root + f32(epsilon));
    m = new_m;
    v = new_v;
  }
};

/// By the gradient's share of its norm; counts its steps in a scalar, by which it slows down. Reads its state for the sums.
struct Normed {
  static constexpr int states = 2, scalars = 1, sums = 2;
  f32 rate, scale;
  f64 learning_rate_of_step;
  DTC_HOST_DEVICE Normed(f64 learning_rate, f64) {
    learning_rate_of_step = learning_rate;
    rate = 0; // of_tensor knows it
    scale = 1;
  }
  DTC_HOST_DEVICE void summands(f32 parameter, f32 gradient, f32 m, f32 &square_of_m, f32 &square_of_parameter) const {
    const f32 new_m = 0.5f * m + gradient;
    square_of_m = new_m * new_m;
    square_of_parameter = parameter * parameter;
  }
  DTC_HOST_DEVICE void of_tensor(f64 &count, f64 square_of_m, f64 square_of_parameter) {
    const f64 new_count = count + 1.0;
    scale = f32(sqrt(square_of_parameter) / sqrt(square_of_m));
    rate = f32(learning_rate_of_step / new_count);
    count = new_count;
  }
  DTC_HOST_DEVICE void operator()(f32 &parameter, f32 gradient, f32 &m) const {
    const f32 new_m = 0.5f * m + gradient;
    parameter = parameter - rate * scale * new_m;
    m = new_m;
  }
};

} // namespace dtcrt::test
