// The rt dialect: dialect class, types, attributes and ops.
#ifndef DTC_DIALECTS_RT_RT_H
#define DTC_DIALECTS_RT_RT_H

#include "dialects/Communication/Communication.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/RT/RTDialect.h.inc"
#include "dialects/RT/RTEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/RT/RTTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/RT/RTAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialects/RT/RTOps.h.inc"

namespace dtc::rt {

/// The buffer that `memory`, a buffer or a view of one, is part of; of an element the
/// array's first. Null for a constant, which is no part of the arena.
BufferOp rootBuffer(mlir::Value memory);

/// Dimension 1 innermost, all others in their order.
mlir::MemRefType channelsLast(llvm::ArrayRef<int64_t> shape,
                              mlir::Type elementType);

/// Whether the layout is row-major or says its strides (`strided<[…]>`), as that of every memref of this dialect does.
bool isMemory(mlir::MemRefType type);

/// Strides in elements of a memref.
llvm::SmallVector<int64_t> stridesOf(mlir::MemRefType type);

/// Whether the elements lie in row-major order without gaps. A channels-last
/// tensor with one channel or one position does.
bool isRowMajor(mlir::MemRefType type);

/// Whether dimension 1 is innermost and all others keep their order.
bool isChannelsLast(mlir::MemRefType type);

/// Bytes of a dense buffer of this type.
int64_t bytesOf(mlir::MemRefType type);

/// Bytes of a buffer with all its slots.
int64_t bytesOf(BufferOp buffer);

/// Visits the ops of a timeline in the order in which they run, those of a loop as often as it runs, with what is
/// added to the microbatches that they name.
void forEachRun(mlir::Block &block, llvm::function_ref<void(mlir::Operation *, int64_t shift)> visit, int64_t shift = 0);

/// What the communication of a kind carries in one run of a timeline.
struct Volume {
  int64_t bytes = 0, count = 0;
};
Volume volumeOf(TimelineOp timeline, CommunicationKind kind);

/// Slots lie at multiples of this many bytes.
inline constexpr int64_t slotAlignment = 64;

/// Whether `memory` stands for another piece of memory in each microbatch: it
/// has slots, or is a part of the batch's rows.
bool isPerMicrobatch(mlir::Value memory);

} // namespace dtc::rt

#endif // DTC_DIALECTS_RT_RT_H
