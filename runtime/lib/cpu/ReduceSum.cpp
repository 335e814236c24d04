// Sums over axes: whole rows, whole columns (bias gradients) and everything between, each in one pass over memory.
#include "cpu/Backend.h"
#include "dtcrt/movement.h"
#include "dtcrt/reduction.h"
#include "math/ReduceLoops.h"

#include <algorithm>
#include <vector>

namespace dtcrt {

namespace {

/// Terms that are added in f32; sums of such runs are added in f64, or in a second level of f32.
constexpr index run_length = 4096, run_rows = 256;

template <class T> f32 sum_run(const T *x, index size, index step) {
  f32 sum = 0;
#pragma omp simd reduction(+ : sum)
  for (index i = 0; i < size; ++i)
    sum += x[i * step];
  return sum;
}

/// The innermost dimension of x is summed: contiguous runs, shared between the threads by results or, when these are few, by runs.
template <class T> void sum_rows(Context &ctx, const T *x, f32 *y, const ReduceLoops &kept, const ReduceLoops &summed) {
  const index results = kept.product(), inner = summed.size.back(), outer = summed.product() / inner, step = summed.from.back();
  const index cuts = (inner + run_length - 1) / run_length, runs = outer * cuts;
  const int threads = threads_for(ctx, results * inner * outer);
  const auto sum_of = [&](const T *start, index run) {
    index offset, none;
    summed.at(run / cuts, 1, offset, none);
    const index begin = run % cuts * run_length;
    return static_cast<f64>(sum_run(start + offset + begin * step, std::min(run_length, inner - begin), step));
  };
  if (results >= threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (index result = 0; result < results; ++result) {
      index base, target;
      kept.at(result, 0, base, target);
      f64 total = 0;
      for (index run = 0; run < runs; ++run)
        total += sum_of(x + base, run);
      y[target] = static_cast<f32>(total);
    }
    return;
  }
  std::vector<f64> sums(static_cast<std::size_t>(runs));
  for (index result = 0; result < results; ++result) {
    index base, target;
    kept.at(result, 0, base, target);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (index run = 0; run < runs; ++run)
      sums[static_cast<std::size_t>(run)] = sum_of(x + base, run);
    f64 total = 0;
    for (f64 sum : sums)
      total += sum;
    y[target] = static_cast<f32>(total);
  }
}

/// The innermost dimension of x is kept: rows of x are added up. Threads share the summed rows when the kept part is small
/// (a bias gradient), each into its own row of sums; they are then added in thread order, so the result does not vary between runs.
template <class T> void sum_columns(Context &ctx, const T *x, f32 *y, const ReduceLoops &kept, const ReduceLoops &summed) {
  const index width = kept.size.back(), groups = kept.product() / width, step = kept.from.back(), y_step = kept.to.back();
  const index rows = summed.product();
  const int threads = threads_for(ctx, width * groups * rows);
  const int shares = groups >= 4 * threads ? 1 : threads;
  std::vector<f32> partial(static_cast<std::size_t>(groups * shares * width));
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index part = 0; part < groups * shares; ++part) {
    const index group = part / shares, share = part % shares;
    index base, target;
    kept.at(group, 1, base, target);
    f32 *sums = partial.data() + part * width;
    std::vector<f32> run(static_cast<std::size_t>(width));
    const index end = rows * (share + 1) / shares;
    for (index begin = rows * share / shares; begin < end; begin += run_rows) {
      std::fill(run.begin(), run.end(), 0.0f);
      for (index row = begin; row < std::min(begin + run_rows, end); ++row) {
        index offset, none;
        summed.at(row, 0, offset, none);
        const T *source = x + base + offset;
        f32 *into = run.data();
#pragma omp simd
        for (index i = 0; i < width; ++i)
          into[i] += source[i * step];
      }
      for (index i = 0; i < width; ++i)
        sums[i] += run[static_cast<std::size_t>(i)];
    }
  }
  for (index group = 0; group < groups; ++group) {
    index base, target;
    kept.at(group, 1, base, target);
    for (index i = 0; i < width; ++i) {
      f32 total = 0;
      for (int share = 0; share < shares; ++share)
        total += partial[static_cast<std::size_t>((group * shares + share) * width + i)];
      y[target + i * y_step] = total;
    }
  }
}

template <class T> void sum(Context &ctx, const Tensor<T> &x, const Tensor<f32> &y, const ReduceOptions &o) {
  const ReducePlan plan(x, y, o);
  if (y.size() == 0)
    return;
  if (x.size() == 0)
    return fill(ctx, y, 0);
  if (plan.innermost_kept())
    sum_columns(ctx, x.data(), y.data(), plan.kept, plan.summed);
  else if (plan.summed.size.empty()) // a single element
    *y.data() = *x.data();
  else
    sum_rows(ctx, x.data(), y.data(), plan.kept, plan.summed);
}

} // namespace

void reduce_sum(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const ReduceOptions &o) { sum(ctx, x, y, o); }
void reduce_sum(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &y, const ReduceOptions &o) { sum(ctx, x, y, o); }

} // namespace dtcrt
