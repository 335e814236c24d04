// Parameters that an exporter copied are one again: trained apart, each would move by its own gradient alone.
#include "EqualCopies.h"
#include "GraphImporter.h"
#include "Scopes.h"

#include "dialects/NN/NN.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Of a longer list the first are named.
static constexpr size_t mostNamed = 8;

std::vector<GraphImporter::Tie> GraphImporter::findTies() const {
  // What a node keeps up to date itself is not trained, and belongs to that node.
  llvm::StringSet<> statistics;
  for (const ::onnx::NodeProto &node : graph.node())
    if (node.op_type() == "BatchNormalization")
      for (int i = 3; i < std::min(node.input_size(), 5); ++i)
        statistics.insert(node.input(i));
  // Of several that are equal the first is kept: so names of the model's own come before those made up.
  SmallVector<size_t> order;
  for (bool madeUp : {false, true})
    for (size_t i = 0; i < parameters.size(); ++i)
      if (isMadeUp(parameters[i].name) == madeUp)
        order.push_back(i);
  SmallVector<ElementsAttr> elements;
  for (size_t i : order) {
    const Place &parameter = parameters[i];
    bool isTrained = !parameter.attributes.contains(nn::names::frozen) && !statistics.contains(parameter.name);
    elements.push_back(isTrained ? dyn_cast_if_present<ElementsAttr>(parameter.attributes.get(nn::names::init)) : ElementsAttr());
  }
  std::vector<Tie> found;
  for (const EqualCopy &equal : findEqualCopies(elements)) {
    const Place &copy = parameters[order[equal.copy]], &original = parameters[order[equal.original]];
    found.push_back({copy.name.str(), llvm::to_vector(cast<RankedTensorType>(copy.type).getShape()), original.name.str(), equal.isTransposed});
  }
  return found;
}

void GraphImporter::tieParameters() {
  if (!options.tie)
    return;
  ties = findTies();
  if (ties.empty()) {
    emitWarning(fileLocation(state.path, context)) << "--tie: no two parameters hold the same numbers, so none is tied";
    return;
  }
  llvm::StringSet<> copies;
  for (const Tie &tie : ties)
    copies.insert(tie.copy);
  llvm::erase_if(parameters, [&](const Place &parameter) { return copies.contains(parameter.name); });

  InFlightDiagnostic remark = emitRemark(fileLocation(state.path, context));
  remark << "tied, as their numbers are equal: ";
  llvm::interleaveComma(ArrayRef(ties).take_front(mostNamed), remark, [&](const Tie &tie) {
    remark << quoted(tie.copy) << " is " << quoted(tie.original) << (tie.isTransposed ? " transposed" : "");
  });
  if (ties.size() > mostNamed)
    remark << " and " << ties.size() - mostNamed << " more";
}

LogicalResult GraphImporter::defineTied() {
  for (const Tie &tie : ties) {
    Value value = state.bindings.find(tie.original)->second;
    if (tie.isTransposed)
      value = nn::TransposeOp::create(builder, namedLocation(tie.copy, state.path, context),
                                      cast<RankedTensorType>(value.getType()).clone(tie.shape), value, ArrayRef<int64_t>{1, 0});
    if (failed(defineName(tie.copy, value, "initializer")))
      return failure();
  }
  return success();
}
