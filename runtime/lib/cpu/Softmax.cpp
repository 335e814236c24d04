// Softmax and log-softmax along any axis of any layout.
#include "cpu/Backend.h"
#include "dtcrt/kernel.h"
#include "dtcrt/reduction.h"
#include "math/Rows.h"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace dtcrt {

namespace {

/// X and Y: f32 or bf16.
template <bool logarithm, class X, class Y> void run(Context &ctx, const char *call, const Tensor<X> &x, const Tensor<Y> &y, int axis) {
  require(x.shape() == y.shape() && x.rank() > 0, call, "input and output have one shape");
  const Rows rows(x, axis), out_rows(y, axis);
  const index classes = rows.length, in_step = rows.step, out_step = out_rows.step;
  if (x.size() == 0)
    return;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, x.size(), 4096))
  for (index row = 0; row < rows.count; ++row) {
    const X *in = rows.at(row);
    Y *out = out_rows.at(row);
    f32 largest = -std::numeric_limits<f32>::infinity();
    for (index c = 0; c < classes; ++c)
      largest = std::max<f32>(largest, in[c * in_step]);
    f32 total = 0;
    if constexpr (logarithm) {
#pragma omp simd reduction(+ : total)
      for (index c = 0; c < classes; ++c)
        total += expf(in[c * in_step] - largest);
      const f32 shift = largest + logf(total);
#pragma omp simd
      for (index c = 0; c < classes; ++c)
        out[c * out_step] = Y(in[c * in_step] - shift);
    } else if constexpr (std::is_same_v<Y, f32>) {
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
    } else { // the exponential again, rather than rounded twice
#pragma omp simd reduction(+ : total)
      for (index c = 0; c < classes; ++c)
        total += expf(in[c * in_step] - largest);
      const f32 factor = 1 / total;
#pragma omp simd
      for (index c = 0; c < classes; ++c)
        out[c * out_step] = Y(expf(in[c * in_step] - largest) * factor);
    }
  }
}

} // namespace

#define DTCRT_SOFTMAX(X, Y)                                                                                                            \
  void softmax(Context &ctx, const Tensor<X> &x, const Tensor<Y> &y, const SoftmaxOptions &o) {                                       \
    run<false>(ctx, "softmax", x, y, o.axis);                                                                                          \
  }                                                                                                                                    \
  void log_softmax(Context &ctx, const Tensor<X> &x, const Tensor<Y> &y, const SoftmaxOptions &o) {                                   \
    run<true>(ctx, "log_softmax", x, y, o.axis);                                                                                       \
  }
DTCRT_SOFTMAX(f32, f32)
DTCRT_SOFTMAX(bf16, bf16)
DTCRT_SOFTMAX(bf16, f32)
#undef DTCRT_SOFTMAX

} // namespace dtcrt
