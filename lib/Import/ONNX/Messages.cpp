// How files, names and types appear in the importer's messages.
#include "Messages.h"

#include "onnx/onnx_pb.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace dtc::onnximport;

std::string dtc::onnximport::onOneLine(StringRef text) {
  std::string result;
  llvm::raw_string_ostream stream(result);
  for (unsigned char c : text) {
    // Bytes above ASCII are left alone: names may be UTF-8.
    if (c < 0x20 || c == 0x7f)
      stream << '\\' << llvm::hexdigit(c >> 4) << llvm::hexdigit(c & 15);
    else
      stream << c;
  }
  return result;
}

std::string dtc::onnximport::quoted(StringRef name) {
  constexpr size_t limit = 100;
  if (name.size() > limit)
    return llvm::formatv("'{0}…'", onOneLine(name.take_front(limit)));
  return llvm::formatv("'{0}'", onOneLine(name));
}

std::string dtc::onnximport::elementTypeName(int32_t dataType) {
  if (!::onnx::TensorProto::DataType_IsValid(dataType))
    return llvm::formatv("number {0}", dataType);
  return StringRef(::onnx::TensorProto::DataType_Name(
                       static_cast<::onnx::TensorProto::DataType>(dataType)))
      .lower();
}

Location dtc::onnximport::fileLocation(StringRef path, MLIRContext &context) {
  return FileLineColLoc::get(&context, path, 0, 0);
}

Location dtc::onnximport::namedLocation(StringRef name, StringRef path,
                                        MLIRContext &context) {
  return NameLoc::get(StringAttr::get(&context, name),
                      fileLocation(path, context));
}
