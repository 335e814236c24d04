// What optimizers keep is called by the parameter's name.
#ifndef DTC_AUTODIFF_OPTIMIZERSTATES_H
#define DTC_AUTODIFF_OPTIMIZERSTATES_H

#include "llvm/ADT/StringRef.h"

namespace dtc {

/// Whether checkpoints hold the state of some optimizer under such a name: "adam.m/conv1.weight".
bool isNameOfState(llvm::StringRef name);

} // namespace dtc

#endif // DTC_AUTODIFF_OPTIMIZERSTATES_H
