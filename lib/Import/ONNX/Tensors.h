// ONNX's tensors to attributes and to compile-time integers.
#ifndef DTC_LIB_IMPORT_ONNX_TENSORS_H
#define DTC_LIB_IMPORT_ONNX_TENSORS_H

#include "Messages.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "onnx/onnx_pb.h"

#include <unordered_map>
#include <vector>

namespace dtc::onnximport {

/// Fails with an error if a tensor of this shape cannot be part of a model: a
/// dimension below 1 (0, if it may be empty) or above 2^31 - 1, more than 2^40 elements, a rank above
/// 64. Everything after it can then multiply sizes without overflow.
llvm::LogicalResult checkShape(llvm::ArrayRef<int64_t> shape,
                               EmitError emitError, bool orEmpty = false);

/// Reads the data of tensors, from the model or from files beside it.
class TensorReader {
public:
  TensorReader(llvm::StringRef modelPath, mlir::MLIRContext &context);

  /// The elements of a tensor: float32 of all float types, int32, int64 and booleans as they are. A double is rounded; what float32
  /// cannot hold is an error, as is every other type.
  llvm::FailureOr<mlir::DenseElementsAttr>
  read(const ::onnx::TensorProto &tensor, EmitError emitError);

  /// The same for an initializer, whose data it may take: large float tensors are not copied, but hold what the message held, or map the file
  /// beside the model (DenseResourceElementsAttr). Tensors of one type that hold the same bits are one attribute, as with `read`.
  llvm::FailureOr<mlir::ElementsAttr>
  take(::onnx::TensorProto &tensor, EmitError emitError);

  /// Puts data that lies beside the model into the tensor itself. Fails for a type that `read` does not know.
  llvm::LogicalResult takeIn(::onnx::TensorProto &tensor, EmitError emitError);

  /// Paths of the files beside the model that have been read.
  llvm::ArrayRef<std::string> getFiles() const { return files; }

  /// Whether a tensor of ONNX's type becomes one of `element`.
  static bool holds(int32_t dataType, mlir::Type element);

  /// The error for an element type that models do not hold.
  static mlir::InFlightDiagnostic refuseType(int32_t dataType,
                                             EmitError emitError);

private:
  /// The elements as bytes, exactly as many as the shape needs: from the typed
  /// field (`typed`, of `typedCount` elements of `elementSize`) or from raw data, which the blob then only shows, or from a file beside the
  /// model.
  llvm::FailureOr<mlir::AsmResourceBlob>
  bytes(const ::onnx::TensorProto &tensor, uint64_t elementSize,
        const void *typed, uint64_t typedCount,
        EmitError emitError);
  /// The elements of a checked tensor of float32.
  mlir::ElementsAttr share(mlir::RankedTensorType type, mlir::AsmResourceBlob blob);

  std::string modelPath;
  mlir::MLIRContext &context;
  /// Bytes of external data that this machine still has memory for.
  uint64_t budget;
  std::vector<std::string> files;
  /// Large tensors by what they hold.
  std::unordered_map<uint64_t, llvm::SmallVector<mlir::DenseResourceElementsAttr, 1>> large;
  size_t largeCount = 0;
};

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_TENSORS_H
