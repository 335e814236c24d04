// Which elements of a whole tensor a rank holds.
#pragma once

#include "dtcrt/plan.h"

#include <optional>
#include <vector>

namespace dtcrt {

/// The part of a tensor that is left to a rank by shares of shares.
class Portion {
public:
  /// Of the rank, whose tensor has this shape. Throws logic_error where the shares do not lead to it, or name no axis of the mesh.
  Portion(const Plan &plan, int rank, const std::vector<Share> &shares, const Dims &local);

  const Dims &whole() const { return whole_; }
  bool is_all() const { return steps_.empty(); }
  /// Row-major position in the whole tensor of the element at a row-major position in the rank's; none in padding.
  std::optional<index> position(index local) const;
  /// The rank's coordinate along each share's axis: ranks with the same hold the same.
  const std::vector<int> &coordinates() const { return coordinates_; }

private:
  struct Step {
    index size, inner, each, first;
  };
  Dims whole_;
  std::vector<Step> steps_; ///< the innermost first
  std::vector<int> coordinates_;
};

} // namespace dtcrt
