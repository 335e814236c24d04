// Constants, shapes, reductions, softmax, gather; and dropout, which evaluation has not.
#include "GraphWriter.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnxexport;

namespace {

LogicalResult writeConstant(GraphWriter &writer, Operation *op) {
  auto elements = dyn_cast<DenseElementsAttr>(cast<nn::ConstantOp>(op).getValue());
  Value value = op->getResult(0);
  for (unsigned d = 0; d < cast<RankedTensorType>(value.getType()).getShape().size(); ++d)
    if (!elements || writer.isOfBatch(value, d))
      return op->emitError() << "a constant of the whole batch has no form in ONNX where the batch has no fixed size";
  writer.name(value, writer.elements(elements));
  return success();
}

LogicalResult writeReshape(GraphWriter &writer, Operation *op) {
  FailureOr<SmallVector<int64_t>> shape = writer.shapeFor(op, op->getResult(0));
  if (failed(shape))
    return failure();
  writer.node(op, "Reshape", {writer.nameOf(op->getOperand(0)), writer.integers(*shape)});
  return success();
}

LogicalResult writeTranspose(GraphWriter &writer, Operation *op) {
  GraphWriter::set(writer.node(op, "Transpose", writer.operands(op)), "perm", cast<nn::TransposeOp>(op).getPermutation());
  return success();
}

/// Expand keeps a dimension where it is asked for 1.
LogicalResult writeBroadcast(GraphWriter &writer, Operation *op) {
  Value x = op->getOperand(0), y = op->getResult(0);
  SmallVector<int64_t> shape(cast<RankedTensorType>(y.getType()).getShape());
  size_t added = shape.size() - cast<RankedTensorType>(x.getType()).getRank();
  for (auto [d, size] : llvm::enumerate(shape))
    if (writer.isOfBatch(y, d)) {
      if (d < added || !writer.isOfBatch(x, d - added))
        return op->emitError() << "no form in ONNX is known of " << op->getName() << " to the size of the batch";
      size = 1;
    }
  writer.node(op, "Expand", {writer.nameOf(x), writer.integers(shape)});
  return success();
}

LogicalResult writeConcat(GraphWriter &writer, Operation *op) {
  GraphWriter::set(writer.node(op, "Concat", writer.operands(op)), "axis", static_cast<int64_t>(cast<nn::ConcatOp>(op).getAxis()));
  return success();
}

/// Only the dimensions that are cut.
LogicalResult writeSlice(GraphWriter &writer, Operation *op) {
  auto slice = cast<nn::SliceOp>(op);
  ArrayRef<int64_t> from = slice.getX().getType().getShape(), to = slice.getY().getType().getShape();
  SmallVector<int64_t> starts, ends, axes;
  for (auto [d, offset] : llvm::enumerate(slice.getOffsets())) {
    if (from[d] == to[d])
      continue;
    if (writer.isOfBatch(slice.getX(), d) || writer.isOfBatch(slice.getY(), d))
      return op->emitError() << "no form in ONNX is known of " << op->getName() << " of a part of the batch";
    starts.push_back(offset);
    ends.push_back(offset + to[d]);
    axes.push_back(d);
  }
  writer.node(op, "Slice", {writer.nameOf(slice.getX()), writer.integers(starts), writer.integers(ends), writer.integers(axes)});
  return success();
}

LogicalResult writePad(GraphWriter &writer, Operation *op) {
  auto pad = cast<nn::PadOp>(op);
  ArrayRef<int64_t> from = pad.getX().getType().getShape(), to = pad.getY().getType().getShape();
  SmallVector<int64_t> pads(pad.getOffsets());
  for (auto [d, offset] : llvm::enumerate(pad.getOffsets()))
    pads.push_back(to[d] - from[d] - offset);
  writer.node(op, "Pad", {writer.nameOf(pad.getX()), writer.integers(pads)});
  return success();
}

/// Axes are an input of ReduceMean since opset 18, of ReduceSum since 13.
template <typename Op> LogicalResult writeReduction(GraphWriter &writer, Operation *op, StringRef type) {
  auto reduction = cast<Op>(op);
  ::onnx::NodeProto &node = writer.node(op, type, {writer.nameOf(reduction.getX()), writer.integers(reduction.getAxes())});
  GraphWriter::set(node, "keepdims", static_cast<int64_t>(reduction.getKeepDims()));
  return success();
}
LogicalResult writeReduceSum(GraphWriter &writer, Operation *op) { return writeReduction<nn::ReduceSumOp>(writer, op, "ReduceSum"); }
LogicalResult writeReduceMean(GraphWriter &writer, Operation *op) { return writeReduction<nn::ReduceMeanOp>(writer, op, "ReduceMean"); }

LogicalResult writeSoftmax(GraphWriter &writer, Operation *op) {
  GraphWriter::set(writer.node(op, "Softmax", writer.operands(op)), "axis", static_cast<int64_t>(cast<nn::SoftmaxOp>(op).getAxis()));
  return success();
}
LogicalResult writeLogSoftmax(GraphWriter &writer, Operation *op) {
  GraphWriter::set(writer.node(op, "LogSoftmax", writer.operands(op)), "axis", static_cast<int64_t>(cast<nn::LogSoftmaxOp>(op).getAxis()));
  return success();
}

LogicalResult writeGather(GraphWriter &writer, Operation *op) {
  GraphWriter::set(writer.node(op, "Gather", writer.operands(op)), "axis", static_cast<int64_t>(cast<nn::GatherOp>(op).getAxis()));
  return success();
}

LogicalResult writeNothing(GraphWriter &writer, Operation *op) {
  writer.node(op, "Identity", {writer.nameOf(op->getOperand(0))});
  return success();
}

} // namespace

void dtc::onnxexport::addShapeWriters(OpWriters &writers) {
  writers["nn.constant"] = writeConstant;
  writers["nn.reshape"] = writeReshape;
  writers["nn.transpose"] = writeTranspose;
  writers["nn.broadcast"] = writeBroadcast;
  writers["nn.concat"] = writeConcat;
  writers["nn.slice"] = writeSlice;
  writers["nn.pad"] = writePad;
  writers["nn.reduce_sum"] = writeReduceSum;
  writers["nn.reduce_mean"] = writeReduceMean;
  writers["nn.softmax"] = writeSoftmax;
  writers["nn.log_softmax"] = writeLogSoftmax;
  writers["nn.gather"] = writeGather;
  writers["nn.dropout"] = writeNothing;
}
