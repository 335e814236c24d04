// Import of the model language: reading the file and showing its errors.
#include "dtc/Import/DSL.h"

#include "Evaluator.h"
#include "Parser.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace dtc;

/// A model file is written by hand; anything larger is another kind of file.
static constexpr uint64_t maxFileSize = 16 << 20;

OwningOpRef<ModuleOp> dtc::importDSLText(StringRef text, StringRef name,
                                         const ImportOptions &options,
                                         MLIRContext &context) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  dsl::Reporter reporter(context, name);
  if (options.batch < 0 || options.batch > INT32_MAX) {
    emitError(UnknownLoc::get(&context))
        << "the batch must be from 1 to 2147483647, not " << options.batch;
    return {};
  }
  dsl::File file = dsl::parse(text, reporter);
  return dsl::evaluate(file, options, reporter);
}

static std::unique_ptr<llvm::MemoryBuffer> readFile(StringRef path,
                                                    std::string &problem) {
  llvm::sys::fs::file_status status;
  std::error_code error = llvm::sys::fs::status(path, status);
  if (!error && !llvm::sys::fs::is_regular_file(status))
    problem = "not a regular file";
  else if (!error && status.getSize() > maxFileSize)
    problem = "larger than 16 MiB, which no model file is";
  else if (!error) {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/true,
                                              /*IsVolatile=*/true);
    if (buffer)
      return std::move(*buffer);
    error = buffer.getError();
  }
  if (error)
    problem = error.message();
  return nullptr;
}

OwningOpRef<ModuleOp> dtc::importDSL(StringRef path,
                                     const ImportOptions &options,
                                     MLIRContext &context) {
  std::string problem;
  std::unique_ptr<llvm::MemoryBuffer> buffer = readFile(path, problem);
  if (!buffer) {
    llvm::errs() << path << ": error: " << problem << "\n";
    return {};
  }
  StringRef text = buffer->getBuffer();
  text.consume_front("\xEF\xBB\xBF"); // the byte order mark that some editors write
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text, path), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(sources, &context);
  return importDSLText(text, path, options, context);
}
