// Softmax and log-softmax along any axis of any layout.
#include "cpu/Backend.h"
#include "dtcrt/kernel.h"
#include "dtcrt/reduction.h"
#include "math/Rows.h"

#include <algorithm>
#include <limits>

namespace dtcrt {

namespace {

template <bool logarithm> void run(Context &ctx, const char *call, const Tensor<f32> &x, const Tensor<f32> &y, int axis) {
  require(x.shape() == y.shape() && x.rank() > 0, call, "input and output have one shape");
  const Rows rows(x, axis), out_rows(y, axis);
  const index classes = rows.length, in_step = rows.step, out_step = out_rows.step;
  if (x.size() == 0)
    return;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, x.size(), 4096))
  for (index row = 0; row < rows.count; ++row) {
    const f32 *in = rows.at(row);
    f32 *out = out_rows.at(row);
    f32 largest = -std::numeric_limits<f32>::infinity();
    for (index c = 0; c < classes; ++c)
      largest = std::max(largest, in[c * in_step]);
    f32 total = 0;
    if constexpr (logarithm) {
#pragma omp simd reduction(+ : total)
      for (index c = 0; c < classes; ++c)
        total += expf(in[c * in_step] - largest);
      const f32 shift = largest + logf(total);
#pragma omp simd
      for (index c = 0; c < classes; ++c)
        out[c * out_step] = in[c * in_step] - shift;
    } else {
#pragma omp simd reduction(+ : total)
      for (index c = 0; c < classes; ++c) {
        const f32 e = expf(in[c * in_step] - largest);
        out[c * out_step] = e;
        total += e;
      }
      const f32 factor = 1 / total;
#pragma omp simd
      for (index c = 0; c < classes; ++c)
        out[c * out_step] *= factor;
    }
  }
}

} // namespace

void softmax(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const SoftmaxOptions &o) {
  run<false>(ctx, "softmax", x, y, o.axis);
}
void log_softmax(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const SoftmaxOptions &o) {
  run<true>(ctx, "log_softmax", x, y, o.axis);
}

} // namespace dtcrt
