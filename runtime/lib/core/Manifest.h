// What all ranks of a program bind. Roles bind what they compute with: some the inputs, some the label, each its own
// parameters. Every rank knows the whole, so that all agree about the data and about a checkpoint.
#pragma once

#include "data/Dataset.h"
#include "dtcrt/plan.h"
#include "dtcrt/world.h"

#include <string>
#include <vector>

namespace dtcrt {

/// A parameter or a piece of optimizer state that one rank or more bind.
struct StoredEntry {
  std::string name;
  Dims shape; ///< of the whole
  /// Those that save it: of the ranks that bind one part of it the lowest, in the order of ranks.
  std::vector<int> owners{0};
  Dims part{};                 ///< the shape of the tensor that a rank binds
  std::vector<Share> shares{}; ///< none: it is the whole
};

struct Manifest {
  std::vector<StoredEntry> parameters, state; ///< by name
  Wishes wishes;                              ///< of all ranks; inputs by name
};

/// Collective. Throws logic_error when two ranks bind a name as different things.
Manifest make_manifest(World &world, const Plan &plan, const Binding &binding);

} // namespace dtcrt
