// Elementwise passes: broadcast addition, activations.
#include "cpu/Elementwise.h"
#include "cpu/Backend.h"
#include "dtcrt/kernel.h"
#include "math/Activated.h"

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
template <Activation activation> void apply(Context &ctx, const Tensor<f32> &y, f32 alpha) {
  f32 *data = y.data();
  const index size = y.size();
#pragma omp parallel for simd schedule(static) num_threads(threads_for(ctx, size))
  for (index i = 0; i < size; ++i)
    data[i] = activated(data[i], activation, alpha);
}
} // namespace

void activate(Context &ctx, const Tensor<f32> &y, Activation activation, f32 alpha) {
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

} // namespace dtcrt
