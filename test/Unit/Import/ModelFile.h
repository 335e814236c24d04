// Models on disk and what the importer says about them, for the importer's
// tests.
#ifndef DTC_TEST_UNIT_IMPORT_MODELFILE_H
#define DTC_TEST_UNIT_IMPORT_MODELFILE_H

#include "dtc/Import/ONNX.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/onnx_pb.h"

#include <string>
#include <vector>

namespace dtc::test {

/// A folder that is removed, with all it holds, at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string file(llvm::StringRef name) const;
  /// Writes a file and returns its path.
  std::string write(llvm::StringRef name, llvm::StringRef bytes) const;
  std::string write(llvm::StringRef name,
                    const ::onnx::ModelProto &model) const;

private:
  std::string path;
};

/// One import: the module, or null, and the errors and warnings on the way.
struct Import {
  Import(llvm::StringRef path, int64_t batch = 0);

  mlir::MLIRContext context;
  std::vector<std::string> errors, warnings;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace dtc::test

#endif // DTC_TEST_UNIT_IMPORT_MODELFILE_H
