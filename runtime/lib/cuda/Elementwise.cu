// Elementwise passes: broadcast addition, activations.
#include "math/Elementwise.h"
#include "core/Require.h"
#include "cuda/Primitives.h"
#include "math/Activated.h"
#include "math/CopyLoops.h"

namespace dtcrt {

namespace {

using namespace device;

template <class I> __global__ void add_elements(const f32 *x, f32 *y, CopyLoops loops, I count) {
  for (I i = first_item<I>(); i < count; i += item_step<I>()) {
    I rest = i;
    index from = 0, to = 0;
    for (int d = loops.count - 1; d >= 0; --d) {
      const I size = static_cast<I>(loops.size[d]), at = rest % size;
      rest /= size;
      from += static_cast<index>(at) * loops.from[d];
      to += static_cast<index>(at) * loops.to[d];
    }
    y[to] += x[from];
  }
}

template <Activation activation, int count> __global__ void activate_packs(f32 *y, index packs, f32 alpha) {
  for (index i = first_item<index>(); i < packs; i += item_step<index>()) {
    Pack<f32, count> pack = load<count>(y + i * count);
    for (int j = 0; j < count; ++j)
      pack[j] = activated(pack[j], activation, alpha);
    store(y + i * count, pack);
  }
}

template <Activation activation> void apply(Context &ctx, const Tensor<f32> &y, f32 alpha) {
  const index size = y.size();
  if (size == 0)
    return;
  if (packs<4, f32>({y.data()}, {size}))
    launch(ctx, activate_packs<activation, 4>, blocks_for(ctx, size / 4), block_threads, y.data(), size / 4, alpha);
  else
    launch(ctx, activate_packs<activation, 1>, blocks_for(ctx, size), block_threads, y.data(), size, alpha);
}

} // namespace

void add_broadcast(Context &ctx, const Tensor<f32> &y, const Tensor<f32> &x) {
  const int rank = y.rank(), lead = rank - x.rank();
  require(lead >= 0, "broadcast addition", "the addend has no more dimensions than the sum");
  const index elements = y.size();
  if (elements == 0)
    return;
  Dims steps = Dims::repeat(rank, 0);
  for (int i = lead; i < rank; ++i)
    if (x.dim(i - lead) != 1) {
      require(x.dim(i - lead) == y.dim(i), "broadcast addition", "sizes agree or are 1");
      steps[i] = x.strides()[i - lead];
    }
  const CopyLoops loops = make_copy_loops(y.shape(), steps, y.strides());
  with_counter(elements, [&](auto counter) {
    using I = decltype(counter);
    launch(ctx, add_elements<I>, blocks_for(ctx, elements), block_threads, x.data(), y.data(), loops, static_cast<I>(elements));
  });
}

void activate(Context &ctx, const Tensor<f32> &y, Activation activation, f32 alpha) {
  switch (activation) {
  case Activation::none: return;
  case Activation::relu: return apply<Activation::relu>(ctx, y, alpha);
  case Activation::leaky_relu: return apply<Activation::leaky_relu>(ctx, y, alpha);
  case Activation::elu: return apply<Activation::elu>(ctx, y, alpha);
  case Activation::sigmoid: return apply<Activation::sigmoid>(ctx, y, alpha);
  case Activation::tanh: return apply<Activation::tanh>(ctx, y, alpha);
  }
}

} // namespace dtcrt
