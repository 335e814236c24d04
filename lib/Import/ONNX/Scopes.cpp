// The modules that PyTorch's exporters say around a node.
#include "Scopes.h"

#include "llvm/ADT/StringExtras.h"

#include <google/protobuf/unknown_field_set.h>

using namespace mlir;
using namespace dtc;

/// In the node's metadata, a field of onnx.proto since IR version 10, which libonnx 1.12 does not know.
SmallVector<std::string> dtc::onnximport::nameScopes(const ::onnx::NodeProto &node) {
  constexpr int metadataProps = 9;
  const google::protobuf::UnknownFieldSet &fields = node.unknown_fields();
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField &field = fields.field(i);
    ::onnx::StringStringEntryProto entry;
    if (field.number() != metadataProps || field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED ||
        !entry.ParseFromString(field.length_delimited()) || entry.key() != "pkg.torch.onnx.name_scopes")
      continue;
    SmallVector<std::string> scopes;
    SmallVector<StringRef> parts;
    constexpr int deepest = 256; // each is compared with each input
    StringRef(entry.value()).trim("[]").split(parts, ", ", deepest);
    for (StringRef part : parts)
      scopes.push_back(part.trim("'").str());
    return scopes;
  }
  return {};
}

std::string dtc::onnximport::modulePath(const ::onnx::NodeProto &node) {
  SmallVector<std::string> scopes = nameScopes(node);
  if (!scopes.empty())
    return scopes.size() < 2 ? "" : scopes[scopes.size() - 2];
  StringRef name = node.name();
  if (!name.consume_front("/"))
    return "";
  SmallVector<StringRef> components;
  name.split(components, '/');
  components.pop_back(); // the node's own
  // A container's name is there twice where its items are called: features, then features.0 for the item.
  std::string path;
  size_t last = 0;
  for (StringRef component : components) {
    if (component.empty())
      return "";
    if (!path.empty() && component.starts_with(path.substr(last) + "."))
      path.resize(last);
    else if (!path.empty())
      path += '.';
    last = path.size();
    path += component;
  }
  return path;
}

bool dtc::onnximport::isMadeUp(StringRef initializer) {
  if (initializer.starts_with("onnx::"))
    return true;
  initializer.consume_front("val_");
  return !initializer.empty() && llvm::all_of(initializer, llvm::isDigit);
}
