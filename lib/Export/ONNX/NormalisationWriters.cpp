// Normalisations, as they are evaluated, and attention from its parts: ONNX's own Attention is younger than most runtimes.
#include "GraphWriter.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnxexport;

namespace {

LogicalResult writeBatchNorm(GraphWriter &writer, Operation *op) {
  ::onnx::NodeProto &node = writer.node(op, "BatchNormalization", writer.operands(op));
  auto norm = cast<nn::BatchNormOp>(op);
  GraphWriter::set(node, "epsilon", norm.getEpsilon().convertToDouble());
  // ONNX weighs the old value with it, nn the new one.
  GraphWriter::set(node, "momentum", 1 - norm.getMomentum().convertToDouble());
  return success();
}

/// Statistics that something reads are the gradient's, and in no model.
LogicalResult checkStatistics(Operation *op) {
  for (Value result : op->getResults().drop_front())
    if (!result.use_empty())
      return op->emitError() << "no form in ONNX is known of the statistics of " << op->getName();
  return success();
}

LogicalResult writeLayerNorm(GraphWriter &writer, Operation *op) {
  auto norm = cast<nn::LayerNormOp>(op);
  ArrayRef<int64_t> row = norm.getX().getType().getShape().drop_front(norm.getAxis());
  auto all = [&](float value) {
    return writer.elements(DenseElementsAttr::get(RankedTensorType::get(row, Float32Type::get(op->getContext())), value));
  };
  std::vector<std::string> inputs{writer.nameOf(norm.getX()), norm.getScale() ? writer.nameOf(norm.getScale()) : all(1)};
  if (norm.getBias())
    inputs.push_back(writer.nameOf(norm.getBias()));
  ::onnx::NodeProto &node = writer.node(op, "LayerNormalization", inputs);
  GraphWriter::set(node, "axis", static_cast<int64_t>(norm.getAxis()));
  GraphWriter::set(node, "epsilon", norm.getEpsilon().convertToDouble());
  return checkStatistics(op);
}

/// x / sqrt(mean of squares + epsilon) * scale
LogicalResult writeRmsNorm(GraphWriter &writer, Operation *op) {
  auto norm = cast<nn::RmsNormOp>(op);
  std::string x = writer.nameOf(norm.getX());
  std::string mean = writer.between(op, "ReduceMean", {writer.between(op, "Mul", {x, x}),
                                                       writer.integers(llvm::to_vector(llvm::seq<int64_t>(norm.getAxis(), norm.getX().getType().getRank())))});
  std::string root = writer.between(op, "Sqrt", {writer.between(op, "Add", {mean, writer.number(norm.getEpsilon().convertToDouble())})});
  if (norm.getScale())
    writer.node(op, "Mul", {writer.between(op, "Div", {x, root}), writer.nameOf(norm.getScale())});
  else
    writer.node(op, "Div", {x, root});
  return checkStatistics(op);
}

/// GroupNormalization has a scale and a bias of each channel since opset 21.
LogicalResult writeGroupNorm(GraphWriter &writer, Operation *op) {
  auto norm = cast<nn::GroupNormOp>(op);
  ::onnx::NodeProto &node = writer.node(op, "GroupNormalization", writer.operands(op));
  GraphWriter::set(node, "num_groups", static_cast<int64_t>(norm.getGroups()));
  GraphWriter::set(node, "epsilon", norm.getEpsilon().convertToDouble());
  return checkStatistics(op);
}

/// softmax(scale q k^T + mask) v; 0 of a query without keys, where softmax would have 0 / 0.
LogicalResult writeAttention(GraphWriter &writer, Operation *op) {
  auto attention = cast<nn::AttentionOp>(op);
  auto headsFirst = [&](Value value) {
    std::string name = writer.nameOf(value);
    if (!attention.getPositionsFirst())
      return name;
    return writer.between(op, "Transpose", {name}, [](::onnx::NodeProto &node) { GraphWriter::set(node, "perm", ArrayRef<int64_t>{0, 2, 1, 3}); });
  };
  unsigned heads = attention.getPositionsFirst() ? 2 : 1, positions = 3 - heads;
  ArrayRef<int64_t> ofQ = attention.getQ().getType().getShape(), ofK = attention.getK().getType().getShape();
  ArrayRef<int64_t> ofV = attention.getV().getType().getShape();
  // Each head of k and v once for every head of q that shares it.
  auto shared = [&](std::string name, int64_t width) {
    int64_t times = ofQ[heads] / ofK[heads];
    if (times == 1)
      return name;
    std::string apart = writer.between(op, "Unsqueeze", {name, writer.integers({2})});
    std::string repeated = writer.between(op, "Expand", {apart, writer.integers({1, 1, times, 1, 1})});
    return writer.between(op, "Reshape", {repeated, writer.integers({0, ofQ[heads], ofK[positions], width})});
  };
  std::string q = headsFirst(attention.getQ()), k = shared(headsFirst(attention.getK()), ofK.back());
  std::string v = shared(headsFirst(attention.getV()), ofV.back());
  std::string turned = writer.between(op, "Transpose", {k}, [](::onnx::NodeProto &node) { GraphWriter::set(node, "perm", ArrayRef<int64_t>{0, 1, 3, 2}); });
  std::string scores = writer.between(op, "Mul", {writer.between(op, "MatMul", {q, turned}), writer.number(attention.getScale().convertToDouble())});
  std::string never = writer.number(-std::numeric_limits<double>::infinity());
  if (attention.getCausal()) {
    SmallVector<bool> seen;
    for (int64_t t = 0; t < ofQ[positions]; ++t)
      for (int64_t s = 0; s < ofK[positions]; ++s)
        seen.push_back(s <= t);
    auto type = RankedTensorType::get({ofQ[positions], ofK[positions]}, IntegerType::get(op->getContext(), 1));
    scores = writer.between(op, "Where", {writer.elements(DenseElementsAttr::get(type, ArrayRef<bool>(seen))), scores, never});
  }
  if (TypedValue<RankedTensorType> mask = attention.getMask()) {
    bool isBoolean = mask.getType().getElementType().isInteger(1);
    scores = isBoolean ? writer.between(op, "Where", {writer.nameOf(mask), scores, never}) : writer.between(op, "Add", {scores, writer.nameOf(mask)});
  }
  auto lastAxis = [](::onnx::NodeProto &node) { GraphWriter::set(node, "axis", int64_t{-1}); };
  std::string weights = writer.between(op, "Softmax", {scores}, lastAxis);
  if (attention.getMask()) {
    std::string largest = writer.between(op, "ReduceMax", {scores, writer.integers({-1})});
    weights = writer.between(op, "Where", {writer.between(op, "IsInf", {largest}), writer.number(0), weights});
  }
  if (!attention.getPositionsFirst()) {
    writer.node(op, "MatMul", {weights, v});
    return checkStatistics(op);
  }
  GraphWriter::set(writer.node(op, "Transpose", {writer.between(op, "MatMul", {weights, v})}), "perm", ArrayRef<int64_t>{0, 2, 1, 3});
  return checkStatistics(op);
}

} // namespace

void dtc::onnxexport::addNormalisationWriters(OpWriters &writers) {
  writers["nn.batch_norm"] = writeBatchNorm;
  writers["nn.layer_norm"] = writeLayerNorm;
  writers["nn.rms_norm"] = writeRmsNorm;
  writers["nn.group_norm"] = writeGroupNorm;
  writers["nn.attention"] = writeAttention;
}
