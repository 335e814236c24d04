// Constants that are too large for the text of a program.
#ifndef DTC_AUTODIFF_STOREDCONSTANTS_H
#define DTC_AUTODIFF_STOREDCONSTANTS_H

#include "llvm/ADT/StringRef.h"

namespace dtc {

/// What the names of the parameters begin with that dtc-store-constants makes of a model's constants: a checkpoint holds them, and the
/// model's file has none of that name.
inline constexpr llvm::StringLiteral storedConstantPrefix = "constant:";

} // namespace dtc

#endif // DTC_AUTODIFF_STOREDCONSTANTS_H
