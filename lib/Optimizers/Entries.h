// What the files in Entries/ add to the table. Which there are is found by CMake: `addEntries` is generated.
#ifndef DTC_LIB_OPTIMIZERS_ENTRIES_H
#define DTC_LIB_OPTIMIZERS_ENTRIES_H

#include "dtc/Optimizers/Formula.h"

namespace dtc::optimizers {

/// void add<File>(std::vector<Optimizer> &table), for each file in Entries/.
#include "lib/Optimizers/EntryDeclarations.inc"

/// Calls them all.
void addEntries(std::vector<Optimizer> &table);

//===-- what several entries say alike --===//

OptimizerSetting learningRate(double byDefault);
OptimizerSetting weightDecay(double byDefault);
/// beta1 and beta2.
OptimizerSetting firstDecay(double byDefault);
OptimizerSetting secondDecay(double byDefault);
OptimizerSetting epsilon(double byDefault);

/// Whether `weight_decay` shrinks the parameter itself.
OptimizerSetting decoupledDecay();

/// The gradient with `weight_decay` times the parameter added to it, as torch.optim does where it is not decoupled.
Quantity decayedGradient(Formula &formula);
/// The parameter, shrunk by the learning rate times `weight_decay`, as AdamW does.
Quantity shrunkParameter(Formula &formula);
/// What to move, and by which gradient: one of the two has the decay.
std::pair<Quantity, Quantity> decayed(Formula &formula, bool decoupled);

} // namespace dtc::optimizers

#endif // DTC_LIB_OPTIMIZERS_ENTRIES_H
