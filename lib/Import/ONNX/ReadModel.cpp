// A file to ONNX's protobuf message.
#include "ReadModel.h"
#include "Messages.h"

#include "onnx/defs/parser.h"
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace dtc::onnximport;

namespace {

/// Opens a regular file that is no larger than ONNX files are. Gives the descriptor and the size.
FailureOr<std::pair<int, int64_t>> openFile(StringRef path, MLIRContext &context) {
  Location location = fileLocation(path, context);
  if (path.contains('\0'))
    return emitError(location) << "the path holds a NUL character";
  // O_NONBLOCK: a FIFO would wait for its writer before it can be refused.
  int file = open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return emitError(location) << "cannot open the model: "
                               << std::generic_category().message(errno);
  llvm::scope_exit closeFile([file] { close(file); });
  struct stat status;
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
    return emitError(location) << "the model is not a regular file";
  if (status.st_size == 0)
    return emitError(location) << "the model is empty";
  if (status.st_size > INT_MAX)
    return emitError(location) << "the model has " << int64_t{status.st_size}
                               << " bytes, but an ONNX file holds at most 2 GiB; "
                                  "store its weights as external data";
  closeFile.release();
  return std::pair(file, int64_t{status.st_size});
}

/// Piece by piece: the message is the one copy of the weights.
std::unique_ptr<::onnx::ModelProto> parseBinary(int file, int64_t size, StringRef path, MLIRContext &context) {
  // Protobuf would write its own opinion to stderr.
  google::protobuf::LogSilencer silence;
  constexpr int pieceBytes = 1 << 20;
  google::protobuf::io::FileInputStream stream(file, pieceBytes);
  auto model = std::make_unique<::onnx::ModelProto>();
  if (!model->ParseFromZeroCopyStream(&stream)) {
    emitError(fileLocation(path, context))
        << "this is no ONNX model, or a damaged one: protobuf cannot parse its "
        << size << " bytes";
    return nullptr;
  }
  return model;
}

/// The deepest nesting of brackets in an ONNX text, strings and comments apart.
/// The parser recurses once a bracket, so this bounds its stack.
unsigned bracketDepth(StringRef text) {
  unsigned depth = 0, deepest = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
    case '#':
      i = std::min(text.find('\n', i), text.size());
      break;
    case '"':
      i = std::min(text.find('"', i + 1), text.size());
      break;
    case '(':
    case '{':
    case '[':
      deepest = std::max(deepest, ++depth);
      break;
    case ')':
    case '}':
    case ']':
      depth -= depth > 0;
      break;
    }
  }
  return deepest;
}

/// An error at a position that the parser wrote as "(line: 3 column: 7)".
InFlightDiagnostic emitAt(StringRef position, StringRef path,
                          MLIRContext &context) {
  unsigned line = 0, column = 0;
  if (position.consume_front("(line: ") && !position.consumeInteger(10, line) &&
      position.consume_front(" column: "))
    position.consumeInteger(10, column);
  InFlightDiagnostic diagnostic =
      emitError(FileLineColLoc::get(&context, path, line, column));
  diagnostic << "ONNX text: ";
  return diagnostic;
}

/// Reports "[ParseError at position (line: 3 column: 7)]\nError context:
/// ...\nmessage".
void emitParseError(StringRef status, StringRef path, MLIRContext &context) {
  auto [head, message] = status.split("]\n");
  head.consume_front("[ParseError at position ");
  if (message.starts_with("Error context: "))
    message = message.split('\n').second;
  emitAt(head, path, context) << onOneLine(message.trim());
}

std::unique_ptr<::onnx::ModelProto> parseText(StringRef text, StringRef path,
                                              MLIRContext &context) {
  constexpr unsigned maxDepth = 64;
  Location location = fileLocation(path, context);
  if (text.contains('\0')) {
    emitError(location) << "ONNX text: the file holds a NUL character";
    return nullptr;
  }
  if (unsigned depth = bracketDepth(text); depth > maxDepth) {
    emitError(location) << "ONNX text: brackets are nested " << depth
                        << " deep, at most " << maxDepth << " are read";
    return nullptr;
  }
  auto model = std::make_unique<::onnx::ModelProto>();
  ::onnx::OnnxParser parser(text.data());
  try {
    ::onnx::Status status = parser.Parse(*model);
    if (!status.IsOK()) {
      emitParseError(status.ErrorMessage(), path, context);
      return nullptr;
    }
  } catch (const std::logic_error &) {
    // The parser converts numbers with std::stoll and the like.
    emitAt(parser.GetCurrentPos(), path, context)
        << "a number is malformed or out of range";
    return nullptr;
  }
  return model;
}

} // namespace

std::unique_ptr<::onnx::ModelProto>
dtc::onnximport::readModel(StringRef path, MLIRContext &context) {
  FailureOr<std::pair<int, int64_t>> opened = openFile(path, context);
  if (failed(opened))
    return nullptr;
  auto [file, size] = *opened;
  llvm::scope_exit closeFile([file = file] { close(file); });
  if (!path.ends_with(".onnxtxt"))
    return parseBinary(file, size, path, context);
  // Volatile: read, not mapped, so that a file cut off meanwhile does no harm.
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      llvm::MemoryBuffer::getOpenFile(file, path, size,
                                      /*RequiresNullTerminator=*/true,
                                      /*IsVolatile=*/true);
  if (!buffer) {
    emitError(fileLocation(path, context)) << "cannot read the model: "
                                           << buffer.getError().message();
    return nullptr;
  }
  StringRef text = (*buffer)->getBuffer();
  text.consume_front("\xEF\xBB\xBF"); // the byte order mark that some editors write
  return parseText(text, path, context);
}
