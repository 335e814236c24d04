// Passes of the Plan stage, and what it attaches to ops.
#ifndef DTC_PLAN_PASSES_H
#define DTC_PLAN_PASSES_H

#include "dialects/RT/RT.h"
#include "dtc/Target/Target.h"

#include "mlir/Pass/Pass.h"

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace dtc {

#define GEN_PASS_DECL
#include "dtc/Plan/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dtc/Plan/Passes.h.inc"

/// dist to rt with a memory plan: all passes of the stage in order. A rank that
/// needs more than `deviceMemory` bytes is an error, unless it is 0. `target`: whose
/// calls the programs make.
void buildPlanPipeline(mlir::OpPassManager &manager, int64_t deviceMemory = 0,
                       const LowerToRuntimePassOptions &lowering = {}, const Target &target = Target::cpu());

namespace plan {
/// On a call or a launch, by the option `mark-ops`: the number of its op in the
/// fragment and the op's signature (dtc/Cost/Signature.h).
inline constexpr llvm::StringLiteral opAttribute = "rt.op";
} // namespace plan

/// Makes buildPlanPipeline known as `dtc-plan`.
void registerPlanPipeline();

/// Attaches RuntimeLoweringOpInterface to every op that a fragment can hold.
void registerPlanExternalModels(mlir::DialectRegistry &registry);

} // namespace dtc

#endif // DTC_PLAN_PASSES_H
