// Mean and squared deviations, and the two sums of a normalisation's gradient, of many values: each thread takes runs of its own, measured
// from the run's first value, so that a variance that is small beside its mean stays exact; runs, threads and blocks are merged in f64
// (Chan, Golub & LeVeque 1983).
#pragma once

#include "cuda/Primitives.h"

namespace dtcrt::device {

/// What is known of some values: their number, mean, sum of squared deviations.
struct Moments {
  f64 count = 0, mean = 0, squares = 0;
};
/// The sums of dy and of dy (x - mean).
struct SlopeSums {
  f64 dy = 0, product = 0;
};

struct Merge {
  __device__ Moments operator()(const Moments &a, const Moments &b) const {
    const f64 count = a.count + b.count;
    if (count == 0)
      return a;
    const f64 distance = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + distance * share, a.squares + b.squares + distance * distance * a.count * share};
  }
  __device__ SlopeSums operator()(const SlopeSums &a, const SlopeSums &b) const { return {a.dy + b.dy, a.product + b.product}; }
};

/// The moments of values that come one after the other.
class RunningMoments {
public:
  __device__ void add(f32 value) {
    if (terms_ == 0)
      first_ = value;
    const f32 distance = value - first_;
    sum_ += distance;
    squares_ += distance * distance;
    if (++terms_ == 32)
      flush();
  }
  __device__ Moments part() {
    if (terms_ > 0)
      flush();
    return part_;
  }

private:
  __device__ void flush() {
    const f64 mean = static_cast<f64>(sum_) / terms_;
    const f64 deviations = squares_ - mean * sum_;
    part_ = Merge()(part_, {static_cast<f64>(terms_), first_ + mean, deviations < 0 ? 0.0 : deviations}); // NaN stays NaN
    terms_ = 0;
    sum_ = squares_ = 0;
  }
  Moments part_;
  f32 first_ = 0, sum_ = 0, squares_ = 0;
  int terms_ = 0;
};

/// The sums of slopes, each with its distance from the mean.
class RunningSlopes {
public:
  __device__ void add(f32 slope, f32 distance) {
    dy_ += slope;
    product_ += slope * distance;
    if (++terms_ == 32)
      flush();
  }
  __device__ SlopeSums part() {
    flush();
    return part_;
  }

private:
  __device__ void flush() {
    part_ = Merge()(part_, {dy_, product_});
    terms_ = 0;
    dy_ = product_ = 0;
  }
  SlopeSums part_;
  f32 dy_ = 0, product_ = 0;
  int terms_ = 0;
};

} // namespace dtcrt::device
