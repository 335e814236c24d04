// Indices as values: where in the flattened data elements and rows lie.
#ifndef DTC_LIB_IMPORT_ONNX_INDEXING_H
#define DTC_LIB_IMPORT_ONNX_INDEXING_H

#include "Node.h"

namespace dtc::onnximport {

/// Whether the elements are int64 or int32.
bool isInteger(mlir::Value value);

/// A rank-0 constant of the element type of `like`.
mlir::Value number(Node &node, mlir::Value like, int64_t value);

/// 0, 1, … times `stride` along dimension `axis` of a tensor of `rank` dimensions, of the element type of `like`, integers.
llvm::FailureOr<mlir::Value> ramp(Node &node, mlir::Value like, int64_t size, int64_t stride, int64_t axis, int64_t rank);

/// Indices from 0 on: negative ones count from the end of `size` elements.
llvm::FailureOr<mlir::Value> countedFromFront(Node &node, mlir::Value indices, int64_t size);

/// The places in the flattened `data` of the elements that `indices`, of its rank, choose along `axis`: of element [i, j] for axis 0 that of
/// [indices[i, j], j].
llvm::FailureOr<mlir::Value> placesAlong(Node &node, mlir::Value data, mlir::Value indices, int64_t axis);

/// The rows of `data`, of which the first dimensions are flattened into `rows`, that the last dimension of `indices` counts; behind `batchDims`
/// dimensions that both have.
llvm::FailureOr<mlir::Value> placesOfRows(Node &node, mlir::Value data, mlir::Value indices, int64_t batchDims, int64_t &rows);

/// The index along `axis` of the largest element (smallest: of the smallest), the first or the last of equal ones; the axis stays, with size 1.
/// Where there is a NaN, one that is in range.
llvm::FailureOr<mlir::Value> indexOf(Node &node, mlir::Value x, int64_t axis, bool smallestWanted, bool last);

/// The elements at places in the flattened data.
llvm::FailureOr<mlir::Value> takeFlat(Node &node, mlir::Value data, mlir::Value places);

/// ScatterND of operands that are known at compile time: masks and positions that are written element by element.
llvm::FailureOr<mlir::Value> scatterKnownRows(Node &node);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_INDEXING_H
