// The passes of the Cost stage.
#ifndef DTC_COST_PASSES_H
#define DTC_COST_PASSES_H

#include "mlir/Pass/Pass.h"

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Cost/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "dtc/Cost/Passes.h.inc"

} // namespace dtc

#endif // DTC_COST_PASSES_H
