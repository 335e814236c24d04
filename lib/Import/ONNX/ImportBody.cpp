// Bodies of control flow, imported where they run.
#include "GraphImporter.h"

#include "llvm/ADT/ScopeExit.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

FailureOr<SmallVector<Binding>> GraphImporter::importBody(Node &node, const ::onnx::GraphProto &body, ArrayRef<Binding> arguments) {
  constexpr unsigned deepest = 64;
  if (state.depth == deepest)
    return node.error() << "is nested more than " << deepest << " deep";
  if (body.input_size() != static_cast<int>(arguments.size()))
    return node.error() << "its body " << quoted(body.name()) << " has " << body.input_size() << " inputs, not " << arguments.size();
  if (body.sparse_initializer_size() || body.quantization_annotation_size())
    return node.error() << "its body " << quoted(body.name()) << " has sparse initializers or is quantized, which is not supported";
  // The run itself counts too: a body may have no nodes.
  state.bodyNodes -= body.node_size() + 1;
  state.bodyBytes -= static_cast<int64_t>(body.ByteSizeLong());
  if (state.bodyNodes < 0 || state.bodyBytes < 0)
    return node.error() << "runs too often: If, Loop and Scan are written out at compile time, and make at most " << GraphState().bodyNodes
                        << " nodes or " << GraphState().bodyBytes << " bytes of them";

  // What has been named here, until the body ends: the next run names it again.
  SmallVector<StringRef> names;
  llvm::scope_exit forget([&] {
    for (StringRef name : names)
      state.bindings.erase(name);
    --state.depth;
  });
  ++state.depth;
  for (auto [input, argument] : llvm::zip_equal(body.input(), arguments)) {
    if (input.name().empty() || !state.bindings.try_emplace(input.name(), argument).second)
      return node.error() << "input " << quoted(input.name()) << " of its body has a name that is already taken; every name may be defined once";
    names.push_back(input.name());
  }
  for (auto [i, inner] : llvm::enumerate(body.node())) {
    // What is taken already belongs to somebody else, and is refused.
    for (const std::string &output : inner.output())
      if (!output.empty() && !state.bindings.contains(output))
        names.push_back(output);
    if (failed(importNode(inner, i)))
      return failure();
  }
  SmallVector<Binding> results;
  for (const ::onnx::ValueInfoProto &output : body.output()) {
    auto binding = state.bindings.find(output.name());
    if (output.name().empty() || binding == state.bindings.end())
      return node.error() << "output " << quoted(output.name()) << " of its body is not defined";
    results.push_back(binding->second);
  }
  return results;
}
