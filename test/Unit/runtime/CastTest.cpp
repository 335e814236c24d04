// Rounding of tensors to bf16: one by one and as a list, of sizes that are no multiple of anything.
#include "Reference.h"

#include <dtcrt/cast.h>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

TEST(Cast, RoundsEveryElement) {
  Context ctx(2);
  for (const Dims &shape : {Dims{}, Dims{1}, Dims{7}, Dims{3, 5, 7}, Dims{20011}}) {
    Owned<f32> from(shape);
    Owned<bf16> to(shape);
    randomise(from.tensor, 1, -1000, 1000);
    cast(ctx, from, to);
    for (std::size_t i = 0; i < from.memory.size(); ++i)
      ASSERT_EQ(to.memory[i].bits, bf16(from.memory[i]).bits) << i;
  }
}

TEST(Cast, TakesAListAtOnce) {
  Context ctx(2);
  // The last begin where no vector does; what lies beside them stays.
  Owned<f32> a({5000}), b({3, 3, 3, 3}, channels_last), c({40});
  Owned<bf16> low_a({5000}), low_b({3, 3, 3, 3}, channels_last), low_c({40});
  for (Owned<f32> *from : {&a, &b, &c})
    randomise(from->tensor, 2);
  const Tensor<f32> inner(c.memory.data() + 3, {17});
  const Tensor<bf16> low_inner(low_c.memory.data() + 5, {17});
  cast(ctx, {{a, low_a}, {b, low_b}, {inner, low_inner}});
  for (std::size_t i = 0; i < a.memory.size(); ++i)
    ASSERT_EQ(low_a.memory[i].bits, bf16(a.memory[i]).bits) << i;
  for (std::size_t i = 0; i < b.memory.size(); ++i)
    ASSERT_EQ(low_b.memory[i].bits, bf16(b.memory[i]).bits) << i;
  for (std::size_t i = 0; i < low_c.memory.size(); ++i)
    ASSERT_EQ(low_c.memory[i].bits, i >= 5 && i < 22 ? bf16(c.memory[i - 2]).bits : 0) << i;
}

} // namespace
