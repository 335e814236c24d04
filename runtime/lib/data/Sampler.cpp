// A Fisher-Yates shuffle with Philox for each epoch.
#include "data/Sampler.h"
#include "core/Random.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace dtcrt {

Sampler::Sampler(index size, index batch, index local_batch, index first_row, bool shuffle, std::uint64_t seed)
    : size_(size), batch_(batch), local_batch_(local_batch), first_row_(first_row), shuffle_(shuffle), seed_(seed),
      order_(static_cast<std::size_t>(size)) {
  std::iota(order_.begin(), order_.end(), 0u);
}

/// Puts the order of the batch's epoch in place.
void Sampler::shuffle_for(index number) {
  const index epoch = number / batches_per_epoch();
  if (shuffle_ && epoch != epoch_) {
    const RandomStream random(seed_, "shuffle." + std::to_string(epoch));
    std::iota(order_.begin(), order_.end(), 0u);
    for (index i = size_ - 1; i > 0; --i)
      std::swap(order_[static_cast<std::size_t>(i)],
                order_[random.below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) + 1)]);
    epoch_ = epoch;
  }
}

std::span<const std::uint32_t> Sampler::samples(index number) {
  shuffle_for(number);
  const index first = number % batches_per_epoch() * batch_;
  return std::span(order_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(batch_, size_ - first)));
}

BatchRows Sampler::rows(index number) {
  shuffle_for(number);
  const index first = number % batches_per_epoch() * batch_;
  BatchRows rows;
  rows.global_valid = std::min(batch_, size_ - first);
  const index begin = std::min(first_row_, rows.global_valid), end = std::min(begin + local_batch_, rows.global_valid);
  rows.valid = end - begin;
  rows.ids.assign(static_cast<std::size_t>(local_batch_), order_[static_cast<std::size_t>(first)]);
  for (index r = 0; r < rows.valid; ++r)
    rows.ids[static_cast<std::size_t>(r)] = order_[static_cast<std::size_t>(first + begin + r)];
  return rows;
}

} // namespace dtcrt
