// Updates: one pass that reads gradient, parameter and state and writes parameter and state.
#include "dtcrt/optimizer.h"
#include "cpu/Backend.h"
#include "math/Updates.h"

#include <omp.h>

namespace dtcrt {

namespace {

/// Calls `update(tensors, begin, end)` so that every element of every tensor is in one range: one parallel region, in which
/// each thread has an equal part of all elements, whichever tensors they are of.
template <class Tensors, class Update> void for_each_range(Context &ctx, std::initializer_list<Tensors> list, Update update) {
  constexpr index line = 16; // f32 in a cache line, which no two threads should write
  index lines = 0, elements = 0;
  for (const Tensors &tensors : list) {
    lines += (updated(tensors).size() + line - 1) / line;
    elements += updated(tensors).size();
  }
#pragma omp parallel num_threads(threads_for(ctx, elements))
  {
    const index threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const index first = lines * thread / threads * line, last = lines * (thread + 1) / threads * line;
    index before = 0;
    for (const Tensors &tensors : list) {
      const index size = updated(tensors).size();
      const index begin = std::max<index>(first - before, 0), end = std::min(last - before, size);
      if (begin < end)
        update(tensors, begin, end);
      before += (size + line - 1) / line * line;
    }
  }
  for (const Tensors &tensors : list)
    ctx.parameter_changed(updated(tensors).data());
}

void sgd(Context &ctx, std::initializer_list<SgdTensors> list, const SgdOptions &o) {
  for (const SgdTensors &tensors : list)
    check_update("sgd_update", tensors.parameter, {&tensors.gradient});
  for_each_range(ctx, list, [update = SgdUpdate(o)](const SgdTensors &tensors, index begin, index end) {
    f32 *p = tensors.parameter.data();
    const f32 *g = tensors.gradient.data();
#pragma omp simd
    for (index i = begin; i < end; ++i)
      update(p[i], g[i]);
  });
}

void sgd_with_momentum(Context &ctx, std::initializer_list<SgdTensors> list, bool first, const SgdOptions &o) {
  for (const SgdTensors &tensors : list)
    check_update("sgd_update", tensors.parameter, {&tensors.gradient, &tensors.momentum});
  for_each_range(ctx, list, [update = MomentumUpdate(o, first)](const SgdTensors &tensors, index begin, index end) {
    f32 *p = tensors.parameter.data(), *b = tensors.momentum.data();
    const f32 *g = tensors.gradient.data();
#pragma omp simd
    for (index i = begin; i < end; ++i)
      update(p[i], g[i], b[i]);
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

void adam_update(Context &ctx, std::initializer_list<AdamTensors> list, const Tensor<i64> &step, const AdamOptions &o) {
  for (const AdamTensors &tensors : list)
    check_update("adam_update", tensors.parameter, {&tensors.gradient, &tensors.m, &tensors.v});
  for_each_range(ctx, list, [update = AdamUpdate(o, *step.data())](const AdamTensors &tensors, index begin, index end) {
    f32 *p = tensors.parameter.data(), *m = tensors.m.data(), *v = tensors.v.data();
    const f32 *g = tensors.gradient.data();
#pragma omp simd
    for (index i = begin; i < end; ++i)
      update(p[i], g[i], m[i], v[i]);
  });
}

void running_average_update(Context &ctx, std::initializer_list<RunningAverageTensors> list, const RunningAverageOptions &o) {
  for (const RunningAverageTensors &tensors : list)
    check_update("running_average_update", tensors.average, {&tensors.value});
  for_each_range(ctx, list, [update = RunningAverageUpdate(o)](const RunningAverageTensors &tensors, index begin, index end) {
    f32 *average = tensors.average.data();
    const f32 *value = tensors.value.data();
#pragma omp simd
    for (index i = begin; i < end; ++i)
      update(average[i], value[i]);
  });
}

} // namespace dtcrt
