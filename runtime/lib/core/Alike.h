// What the ranks of a run must have in common before they train: the program, its options, the samples, what a checkpoint holds. A
// launcher may start them differently, and hosts may have other files of the same name.
#pragma once

#include "core/Options.h"
#include "data/Dataset.h"
#include "dtcrt/plan.h"
#include "dtcrt/world.h"

namespace dtcrt {

/// Collective, first of all. AgreedError that names what differs, and on which ranks.
void require_alike(World &world, const Plan &plan, const Options &options);

/// Collective. The same number of samples, and where two ranks have read the same column, the same values.
void require_alike(World &world, const std::string &source, const Wishes &wishes, const Dataset &data);

} // namespace dtcrt
