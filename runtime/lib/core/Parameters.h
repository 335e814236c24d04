// Parameters and optimizer state: how they start, and how they are saved and loaded.
#pragma once

#include "comm/Compare.h"
#include "core/Device.h"
#include "core/Manifest.h"
#include "dtcrt/context.h"
#include "dtcrt/plan.h"
#include "dtcrt/world.h"

#include <string>
#include <vector>

namespace dtcrt {

/// Where Plan::parameters_file lies, if it is there.
std::string parameters_path(const Plan &plan);

/// Sets every parameter by its Init and every state to its constant, each element by its position in the whole tensor. Stored values come from Plan::parameters_file.
/// `values_follow`: a checkpoint is loaded next, so stored parameters are left out. Returns what it has read, for all ranks to compare.
std::vector<Fact> initialise(Context &ctx, Device &device, const Plan &plan, int rank, const Binding &binding, std::uint64_t seed,
                             bool values_follow);

/// Reads the parameters that this rank binds and, if the file has any optimizer state of the program's, all the state that it
/// binds. Returns the steps that made them, 0 without state. Adds to `facts` what it has read.
i64 load_checkpoint(Context &ctx, Device &device, const Plan &plan, int rank, const std::string &path, const Manifest &manifest,
                    const Binding &binding, std::vector<Fact> &facts);

/// Collective. Rank 0 writes the parameters and the state of all ranks under the model's names, sorted, with the number of steps
/// in the metadata: the same file for any number of ranks and roles. All or nothing. AgreedError.
void save_checkpoint(World &world, Device &device, const std::string &path, const Plan &plan, const Manifest &manifest,
                     const Binding &binding, i64 step);

} // namespace dtcrt
