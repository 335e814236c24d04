// Sums over the labels of each sample.
#include "data/LabelWeights.h"

#include <algorithm>

namespace dtcrt {

LabelWeights::LabelWeights(const Plan &plan, const Split &split) {
  if (!split.label || !are_wanted(plan))
    return;
  positions_ = std::max<index>(split.label->shape.product(), 1);
  weights_.resize(static_cast<std::size_t>(split.size));
  counted_.resize(static_cast<std::size_t>(split.size));
  std::visit(
      [&](const auto &labels) {
#pragma omp parallel for schedule(static)
        for (index sample = 0; sample < split.size; ++sample)
          for (index i = 0; i < positions_; ++i) {
            const auto id = static_cast<i64>(labels[static_cast<std::size_t>(sample * positions_ + i)]);
            if (id == plan.ignored_label)
              continue;
            // In a sum a label counts what it counts, and nothing is divided.
            ++counted_[static_cast<std::size_t>(sample)];
            weights_[static_cast<std::size_t>(sample)] += plan.class_weights.empty() ? 1 : plan.class_weights[static_cast<std::size_t>(id)];
          }
      },
      split.label->values);
}

} // namespace dtcrt
