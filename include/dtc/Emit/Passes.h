// Passes of the Emit stage.
#ifndef DTC_EMIT_PASSES_H
#define DTC_EMIT_PASSES_H

#include "dialects/RT/RT.h"

#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
}

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Emit/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dtc/Emit/Passes.h.inc"

/// Planned programs as a person would write them: what is emitted. All passes
/// of the stage in order.
void buildEmitPipeline(mlir::OpPassManager &manager);

/// Makes buildEmitPipeline known as `dtc-emit`.
void registerEmitPipeline();

} // namespace dtc

#endif // DTC_EMIT_PASSES_H
