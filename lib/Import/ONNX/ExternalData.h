// Tensor data in files beside the model.
#ifndef DTC_LIB_IMPORT_ONNX_EXTERNALDATA_H
#define DTC_LIB_IMPORT_ONNX_EXTERNALDATA_H

#include "Messages.h"

#include "onnx/onnx_pb.h"

#include <vector>

namespace dtc::onnximport {

/// Reads `size` bytes of a tensor whose data lies outside the model. The file
/// must lie inside the model's folder: a relative path without `..`, and no
/// symbolic link on the way. Nothing is allocated before the file is known to
/// hold the bytes and the machine to have `budget` bytes left for them. The path
/// of the file joins `files`.
llvm::FailureOr<std::vector<char>>
readExternalData(const ::onnx::TensorProto &tensor, llvm::StringRef modelPath,
                 uint64_t size, uint64_t &budget,
                 std::vector<std::string> &files, EmitError emitError);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_EXTERNALDATA_H
