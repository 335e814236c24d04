// The command line of an emitted program.
#pragma once

#include "core/Device.h"
#include "dtcrt/plan.h"

#include <optional>
#include <string>

namespace dtcrt {

struct Options {
  std::string data;
  i64 epochs = 1;
  std::optional<i64> steps; ///< of this run; without it the epochs decide
  std::optional<f64> learning_rate; ///< instead of the plan's
  std::uint64_t seed = 0;
  bool shuffle = true;
  i64 validation = 0;
  std::string metrics, save, load, trace, predict;
  DeviceOptions device;
  bool help = false;
};

/// Whether this run makes steps. What is loaded to predict is trained on only where that is asked for.
bool trains(const Options &options);

/// Throws Error naming the argument that is wrong.
Options parse_options(int argc, char **argv);

std::string help_text(const Plan &plan, const std::string &program);

} // namespace dtcrt
