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
  Dims shape;
  int owner = 0; ///< the lowest rank that binds it: the one that saves it
};

struct Manifest {
  std::vector<StoredEntry> parameters, state; ///< by name
  Wishes wishes;                              ///< of all ranks; inputs by name
};

/// Collective. Throws logic_error when two ranks bind a name as different things.
Manifest make_manifest(World &world, const Plan &plan, const Binding &binding);

} // namespace dtcrt
