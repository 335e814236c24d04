// bf16 to f32, into another layout at the same time: neighbours in the result are read wherever they lie. For gradients of filters, which
// are small beside what they are summed over.
#include "cuda/Widen.h"
#include "core/Require.h"
#include "cuda/Locate.h"
#include "cuda/Primitives.h"

namespace dtcrt {

namespace {

using namespace device;

template <class I> __global__ void widen_elements(const bf16 *from, f32 *to, CopyLoops loops, I count) {
  for (I i = first_item<I>(); i < count; i += item_step<I>()) {
    index source, target;
    locate(loops, i, source, target);
    to[target] = static_cast<f32>(from[source]);
  }
}

} // namespace

void widen(Context &ctx, const Tensor<bf16> &from, const Tensor<f32> &to) {
  require(from.shape() == to.shape(), "widen", "both sides have one shape");
  if (to.size() == 0)
    return;
  const CopyLoops loops = make_copy_loops(to.shape(), from.strides(), to.strides());
  with_counter(to.size(), [&](auto counter) {
    using I = decltype(counter);
    launch(ctx, widen_elements<I>, blocks_for(ctx, to.size()), block_threads, from.data(), to.data(), loops, static_cast<I>(to.size()));
  });
}

} // namespace dtcrt
