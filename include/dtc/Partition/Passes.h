// The passes of the Partition stage.
#ifndef DTC_PARTITION_PASSES_H
#define DTC_PARTITION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Partition/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "dtc/Partition/Passes.h.inc"

} // namespace dtc

#endif // DTC_PARTITION_PASSES_H
