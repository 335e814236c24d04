// Bias and activation in one pass over the result: each thread takes 16 bytes of neighbours at a time, if their biases are one run. The
// activation is the same in every thread, and the memory takes longer than to look at it.
#include "cuda/Epilogue.h"
#include "core/Require.h"
#include "cuda/Locate.h"
#include "cuda/Primitives.h"
#include "math/Activated.h"

namespace dtcrt {

namespace {

using namespace device;

/// `loops`: where the bias of a value lies, by the value's position in y's memory. A pack does not cross the innermost loop.
template <bool has_bias, int count, class T, class I>
__global__ void epilogue(T *y, const T *bias, I packs, CopyLoops loops, Activation activation, f32 alpha) {
  for (I i = first_item<I>(); i < packs; i += item_step<I>()) {
    const index position = static_cast<index>(i) * count;
    Pack<T, count> pack = load<count>(y + position);
    index at = 0, step = 0;
    if constexpr (has_bias) {
      index own;
      locate(loops, static_cast<I>(position), at, own);
      step = loops.count > 0 ? loops.from[loops.count - 1] : 0;
    }
    for (int j = 0; j < count; ++j) {
      f32 value = static_cast<f32>(pack[j]);
      if constexpr (has_bias)
        value += static_cast<f32>(bias[at + j * step]);
      pack[j] = static_cast<T>(activated(value, activation, alpha));
    }
    store(y + position, pack);
  }
}

/// The bias as the source of a copy to y.
template <class T> CopyLoops loops_of(const Tensor<T> &y, const Tensor<T> &bias) {
  const int lead = y.rank() - bias.rank();
  require(lead >= 0, "bias", "it has no more dimensions than the result");
  Dims steps = Dims::repeat(y.rank(), 0);
  for (int i = lead; i < y.rank(); ++i)
    if (bias.dim(i - lead) != 1) {
      require(bias.dim(i - lead) == y.dim(i), "bias", "sizes agree with the result's or are 1");
      steps[i] = bias.strides()[i - lead];
    }
  return make_copy_loops(y.shape(), steps, y.strides());
}

template <bool has_bias, class T> void run(Context &ctx, const Tensor<T> &y, const Tensor<T> &bias, Activation activation, f32 alpha) {
  const CopyLoops loops = has_bias ? loops_of(y, bias) : CopyLoops();
  const index size = y.size(), run = loops.count > 0 ? loops.size[loops.count - 1] : size;
  with_counter(size, [&](auto counter) {
    using I = decltype(counter);
    const auto start = [&](auto count) {
      const index items = size / count.value;
      launch(ctx, epilogue<has_bias, count.value, T, I>, blocks_for(ctx, items), block_threads, y.data(), bias.data(), static_cast<I>(items), loops,
             activation, alpha);
    };
    if (packs<pack_size<T>, T>({y.data()}, {size, run}))
      start(std::integral_constant<int, pack_size<T>>());
    else
      start(std::integral_constant<int, 1>());
  });
}

template <int count, class T, class I> __global__ void times_derivative(T *y, const T *x, I packs, Activation activation) {
  for (I i = first_item<I>(); i < packs; i += item_step<I>()) {
    const index position = static_cast<index>(i) * count;
    Pack<T, count> pack = load<count>(y + position);
    Pack<T, count> at = load<count>(x + position);
    for (int j = 0; j < count; ++j)
      pack[j] = static_cast<T>(activation_gradient(static_cast<f32>(pack[j]), static_cast<f32>(at[j]), activation));
    store(y + position, pack);
  }
}

} // namespace

template <class T> void take_gradient(Context &ctx, const Tensor<T> &y, const Tensor<T> &x, Activation activation) {
  const index size = y.size();
  with_counter(size, [&](auto counter) {
    using I = decltype(counter);
    const auto start = [&](auto count) {
      const index items = size / count.value;
      launch(ctx, times_derivative<count.value, T, I>, blocks_for(ctx, items), block_threads, y.data(), x.data(), static_cast<I>(items), activation);
    };
    if (packs<pack_size<T>, T>({y.data(), x.data()}, {size}))
      start(std::integral_constant<int, pack_size<T>>());
    else
      start(std::integral_constant<int, 1>());
  });
}

template void take_gradient(Context &, const Tensor<f32> &, const Tensor<f32> &, Activation);
template void take_gradient(Context &, const Tensor<bf16> &, const Tensor<bf16> &, Activation);

template <class T> void add_bias_and_activate(Context &ctx, const Tensor<T> &y, const Tensor<T> &bias, Activation activation, f32 alpha) {
  if (y.size() == 0 || (!bias && activation == Activation::none))
    return;
  require(y.is_dense(), "bias and activation", "the result is dense");
  bias ? run<true>(ctx, y, bias, activation, alpha) : run<false>(ctx, y, bias, activation, alpha);
}

template void add_bias_and_activate(Context &, const Tensor<f32> &, const Tensor<f32> &, Activation, f32);
template void add_bias_and_activate(Context &, const Tensor<bf16> &, const Tensor<bf16> &, Activation, f32);

void fill_with_nan(Context &ctx, void *memory, std::size_t bytes) { check(cudaMemsetAsync(memory, 0xFF, bytes, stream(ctx)), "fill memory"); }

template <class T> bool becomes_nan(Context &ctx, const T *at) {
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream(ctx), &capture), "look at a stream");
  if (capture != cudaStreamCaptureStatusNone)
    return false;
  T value{};
  check(cudaMemcpyAsync(&value, at, sizeof value, cudaMemcpyDeviceToHost, stream(ctx)), "read a result");
  check(cudaStreamSynchronize(stream(ctx)), "compute");
  return isnan(static_cast<f32>(value));
}

template bool becomes_nan(Context &, const f32 *);
template bool becomes_nan(Context &, const bf16 *);

} // namespace dtcrt
