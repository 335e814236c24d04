// How a running statistic moves: a formula as those of optimizers (dtcrt/update.h).
#pragma once

#include "dtcrt/normalisation.h"
#include "dtcrt/update.h"

#include <vector>

namespace dtcrt {

struct RunningAverage {
  static constexpr int states = 0, scalars = 0, sums = 0;
  f32 momentum;

  explicit RunningAverage(const RunningAverageOptions &o) : momentum(static_cast<f32>(o.momentum)) {}
  DTC_HOST_DEVICE void operator()(f32 &average, f32 value) const { average += momentum * (value - average); }
};

} // namespace dtcrt
