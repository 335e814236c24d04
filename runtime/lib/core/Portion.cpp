// Positions in shares of shares, from the innermost outwards.
#include "core/Portion.h"
#include "core/Roles.h"

#include <stdexcept>

namespace dtcrt {

Portion::Portion(const Plan &plan, int rank, const std::vector<Share> &shares, const Dims &local)
    : whole_(shares.empty() ? local : shares.front().whole) {
  index elements = whole_.product();
  for (const Share &share : shares) {
    const int coordinate = coordinate_of(plan, rank, share.axis);
    if (coordinate < 0)
      throw std::logic_error("a tensor is shared out along '" + share.axis + "', which the mesh does not have");
    if (share.whole.product() != elements || share.outer * share.size * share.inner != elements)
      throw std::logic_error("a share along '" + share.axis + "' is of another tensor than it says");
    const int ranks = ranks_along(plan, share.axis);
    const index each = (share.size + ranks - 1) / ranks;
    steps_.insert(steps_.begin(), Step{share.size, share.inner, each, each * coordinate});
    coordinates_.push_back(coordinate);
    elements = share.outer * each * share.inner;
  }
  if (elements != local.product())
    throw std::logic_error("a share of " + std::to_string(elements) + " elements lies in a tensor of " + std::to_string(local.product()));
}

std::optional<index> Portion::position(index local) const {
  for (const Step &step : steps_) {
    const index inner = local % step.inner, middle = local / step.inner % step.each + step.first, outer = local / step.inner / step.each;
    if (middle >= step.size)
      return std::nullopt;
    local = (outer * step.size + middle) * step.inner + inner;
  }
  return local;
}

} // namespace dtcrt
