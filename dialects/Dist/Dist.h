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
/// Of an argument: what a rank holds of it, a list of ShareAttr.
inline constexpr llvm::StringLiteral shares = "dist.shares";
inline constexpr llvm::StringLiteral stage = "dist.stage";
inline constexpr llvm::StringLiteral stagePlan = "dist.stage_plan";
/// The symbol of the mesh, a `shard.grid`.
inline constexpr llvm::StringLiteral mesh = "mesh";
} // namespace names

// What collectives say of their parts; "" where all is well. Of an op, any number of ranks will do.

/// `dimension 1`, or `pieces`.
std::string describeParts(std::optional<int64_t> dimension);
/// Why `parts` are not those of `wholes` among `ranks`.
std::string misfitOfParts(mlir::TypeRange wholes, mlir::TypeRange parts, std::optional<int64_t> dimension,
                          std::optional<int64_t> ranks);
/// `from 1 to 2`.
std::string describeExchange(int64_t from, int64_t to);
/// Why `results` are not what `ranks` make of `values` that are cut along `from`, when they cut them along `to`.
std::string misfitOfExchange(mlir::TypeRange values, mlir::TypeRange results, int64_t from, int64_t to,
                             std::optional<int64_t> ranks);
std::string misfitOfRoot(int64_t root, int64_t ranks);
} // namespace dtc::dist

#define GET_OP_CLASSES
#include "dialects/Dist/DistOps.h.inc"

#endif // DTC_DIALECTS_DIST_DIST_H
