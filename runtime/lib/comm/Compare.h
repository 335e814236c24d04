// What ranks must have in common: each says what it has, and where they differ all learn in what.
#pragma once

#include "dtcrt/world.h"

#include <string>
#include <vector>

namespace dtcrt {

struct Fact {
  std::string name, value; ///< for people; a rank has each name once
};

/// Collective. Facts of the same name have the same value on all ranks that have them, or all ranks throw the same AgreedError:
/// `what`, then "--steps is 10 on rank 0, 20 on ranks 1 and 3; …".
void compare(World &world, const std::string &what, const std::vector<Fact> &own);

/// The differences between the facts of the ranks, as above; "" for none.
std::string differences(const std::vector<std::vector<Fact>> &ranks);

} // namespace dtcrt
