// Optimizer updates: one pass that reads gradient, parameter and state and writes parameter and state.
#include "dtcrt/optimizer.h"
#include "cpu/Backend.h"

#include <omp.h>

#include <cmath>

namespace dtcrt {

namespace {

void check(const char *call, const Tensor<f32> &parameter, std::initializer_list<const Tensor<f32> *> others) {
  for (const Tensor<f32> *other : others)
    require(parameter.is_dense() && other->strides() == parameter.strides() && other->shape() == parameter.shape(), call,
            "parameter, gradient and state have one shape and layout");
}

/// Calls `update(tensors, begin, end)` so that every element of every parameter is in one range: one parallel region, in which
/// each thread has an equal part of all elements, whichever tensors they are of.
template <class Tensors, class Update> void for_each_range(Context &ctx, std::initializer_list<Tensors> list, Update update) {
  constexpr index line = 16; // f32 in a cache line, which no two threads should write
  index lines = 0, elements = 0;
  for (const Tensors &tensors : list) {
    lines += (tensors.parameter.size() + line - 1) / line;
    elements += tensors.parameter.size();
  }
#pragma omp parallel num_threads(threads_for(ctx, elements))
  {
    const index threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const index first = lines * thread / threads * line, last = lines * (thread + 1) / threads * line;
    index before = 0;
    for (const Tensors &tensors : list) {
      const index size = tensors.parameter.size();
      const index begin = std::max<index>(first - before, 0), end = std::min(last - before, size);
      if (begin < end)
        update(tensors, begin, end);
      before += (size + line - 1) / line * line;
    }
  }
  for (const Tensors &tensors : list)
    ctx.parameter_changed(tensors.parameter.data());
}

void sgd(Context &ctx, std::initializer_list<SgdTensors> list, const SgdOptions &o) {
  for (const SgdTensors &tensors : list)
    check("sgd_update", tensors.parameter, {&tensors.gradient});
  const f32 lr = static_cast<f32>(o.lr), decay = static_cast<f32>(o.weight_decay);
  for_each_range(ctx, list, [=](const SgdTensors &tensors, index begin, index end) {
    f32 *p = tensors.parameter.data();
    const f32 *g = tensors.gradient.data();
#pragma omp simd
    for (index i = begin; i < end; ++i)
      p[i] -= lr * (g[i] + decay * p[i]);
  });
}

void sgd_with_momentum(Context &ctx, std::initializer_list<SgdTensors> list, bool first, const SgdOptions &o) {
  for (const SgdTensors &tensors : list)
    check("sgd_update", tensors.parameter, {&tensors.gradient, &tensors.momentum});
  const f32 lr = static_cast<f32>(o.lr), decay = static_cast<f32>(o.weight_decay), momentum = static_cast<f32>(o.momentum);
  // The buffer begins as the gradient, undamped.
  const f32 fresh = first ? 1 : static_cast<f32>(1 - o.dampening), keep = first ? 0 : momentum;
  const bool nesterov = o.nesterov;
  for_each_range(ctx, list, [=](const SgdTensors &tensors, index begin, index end) {
    f32 *p = tensors.parameter.data(), *b = tensors.momentum.data();
    const f32 *g = tensors.gradient.data();
#pragma omp simd
    for (index i = begin; i < end; ++i) {
      const f32 d = g[i] + decay * p[i];
      const f32 kept = keep == 0 ? fresh * d : keep * b[i] + fresh * d;
      b[i] = kept;
      p[i] -= lr * (nesterov ? d + momentum * kept : kept);
    }
  });
}

} // namespace

void sgd_update(Context &ctx, std::initializer_list<SgdTensors> list, const SgdOptions &o) {
  const bool momentum = list.size() && list.begin()->momentum;
  require(momentum || o.momentum == 0, "sgd_update", "momentum needs a buffer");
  require(!momentum || o.dampening == 0, "sgd_update", "dampening needs the step, which it skips the first time");
  momentum ? sgd_with_momentum(ctx, list, false, o) : sgd(ctx, list, o);
}

void sgd_update(Context &ctx, std::initializer_list<SgdTensors> list, const Tensor<i64> &step, const SgdOptions &o) {
  sgd_with_momentum(ctx, list, *step.data() == 1, o);
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const SgdOptions &o) {
  sgd_update(ctx, {{parameter, gradient}}, o);
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum, const SgdOptions &o) {
  sgd_update(ctx, {{parameter, gradient, momentum}}, o);
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum,
                const Tensor<i64> &step, const SgdOptions &o) {
  sgd_update(ctx, {{parameter, gradient, momentum}}, step, o);
}

void adam_update(Context &ctx, std::initializer_list<AdamTensors> list, const Tensor<i64> &step, const AdamOptions &o) {
  for (const AdamTensors &tensors : list)
    check("adam_update", tensors.parameter, {&tensors.gradient, &tensors.m, &tensors.v});
  const f64 t = static_cast<f64>(*step.data());
  const f64 correction1 = 1 - std::pow(o.beta1, t), correction2 = 1 - std::pow(o.beta2, t);
  const f32 step_size = static_cast<f32>(o.lr / correction1), root = static_cast<f32>(1 / std::sqrt(correction2));
  const f32 epsilon = static_cast<f32>(o.epsilon), fresh1 = static_cast<f32>(1 - o.beta1);
  const f32 keep2 = static_cast<f32>(o.beta2), fresh2 = static_cast<f32>(1 - o.beta2);
  const f32 decay = o.decoupled ? 0 : static_cast<f32>(o.weight_decay);
  const f32 shrink = o.decoupled ? static_cast<f32>(1 - o.lr * o.weight_decay) : 1;
  for_each_range(ctx, list, [=](const AdamTensors &tensors, index begin, index end) {
    f32 *p = tensors.parameter.data(), *first = tensors.m.data(), *second = tensors.v.data();
    const f32 *g = tensors.gradient.data();
#pragma omp simd
    for (index i = begin; i < end; ++i) {
      const f32 old = p[i] * shrink, d = g[i] + decay * old;
      const f32 mean = first[i] + fresh1 * (d - first[i]);
      const f32 square = keep2 * second[i] + fresh2 * d * d;
      first[i] = mean;
      second[i] = square;
      p[i] = old - step_size * mean / (std::sqrt(square) * root + epsilon);
    }
  });
}

void adam_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &m, const Tensor<f32> &v,
                 const Tensor<i64> &step, const AdamOptions &o) {
  adam_update(ctx, {{parameter, gradient, m, v}}, step, o);
}

} // namespace dtcrt
