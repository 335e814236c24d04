// Optimizer updates: one pass that reads gradient, parameter and state and writes parameter and state.
#include "dtcrt/optimizer.h"
#include "cpu/Backend.h"

#include <cmath>

namespace dtcrt {

namespace {

index checked(const char *call, const Tensor<f32> &parameter, std::initializer_list<const Tensor<f32> *> others) {
  for (const Tensor<f32> *other : others)
    require(parameter.is_dense() && other->strides() == parameter.strides() && other->shape() == parameter.shape(), call,
            "parameter, gradient and state have one shape and layout");
  return parameter.size();
}

struct SgdFactors {
  f32 lr, momentum, decay, fresh;
  bool nesterov;
};

SgdFactors factors(const SgdOptions &o) {
  return {static_cast<f32>(o.lr), static_cast<f32>(o.momentum), static_cast<f32>(o.weight_decay), static_cast<f32>(1 - o.dampening),
          o.nesterov};
}

void sgd_with_momentum(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum, bool first,
                       const SgdOptions &o) {
  const index size = checked("sgd_update", parameter, {&gradient, &momentum});
  SgdFactors f = factors(o);
  if (first) { // the buffer begins as the gradient, undamped
    f.fresh = 1;
  }
  const f32 keep = first ? 0 : f.momentum;
  f32 *p = parameter.data(), *b = momentum.data();
  const f32 *g = gradient.data();
#pragma omp parallel for simd schedule(static) num_threads(threads_for(ctx, size))
  for (index i = 0; i < size; ++i) {
    const f32 d = g[i] + f.decay * p[i];
    const f32 kept = keep == 0 ? f.fresh * d : keep * b[i] + f.fresh * d;
    b[i] = kept;
    p[i] -= f.lr * (f.nesterov ? d + f.momentum * kept : kept);
  }
  ctx.parameter_changed(parameter.data());
}

} // namespace

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const SgdOptions &o) {
  require(o.momentum == 0, "sgd_update", "momentum needs a buffer");
  const index size = checked("sgd_update", parameter, {&gradient});
  const SgdFactors f = factors(o);
  f32 *p = parameter.data();
  const f32 *g = gradient.data();
#pragma omp parallel for simd schedule(static) num_threads(threads_for(ctx, size))
  for (index i = 0; i < size; ++i)
    p[i] -= f.lr * (g[i] + f.decay * p[i]);
  ctx.parameter_changed(parameter.data());
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum, const SgdOptions &o) {
  require(o.dampening == 0, "sgd_update", "dampening needs the step, which it skips the first time");
  sgd_with_momentum(ctx, parameter, gradient, momentum, false, o);
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum,
                const Tensor<i64> &step, const SgdOptions &o) {
  sgd_with_momentum(ctx, parameter, gradient, momentum, *step.data() == 1, o);
}

void adam_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &m, const Tensor<f32> &v,
                 const Tensor<i64> &step, const AdamOptions &o) {
  const index size = checked("adam_update", parameter, {&gradient, &m, &v});
  const f64 t = static_cast<f64>(*step.data());
  const f64 correction1 = 1 - std::pow(o.beta1, t), correction2 = 1 - std::pow(o.beta2, t);
  const f32 step_size = static_cast<f32>(o.lr / correction1), root = static_cast<f32>(1 / std::sqrt(correction2));
  const f32 epsilon = static_cast<f32>(o.epsilon), fresh1 = static_cast<f32>(1 - o.beta1);
  const f32 keep2 = static_cast<f32>(o.beta2), fresh2 = static_cast<f32>(1 - o.beta2);
  const f32 decay = o.decoupled ? 0 : static_cast<f32>(o.weight_decay);
  const f32 shrink = o.decoupled ? static_cast<f32>(1 - o.lr * o.weight_decay) : 1;
  f32 *p = parameter.data(), *first = m.data(), *second = v.data();
  const f32 *g = gradient.data();
#pragma omp parallel for simd schedule(static) num_threads(threads_for(ctx, size))
  for (index i = 0; i < size; ++i) {
    const f32 old = p[i] * shrink, d = g[i] + decay * old;
    const f32 mean = first[i] + fresh1 * (d - first[i]);
    const f32 square = keep2 * second[i] + fresh2 * d * d;
    first[i] = mean;
    second[i] = square;
    p[i] = old - step_size * mean / (std::sqrt(square) * root + epsilon);
  }
  ctx.parameter_changed(parameter.data());
}

} // namespace dtcrt
