// The Fusion stage: from nn ops to library calls with epilogues and fused kernels.
#ifndef DTC_FUSION_PASSES_H
#define DTC_FUSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace dtc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dtc/Fusion/Passes.h.inc"

namespace fusion {
/// Name of the attribute on a fused `linalg.generic`: the mnemonics of the nn
/// ops in it, in execution order (`["where_positive", "mul"]`).
inline constexpr llvm::StringLiteral opsAttribute = "dtc.ops";
} // namespace fusion

/// Attaches the interfaces of the Fusion stage to the nn ops and loads the
/// dialects it produces (linalg, arith, math, tensor).
void registerFusionExternalModels(mlir::DialectRegistry &registry);

/// The stage on a module: afterwards fragments hold library calls with their
/// epilogues, one `linalg.generic` for each chain of elementwise ops, and the
/// other nn ops.
void buildFusionPipeline(mlir::OpPassManager &manager);

/// The same without fusing anything, so that each op of the step can be timed: a
/// kernel carries the signature of the op that it was (dtc/Cost/Signature.h).
void buildUnfusedPipeline(mlir::OpPassManager &manager);

/// Makes buildFusionPipeline known as `dtc-fuse`.
void registerFusionPipeline();

} // namespace dtc

#endif // DTC_FUSION_PASSES_H
