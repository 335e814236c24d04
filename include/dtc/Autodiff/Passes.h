// Passes of the Autodiff stage.
#ifndef DTC_AUTODIFF_PASSES_H
#define DTC_AUTODIFF_PASSES_H

#include "dtc/Autodiff/BatchStatistics.h"

#include "mlir/Pass/Pass.h"

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Autodiff/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dtc/Autodiff/Passes.h.inc"

} // namespace dtc

#endif // DTC_AUTODIFF_PASSES_H
