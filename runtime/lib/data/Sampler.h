// Which samples make which batch: the same global batches in the same order for any number of ranks.
#pragma once

#include "dtcrt/tensor.h"

#include <cstdint>
#include <span>
#include <vector>

namespace dtcrt {

/// This rank's rows of one global batch.
struct BatchRows {
  std::vector<index> ids; ///< one sample a row; padding rows repeat a sample of the batch
  index valid = 0;        ///< the first `valid` rows count, the others have weight 0
  index global_valid = 0; ///< samples of the global batch
};

/// Batches of `batch` samples out of `size`; the share of this rank is rows [first_row, first_row + local_batch).
class Sampler {
public:
  Sampler(index size, index batch, index local_batch, index first_row, bool shuffle, std::uint64_t seed);

  index batches_per_epoch() const { return (size_ + batch_ - 1) / batch_; }
  /// The samples of the whole global batch `number`, in order.
  std::span<const std::uint32_t> samples(index number);
  /// Batch `number`, counted over all epochs from 0. The last of an epoch holds what is left.
  BatchRows rows(index number);

private:
  void shuffle_for(index number);

  index size_, batch_, local_batch_, first_row_;
  bool shuffle_;
  std::uint64_t seed_;
  index epoch_ = -1;
  std::vector<std::uint32_t> order_;
};

} // namespace dtcrt
