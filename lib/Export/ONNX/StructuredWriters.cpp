// Convolutions, matrix products and pooling.
#include "GraphWriter.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnxexport;

namespace {

LogicalResult writeConv(GraphWriter &writer, Operation *op) {
  auto conv = cast<nn::ConvOp>(op);
  ::onnx::NodeProto &node = writer.node(op, "Conv", writer.operands(op));
  GraphWriter::set(node, "strides", conv.getStrides());
  GraphWriter::set(node, "dilations", conv.getDilations());
  GraphWriter::set(node, "pads", conv.getPads());
  GraphWriter::set(node, "group", static_cast<int64_t>(conv.getGroups()));
  return success();
}

LogicalResult writeMatmul(GraphWriter &writer, Operation *op) {
  auto matmul = cast<nn::MatmulOp>(op);
  auto turned = [&](TypedValue<RankedTensorType> value, bool transpose) {
    if (!transpose)
      return writer.nameOf(value);
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(value.getType().getRank()));
    std::swap(permutation.back(), permutation[permutation.size() - 2]);
    return writer.between(op, "Transpose", {writer.nameOf(value)}, [&](::onnx::NodeProto &node) { GraphWriter::set(node, "perm", permutation); });
  };
  std::string a = turned(matmul.getA(), matmul.getTransposeA()), b = turned(matmul.getB(), matmul.getTransposeB());
  writer.node(op, "MatMul", {a, b});
  return success();
}

template <typename Op> ::onnx::NodeProto &writeWindows(GraphWriter &writer, Op pool, StringRef type) {
  ::onnx::NodeProto &node = writer.node(pool, type, {writer.nameOf(pool.getX())});
  GraphWriter::set(node, "kernel_shape", pool.getKernel());
  GraphWriter::set(node, "strides", pool.getStrides());
  GraphWriter::set(node, "pads", pool.getPads());
  GraphWriter::set(node, "dilations", pool.getDilations());
  GraphWriter::set(node, "ceil_mode", static_cast<int64_t>(pool.getCeilMode()));
  return node;
}

LogicalResult writeMaxPool(GraphWriter &writer, Operation *op) {
  auto pool = cast<nn::MaxPoolOp>(op);
  if (!pool.getIndex().use_empty())
    return op->emitError() << "no form in ONNX is known of the index of " << op->getName();
  writeWindows(writer, pool, "MaxPool");
  return success();
}

LogicalResult writeAvgPool(GraphWriter &writer, Operation *op) {
  auto pool = cast<nn::AvgPoolOp>(op);
  GraphWriter::set(writeWindows(writer, pool, "AveragePool"), "count_include_pad", static_cast<int64_t>(pool.getCountIncludePad()));
  return success();
}

} // namespace

void dtc::onnxexport::addStructuredWriters(OpWriters &writers) {
  writers["nn.conv"] = writeConv;
  writers["nn.matmul"] = writeMatmul;
  writers["nn.max_pool"] = writeMaxPool;
  writers["nn.avg_pool"] = writeAvgPool;
}
