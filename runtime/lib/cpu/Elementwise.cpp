// Elementwise passes: broadcast addition, activations.
#include "cpu/Elementwise.h"
#include "cpu/Lines.h"
#include "core/Require.h"
#include "dtcrt/kernel.h"
#include "math/Activated.h"

#include <algorithm>
#include <type_traits>
#include <vector>

namespace dtcrt {

void add_broadcast(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &x) {
  const int rank = y.rank(), lead = rank - x.rank();
  require(lead >= 0, "broadcast addition", "the addend has no more dimensions than the sum");
  if (y.size() == 0)
    return;
  Dims steps = Dims::repeat(rank, 0);
  for (int i = lead; i < rank; ++i)
    if (x.dim(i - lead) != 1) {
      require(x.dim(i - lead) == y.dim(i), "broadcast addition", "sizes agree or are 1");
      steps[i] = x.strides()[i - lead];
    }
  const index inner = rank ? y.dim(rank - 1) : 1, rows = y.size() / inner;
  const index y_step = rank ? y.strides()[rank - 1] : 1, x_step = rank ? steps[rank - 1] : 0;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, y.size()))
  for (index row = 0; row < rows; ++row) {
    f32 *out = y.data();
    const f32 *in = x.data();
    index rest = row;
    for (int i = rank - 2; i >= 0; --i) {
      out += rest % y.dim(i) * y.strides()[i];
      in += rest % y.dim(i) * steps[i];
      rest /= y.dim(i);
    }
    for (index i = 0; i < inner; ++i)
      out[i * y_step] += in[i * x_step];
  }
}

namespace {
template <Activation activation, class T> void apply(Context &ctx, const Tensor<T> &y, f32 alpha) {
  const Lines<T> lines(y);
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, y.size()))
  for (index number = 0; number < lines.count(); ++number) {
    const std::span<T> line = lines[number];
    T *data = line.data();
    const auto length = static_cast<index>(line.size());
#pragma omp simd
    for (index i = 0; i < length; ++i)
      data[i] = T(activated(data[i], activation, alpha));
  }
}
} // namespace

template <class T> void activate(Context &ctx, const Tensor<T> &y, Activation activation, f32 alpha) {
  switch (activation) {
  case Activation::none: return;
  case Activation::relu: return apply<Activation::relu>(ctx, y, alpha);
  case Activation::leaky_relu: return apply<Activation::leaky_relu>(ctx, y, alpha);
  case Activation::elu: return apply<Activation::elu>(ctx, y, alpha);
  case Activation::sigmoid: return apply<Activation::sigmoid>(ctx, y, alpha);
  case Activation::tanh: return apply<Activation::tanh>(ctx, y, alpha);
  case Activation::gelu: return apply<Activation::gelu>(ctx, y, alpha);
  case Activation::gelu_tanh: return apply<Activation::gelu_tanh>(ctx, y, alpha);
  }
}
template void activate(Context &, const Tensor<f32> &, Activation, f32);
template void activate(Context &, const Tensor<bf16> &, Activation, f32);

namespace {
/// Rows whose values are added in one run; the runs are then added up.
constexpr index run_rows = 256;

/// Threads share the rows, each with its own sums, which are added in thread order.
template <Activation activation, bool summed, class T> void take(Context &ctx, const Tensor<T> &y, const Tensor<T> &x, f32 *sums) {
  const index width = y.dim(y.rank() - 1), rows = width ? y.size() / width : 0;
  const int threads = threads_for(ctx, y.size());
  const index shares = std::clamp<index>(rows, 1, threads);
  std::vector<f32> partial(summed ? static_cast<std::size_t>(2 * shares * width) : 0);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index share = 0; share < shares; ++share) {
    f32 *total = partial.data() + (summed ? 2 * share * width : 0), *run = total + (summed ? width : 0);
    const index end = rows * (share + 1) / shares;
    for (index begin = rows * share / shares; begin < end; begin += run_rows) {
      for (index row = begin; row < std::min(begin + run_rows, end); ++row) {
        T *out = y.data() + row * width;
        const T *at = x.data() + row * width;
#pragma omp simd
        for (index i = 0; i < width; ++i) {
          const f32 value = activation_gradient(static_cast<f32>(out[i]), static_cast<f32>(at[i]), activation);
          out[i] = T(value);
          if constexpr (summed)
            run[i] += value;
        }
      }
      if constexpr (summed)
        for (index i = 0; i < width; ++i) {
          total[i] += run[i];
          run[i] = 0;
        }
    }
  }
  if constexpr (summed) {
    std::fill_n(sums, width, 0.0f);
    for (index share = 0; share < shares; ++share)
      for (index i = 0; i < width; ++i)
        sums[i] += partial[static_cast<std::size_t>(2 * share * width + i)];
  }
}
} // namespace

template <class T> void take_gradient(Context &ctx, const Tensor<T> &y, const Tensor<T> &x, Activation activation, f32 *sums) {
  const auto with = [&]<Activation known>(std::integral_constant<Activation, known>) {
    sums ? take<known, true>(ctx, y, x, sums) : take<known, false>(ctx, y, x, sums);
  };
  if (activation == relu)
    with(std::integral_constant<Activation, relu>());
  else if (activation == gelu_tanh)
    with(std::integral_constant<Activation, gelu_tanh>());
  else
    with(std::integral_constant<Activation, gelu>());
}
template void take_gradient(Context &, const Tensor<f32> &, const Tensor<f32> &, Activation, f32 *);
template void take_gradient(Context &, const Tensor<bf16> &, const Tensor<bf16> &, Activation, f32 *);

} // namespace dtcrt
