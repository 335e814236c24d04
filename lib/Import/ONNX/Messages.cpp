// How files, names and types appear in the importer's messages.
#include "Messages.h"

#include "dtc/Import/PrintableText.h"

#include "onnx/onnx_pb.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace dtc::onnximport;

std::string dtc::onnximport::onOneLine(StringRef text) {
  return printable(text);
}

std::string dtc::onnximport::quoted(StringRef name) {
  size_t limit = 100;
  if (name.size() > limit)
    // Between characters of UTF-8.
    while (limit > 97 && (name[limit] & 0xc0) == 0x80)
      --limit;
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
