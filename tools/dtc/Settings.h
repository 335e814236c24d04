// The options that are settings of optimizers: which there are is said by lib/Optimizers alone.
#ifndef DTC_TOOLS_DTC_SETTINGS_H
#define DTC_TOOLS_DTC_SETTINGS_H

#include "dtc/Optimizers/Optimizer.h"

#include "llvm/ADT/SmallVector.h"

#include <string>
#include <utility>
#include <vector>

namespace dtc {

/// `weight_decay` as the option is spelled: "--weight-decay".
std::string spellSetting(llvm::StringRef setting);

/// Takes `--lr=X`, `--lr X` and `--nesterov` out of the arguments up to `--`, whatever optimizer they are of: the last of a
/// name counts. Gives what is wrong, or nothing.
std::string takeSettings(llvm::SmallVectorImpl<const char *> &arguments,
                         std::vector<std::pair<std::string, double>> &settings);

/// "adam, adamw: decay of the first moment (default 0.9)"
std::string describeSetting(const SharedSetting &setting);

/// The spelling that is nearest to an unknown option, if it is nearer than `distance`, which it then becomes.
std::string nearestSetting(llvm::StringRef option, unsigned &distance);

} // namespace dtc

#endif // DTC_TOOLS_DTC_SETTINGS_H
