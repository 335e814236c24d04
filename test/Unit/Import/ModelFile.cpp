// Models on disk and what the importer says about them, for the importer's
// tests.
#include "ModelFile.h"

#include "llvm/Support/FileSystem.h"
#include <fstream>
#include <stdlib.h>

using namespace dtc::test;

TemporaryFolder::TemporaryFolder() {
  llvm::SmallString<128> created;
  if (llvm::sys::fs::createUniqueDirectory("dtc-import", created))
    abort();
  path = created.str().str();
}

TemporaryFolder::~TemporaryFolder() { llvm::sys::fs::remove_directories(path); }

std::string TemporaryFolder::file(llvm::StringRef name) const {
  return path + "/" + name.str();
}

std::string TemporaryFolder::write(llvm::StringRef name,
                                   llvm::StringRef bytes) const {
  std::ofstream(file(name), std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file(name);
}

std::string TemporaryFolder::write(llvm::StringRef name,
                                   const ::onnx::ModelProto &model) const {
  return write(name, model.SerializeAsString());
}

Import::Import(llvm::StringRef path, int64_t batch)
    : context(mlir::MLIRContext::Threading::DISABLED) {
  context.getDiagEngine().registerHandler([this](mlir::Diagnostic &found) {
    bool isError = found.getSeverity() == mlir::DiagnosticSeverity::Error;
    (isError ? errors : warnings).push_back(found.str());
  });
  dtc::ImportOptions options;
  options.batch = batch;
  module = dtc::importONNX(path, options, context);
}
