// What the labels of a data set count in a loss whose labels do not count alike, so that its mean divides by all of a batch's, on
// whichever ranks and in whichever microbatches they are.
#pragma once

#include "data/Dataset.h"

#include <vector>

namespace dtcrt {

/// What the labels of some samples count.
struct LabelTotals {
  f64 weight = 0;       ///< the sum over labels of what each counts in the loss
  index counted = 0;    ///< labels that are not ignored
  index labels = 0;
};

/// Of the samples of a split whose labels this rank binds; otherwise empty. One number a sample.
class LabelWeights {
public:
  /// Whether labels count by what they are, as the plan says.
  static bool are_wanted(const Plan &plan) { return plan.ignored_label || !plan.class_weights.empty() || plan.loss_is_sum; }

  LabelWeights() = default;
  LabelWeights(const Plan &plan, const Split &split);

  /// Of the samples sample_at(0), …, sample_at(size - 1), added up in this order.
  template <class SampleAt> LabelTotals of(index size, SampleAt sample_at) const {
    LabelTotals totals;
    for (index i = 0; i < size; ++i) {
      const auto sample = static_cast<std::size_t>(sample_at(i));
      totals.weight += weights_[sample];
      totals.counted += counted_[sample];
    }
    totals.labels = size * positions_;
    return totals;
  }
  explicit operator bool() const { return !weights_.empty(); }

private:
  std::vector<f64> weights_;
  std::vector<index> counted_;
  index positions_ = 1;
};

} // namespace dtcrt
