// Parameters and optimizer state: how they start, and how they are saved and loaded.
#pragma once

#include "dtcrt/context.h"
#include "dtcrt/plan.h"

#include <string>

namespace dtcrt {

/// Sets every parameter by its Init and every state to its constant. Stored values come from Plan::parameters_file.
/// `values_follow`: a checkpoint is loaded next, so stored parameters are left out.
void initialise(Context &ctx, const Plan &plan, const Binding &binding, std::uint64_t seed, bool values_follow);

/// Reads all parameters and, if the file has any of it, all optimizer state. Returns the steps that made them, 0 without state.
i64 load_checkpoint(Context &ctx, const std::string &path, const Binding &binding);

/// Writes all of it, under the model's names, with the number of steps in the metadata. All or nothing.
void save_checkpoint(const std::string &path, const Plan &plan, const Binding &binding, i64 step);

} // namespace dtcrt
