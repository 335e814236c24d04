// The passes of sharding rules.
#ifndef DTC_SHARDING_PASSES_H
#define DTC_SHARDING_PASSES_H

#include "mlir/Pass/Pass.h"

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Sharding/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "dtc/Sharding/Passes.h.inc"

} // namespace dtc

#endif // DTC_SHARDING_PASSES_H
