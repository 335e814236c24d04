// Check: parameters that share one initializer.
#include "Checks.h"
#include "lib/Import/ONNX/Scopes.h"

#include "llvm/ADT/SmallVector.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  for (const GraphImporter::Parameter &parameter : checked.parameters) {
    if (!parameter.mergedWith.empty()) {
      findings.push_back(
          {placeOfInitializer(parameter.mergedWith), "is also " + quoted(parameter.name) + ", which is trained by itself again", false});
      continue;
    }
    // What an Identity copied is apart again.
    SmallVector<const ::onnx::NodeProto *> readers;
    llvm::copy_if(checked.readers.lookup(parameter.initializer), std::back_inserter(readers),
                  [](const ::onnx::NodeProto *node) { return !isOperator(*node, "Identity"); });
    if (readers.size() < 2)
      continue;
    const ::onnx::NodeProto &first = *readers.front();
    auto other = llvm::find_if(readers, [&](const ::onnx::NodeProto *node) { return modulePath(*node) != modulePath(first); });
    if (other != readers.end())
      findings.push_back(
          {placeOfInitializer(parameter.initializer),
           "is one parameter of " + placeOf(first) + " and " + placeOf(**other) + ", which are in different modules, and is trained as one",
           false});
  }
  return findings;
}

const Check dtc::onnximport::mergedParameterCheck = {
    "merged-parameter", "parameters share an initializer, since they are tied or began equal",
    "what is apart again trains as in the model; what is still one moves by the sum of the gradients of its uses, which is right of tied "
    "weights alone",
    "where the model does not tie them, export it after a few steps of training, or before it is initialised to equal numbers", find};
