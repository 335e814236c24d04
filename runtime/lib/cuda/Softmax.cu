// Softmax and log-softmax along any axis of any layout: a row is read once for its maximum and its sum, and once to be written.
#include "cuda/ClassRows.h"
#include "dtcrt/reduction.h"

namespace dtcrt {

namespace {

using namespace device;

template <int lanes, int count, bool logarithm, class X, class Y> __global__ void softmax_rows(Rows<X> x, Rows<Y> y) {
  constexpr index teams = block_threads / lanes;
  for (index row = blockIdx.x * teams + threadIdx.x / lanes; row < x.count; row += gridDim.x * teams) {
    const X *in = row_at(x, row);
    Y *out = row_at(y, row);
    const Exponentials e = exponentials<lanes, count>(in, x.length, x.step);
    const f32 shift = e.largest + logf(e.sum), factor = 1 / e.sum;
    for_classes<lanes, count>(in, x.length, x.step, [&](index c, const Pack<X, count> &values) {
      Pack<Y, count> result;
      for (int i = 0; i < count; ++i)
        result[i] = logarithm ? Y(values[i] - shift) : Y(expf(values[i] - e.largest) * factor);
      if constexpr (count == 1)
        out[c * y.step] = result[0];
      else
        store(out + c, result);
    });
  }
}

template <bool logarithm, class X, class Y> void run(Context &ctx, const char *call, const Tensor<X> &x, const Tensor<Y> &y, int axis) {
  require(x.shape() == y.shape() && x.rank() > 0, call, "input and output have one shape");
  const Rows<X> in(x, axis);
  const Rows<Y> out(y, axis);
  if (x.size() == 0)
    return;
  constexpr int pack = std::min(pack_size<X>, pack_size<Y>);
  with_team<pack>(in.length, in.step == 1 && out.step == 1, rows_in_packs<pack>(in) && rows_in_packs<pack>(out), [&](auto lanes, auto count) {
    launch(ctx, softmax_rows<lanes.value, count.value, logarithm, X, Y>, blocks_for(ctx, in.count * lanes.value), block_threads, in, out);
  });
}

} // namespace

#define DTCRT_SOFTMAX(X, Y)                                                                                                            \
  void softmax(Context &ctx, const Tensor<X> &x, const Tensor<Y> &y, const SoftmaxOptions &o) { run<false>(ctx, "softmax", x, y, o.axis); } \
  void log_softmax(Context &ctx, const Tensor<X> &x, const Tensor<Y> &y, const SoftmaxOptions &o) {                                    \
    run<true>(ctx, "log_softmax", x, y, o.axis);                                                                                       \
  }
DTCRT_SOFTMAX(f32, f32)
DTCRT_SOFTMAX(bf16, bf16)
DTCRT_SOFTMAX(bf16, f32)
#undef DTCRT_SOFTMAX

} // namespace dtcrt
