// Tensor data in files beside the model.
#ifndef DTC_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define DTC_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "Messages.h"

#include "mlir/IR/AsmState.h"
#include "onnx/onnx_pb.h"

namespace dtc::onnximport {

/// The `size` bytes of a tensor whose data lies outside the model: of large
/// tensors the file itself, mapped. The file must lie inside the model's folder:
/// a relative path without `..`, no symbolic link on the way, and no other name
/// (hard link). Nothing is allocated before the file is known to hold the bytes
/// and the machine to have `budget` bytes left for them. The path of the file
/// joins `files`.
llvm::FailureOr<mlir::AsmResourceBlob>
readExternalData(const ::onnx::TensorProto &tensor, llvm::StringRef modelPath,
                 uint64_t size, uint64_t &budget,
                 std::vector<std::string> &files, EmitError emitError);

/// The bytes of a container that lives as long as the blob.
template <typename T>
mlir::AsmResourceBlob ownedBlob(std::vector<T> values) {
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
  return mlir::AsmResourceBlob(bytes, alignof(T) < alignof(double) ? alignof(double) : alignof(T),
                               [values = std::move(values)](void *, size_t, size_t) {}, /*dataIsMutable=*/false);
}

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_EXTERNALDATA_H
