// Which memory of a program two calls share; private to Plan.
#ifndef DTC_LIB_PLAN_OVERLAP_H
#define DTC_LIB_PLAN_OVERLAP_H

#include "dialects/RT/RT.h"

namespace dtc::plan {

/// Whether two buffers, or views, may have an element in common. Gradients in one bucket have none.
bool mayOverlap(mlir::Value a, mlir::Value b);
bool mayOverlap(mlir::ValueRange all, mlir::Value memory);

/// Whether an op between the two, which stand in one block in this order, reads or writes `memory`.
bool isUsedBetween(mlir::Operation *first, mlir::Operation *last, mlir::Value memory);

/// Whether an op between the two may write it. Calls with outputs, and launches, write nothing but these and what is passed by name.
bool isWrittenBetween(mlir::Operation *first, mlir::Operation *last, mlir::Value memory);

/// Whether the op itself may.
bool mayWrite(mlir::Operation *op, mlir::Value memory);

} // namespace dtc::plan

#endif // DTC_LIB_PLAN_OVERLAP_H
