// Passes of the Precision stage.
#ifndef DTC_PRECISION_PASSES_H
#define DTC_PRECISION_PASSES_H

#include "dtc/Precision/Precision.h"

#include "mlir/Pass/Pass.h"

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Precision/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dtc/Precision/Passes.h.inc"

} // namespace dtc

#endif // DTC_PRECISION_PASSES_H
