// ONNX's tensors to attributes and to compile-time integers.
#ifndef DTC_LIB_IMPORT_ONNX_TENSORS_H
#define DTC_LIB_IMPORT_ONNX_TENSORS_H

#include "Messages.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "onnx/onnx_pb.h"

#include <vector>

namespace dtc::onnximport {

/// An integer tensor known at compile time: a shape, axes, an exponent.
struct IntegerTensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<int64_t> values;
};

/// Fails with an error if a tensor of this shape cannot be part of a model: a
/// dimension below 1 or above 2^31 - 1, more than 2^40 elements, a rank above
/// 64. Everything after it can then multiply sizes without overflow.
llvm::LogicalResult checkShape(llvm::ArrayRef<int64_t> shape,
                               EmitError emitError);

/// Reads the data of tensors, from the model or from files beside it.
class TensorReader {
public:
  TensorReader(llvm::StringRef modelPath, mlir::MLIRContext &context);

  /// The elements of a float32 tensor.
  llvm::FailureOr<mlir::DenseElementsAttr>
  readFloats(const ::onnx::TensorProto &tensor, EmitError emitError);

  /// The elements of an int32 or int64 tensor.
  llvm::FailureOr<IntegerTensor> readIntegers(const ::onnx::TensorProto &tensor,
                                              EmitError emitError);

  /// Paths of the files beside the model that have been read.
  llvm::ArrayRef<std::string> getFiles() const { return files; }

  /// The error for an element type that models do not train in.
  static mlir::InFlightDiagnostic refuseType(int32_t dataType,
                                             EmitError emitError);

private:
  /// The elements as bytes, exactly as many as the shape needs: from the typed
  /// field (`typed`, of `typedCount` elements), from raw data or, read into
  /// `storage`, from a file beside the model.
  llvm::FailureOr<llvm::ArrayRef<char>>
  bytes(const ::onnx::TensorProto &tensor, uint64_t elementSize,
        const void *typed, uint64_t typedCount, std::vector<char> &storage,
        EmitError emitError);

  std::string modelPath;
  mlir::MLIRContext &context;
  /// Bytes of external data that this machine still has memory for.
  uint64_t budget;
  std::vector<std::string> files;
};

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_TENSORS_H
