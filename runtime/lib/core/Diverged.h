// Where values that are no finite numbers lie: what is told when a loss is none, and not saved.
#pragma once

#include "core/Device.h"
#include "data/Sampler.h"
#include "dtcrt/world.h"

#include <string>
#include <vector>

namespace dtcrt {

/// The word for a value that is no finite number: "nan", "inf" or "-inf".
const char *word_for(f64 value);

/// The names of this rank's parameters and states that hold a value which is not finite. Waits for the steps under way.
std::vector<std::string> tensors_not_finite(Device &device, const Binding &binding);

/// "input 'x' of sample 17", if a sample of these rows has such a value; else "".
std::string input_not_finite(const Binding &batch, const BatchRows &rows);

/// What is said of all ranks' tensors: "'a.weight' and 2 more tensors", those of the first rank first; "" without any. Collective.
std::string all_tensors(World &world, const std::vector<std::string> &names);

} // namespace dtcrt
