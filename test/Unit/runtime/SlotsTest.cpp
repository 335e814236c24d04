// Slots: where the buffers of microbatches lie.
#include "dtcrt/tensor.h"

#include <gtest/gtest.h>

#include <vector>

using namespace dtcrt;

namespace {

struct Memory {
  alignas(64) std::byte bytes[1 << 16] = {};
  Arena arena{bytes, sizeof bytes};
};

TEST(Slots, LieBehindEachOtherOnCacheLines) {
  Memory memory;
  const Slots<f32> slots{memory.arena, "slots", 128, 3, {2, 3, 5, 1}, channels_last}; // 120 bytes
  EXPECT_EQ(slots.count(), 3);
  for (const dtcrt::index microbatch : {0, 1, 2, 3, 4, 5, 301}) {
    const Tensor<f32> slot = slots[microbatch];
    EXPECT_EQ(reinterpret_cast<std::byte *>(slot.data()), memory.bytes + 128 + 128 * (microbatch % 3));
    EXPECT_EQ(slot.shape(), (Dims{2, 3, 5, 1}));
    EXPECT_EQ(slot.layout(), channels_last);
    EXPECT_EQ(slot.strides(), dense_strides({2, 3, 5, 1}, channels_last));
  }
}

TEST(Slots, DoNotOverlap) {
  Memory memory;
  const Slots<i64> slots{memory.arena, "slots", 0, 4, {9}};
  for (dtcrt::index microbatch = 0; microbatch < 4; ++microbatch)
    for (dtcrt::index i = 0; i < 9; ++i)
      slots[microbatch].data()[i] = microbatch * 100 + i;
  for (dtcrt::index microbatch = 0; microbatch < 4; ++microbatch)
    for (dtcrt::index i = 0; i < 9; ++i)
      EXPECT_EQ(slots[microbatch + 4].data()[i], microbatch * 100 + i);
}

TEST(Slots, MayBeTheRowsOfATensor) {
  Memory memory;
  const Tensor<f32> batch{memory.arena, 64, {10, 3}};
  for (dtcrt::index i = 0; i < batch.size(); ++i)
    batch.data()[i] = static_cast<f32>(i);
  const Slots<f32> rows{memory.arena, "rows", 64, 5, {2, 3}, row_major, 2 * 3 * sizeof(f32)};
  for (dtcrt::index microbatch = 0; microbatch < 5; ++microbatch)
    EXPECT_EQ(rows[microbatch].data()[5], static_cast<f32>(microbatch * 6 + 5));
}

} // namespace
