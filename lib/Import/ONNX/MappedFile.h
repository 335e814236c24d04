// Parts of files in memory, without a copy.
#ifndef DTC_LIB_IMPORT_ONNX_MAPPEDFILE_H
#define DTC_LIB_IMPORT_ONNX_MAPPEDFILE_H

#include "mlir/IR/AsmState.h"

#include <optional>

namespace dtc::onnximport {

/// `size` bytes at `offset` of an open file, mapped for reading until the blob is destroyed; the descriptor may be closed before. The bytes have
/// the alignment of `offset`. Nothing if the system maps no such file. Whoever reads a byte that the file has lost meanwhile (SIGBUS) ends the
/// process with an error that says so.
std::optional<mlir::AsmResourceBlob> mapFile(int file, uint64_t offset, uint64_t size);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_MAPPEDFILE_H
