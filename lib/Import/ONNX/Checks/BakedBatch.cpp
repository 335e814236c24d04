// Check: a batch that the exporter wrote into the graph.
#include "Checks.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static std::vector<ModelFinding> find(const CheckedModel &checked) {
  std::vector<ModelFinding> findings;
  llvm::StringSet<> initialized;
  for (const ::onnx::TensorProto &tensor : checked.graph.initializer())
    initialized.insert(tensor.name());
  for (const ::onnx::ValueInfoProto &input : checked.graph.input()) {
    const ::onnx::TensorShapeProto &shape = input.type().tensor_type().shape();
    if (!initialized.contains(input.name()) && shape.dim_size() > 0 && shape.dim(0).has_dim_value())
      findings.push_back({"input " + quoted(input.name()),
                          "has a batch of " + std::to_string(shape.dim(0).dim_value()) + ", and --batch can give no other", false});
  }
  for (const BakedBatch &baked : checked.bakedBatches) {
    std::string what = "has the constant " + std::to_string(baked.size) + " where the batch should be";
    if (baked.isRebound)
      findings.push_back({"node " + quoted(baked.node), what + ", and is given the batch", false});
    else if (!checked.refusal.empty())
      findings.push_back({"node " + quoted(baked.node), what, true});
  }
  return findings;
}

const Check dtc::onnximport::bakedBatchCheck = {"baked-batch", "the batch of the export is written into the graph",
                                                "a program takes that batch alone, or the model is refused for any other",
                                                "the model with a symbolic batch, whose code takes sizes from its inputs: from PyTorch "
                                                "dynamic_axes={'input': {0: 'N'}} (dynamo=False), or "
                                                "dynamic_shapes=({0: 'N'},) with an example of two samples or more (dynamo=True)",
                                                find};
