// The dist dialect: dialect class, types, attributes and ops.
#ifndef DTC_DIALECTS_DIST_DIST_H
#define DTC_DIALECTS_DIST_DIST_H

#include "dialects/Communication/Communication.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Dist/DistDialect.h.inc"
#include "dialects/Dist/DistEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Dist/DistTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Dist/DistAttrs.h.inc"

namespace dtc::dist {
class ReturnOp;

namespace names {
inline constexpr llvm::StringLiteral at = "dist.at";
inline constexpr llvm::StringLiteral axes = "dist.axes";
inline constexpr llvm::StringLiteral axis = "dist.axis";
inline constexpr llvm::StringLiteral firstRow = "dist.first_row";
inline constexpr llvm::StringLiteral inPlace = "dist.in_place";
inline constexpr llvm::StringLiteral localBatch = "dist.local_batch";
inline constexpr llvm::StringLiteral microbatches = "dist.microbatches";
inline constexpr llvm::StringLiteral shard = "dist.shard";
inline constexpr llvm::StringLiteral stage = "dist.stage";
inline constexpr llvm::StringLiteral stagePlan = "dist.stage_plan";
/// The symbol of the mesh, a `shard.grid`.
inline constexpr llvm::StringLiteral mesh = "mesh";
} // namespace names
} // namespace dtc::dist

#define GET_OP_CLASSES
#include "dialects/Dist/DistOps.h.inc"

#endif // DTC_DIALECTS_DIST_DIST_H
