// Which initializers a file uses as constants. A file does not say what is trained, so this is a guess, and good for a warning.
#include "ConstantUses.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

#include <google/protobuf/unknown_field_set.h>

using namespace mlir;
using namespace dtc;

//===----------------------------------------------------------------------===//
// What the exporter says
//===----------------------------------------------------------------------===//

/// What torch.onnx.export(dynamo=True) calls an initializer (torch.export.graph_signature.InputKind): in the metadata of its
/// value_info, a field of onnx.proto since IR version 10, which libonnx 1.12 does not know.
static std::string kindOf(const ::onnx::ValueInfoProto &info) {
  constexpr int metadataProps = 4;
  const google::protobuf::UnknownFieldSet &fields = info.unknown_fields();
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField &field = fields.field(i);
    ::onnx::StringStringEntryProto entry;
    if (field.number() == metadataProps &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
        entry.ParseFromString(field.length_delimited()) &&
        entry.key() == "pkg.torch.export.graph_signature.InputSpec.kind")
      return entry.value();
  }
  return {};
}

namespace {
/// Operands that only say how an operator computes.
struct Settings {
  StringRef op;
  SmallVector<int> operands;
};
} // namespace

static const Settings settings[] = {
    {"Clip", {1, 2}}, {"Dropout", {1}}, {"Pad", {2}}, {"Resize", {1, 2}}, {"Upsample", {1}}, {"OneHot", {2}}, {"Range", {0, 1, 2}},
};

/// Initializers that no node takes for anything else.
static void findSettings(const ::onnx::GraphProto &graph, llvm::StringSet<> &found) {
  llvm::StringSet<> others;
  for (const ::onnx::NodeProto &node : graph.node()) {
    const Settings *row = llvm::find_if(settings, [&](const Settings &row) { return row.op == node.op_type(); });
    bool known = row != std::end(settings) && (node.domain().empty() || node.domain() == "ai.onnx");
    for (auto [i, input] : llvm::enumerate(node.input()))
      (known && llvm::is_contained(row->operands, static_cast<int>(i)) ? found : others).insert(input);
  }
  for (const auto &name : others)
    found.erase(name.getKey());
}

/// What is TensorFlow's constant in a file of tf2onnx: 6 in relu6, the exponent in gelu, an epsilon. No layer of Keras has weights without
/// dimensions; a variable of somebody's own has the name of the op that reads it, as all have that TensorFlow did not fold.
static bool isTensorFlowConstant(const ::onnx::TensorProto &tensor) {
  return tensor.dims_size() == 0 && !StringRef(tensor.name()).contains("ReadVariableOp");
}

llvm::StringSet<> dtc::onnximport::findBuffers(const ::onnx::ModelProto &model) {
  const ::onnx::GraphProto &graph = model.graph();
  llvm::StringSet<> buffers, named;
  findSettings(graph, buffers);
  if (model.producer_name() == "tf2onnx")
    for (const ::onnx::TensorProto &tensor : graph.initializer())
      if (isTensorFlowConstant(tensor))
        buffers.insert(tensor.name());
  for (const ::onnx::ValueInfoProto &info : graph.value_info()) {
    std::string kind = kindOf(info);
    if (kind == "BUFFER" || kind == "CONSTANT_TENSOR")
      buffers.insert(info.name());
    if (!kind.empty())
      named.insert(info.name());
  }
  // Where the exporter names its parameters, another single number is one that it has computed (1 / sqrt(width), an epsilon). Larger tensors may be
  // parameters that it has transposed.
  if (!named.empty())
    for (const ::onnx::TensorProto &tensor : graph.initializer())
      if (!named.contains(tensor.name()) && llvm::all_of(tensor.dims(), [](int64_t size) { return size == 1; }))
        buffers.insert(tensor.name());
  for (const ::onnx::NodeProto &node : graph.node())
    if (node.op_type() == "BatchNormalization")
      for (int i = 3; i < std::min(node.input_size(), 5); ++i)
        buffers.erase(node.input(i));
  return buffers;
}

llvm::StringSet<> dtc::onnximport::findTensorFlowBiases(const ::onnx::ModelProto &model) {
  llvm::StringSet<> names;
  if (model.producer_name() == "tf2onnx")
    for (const ::onnx::NodeProto &node : model.graph().node())
      if (node.op_type() == "LSTM" && node.input_size() > 3)
        names.insert(node.input(3));
  return names;
}

bool dtc::onnximport::hasNoRecurrentBias(ElementsAttr bias) {
  ShapedType type = bias.getShapedType();
  if (type.getRank() != 2)
    return false;
  int64_t row = type.getDimSize(1);
  auto isZero = [&](auto values) {
    for (auto [i, value] : llvm::enumerate(values))
      if (static_cast<int64_t>(i) % row >= row / 2 && value != 0)
        return false;
    return true;
  };
  if (auto dense = dyn_cast<DenseFPElementsAttr>(bias))
    return dense.getElementType().isF32() && isZero(dense.getValues<float>());
  // What is large lies in a resource.
  auto resource = dyn_cast<DenseF32ResourceElementsAttr>(bias);
  std::optional<ArrayRef<float>> values = resource ? resource.tryGetAsArrayRef() : std::nullopt;
  return values && isZero(*values);
}

//===----------------------------------------------------------------------===//
// What its uses say
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

static bool hasArgumentAttr(Value value, StringRef name) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return false;
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  return bool(function.getArgAttr(argument.getArgNumber(), name));
}

/// A constant or a parameter, perhaps in another shape.
static bool isStored(Value value) {
  if (isa_and_nonnull<nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return matchPattern(value, m_Constant()) || hasArgumentAttr(value, nn::names::parameter);
}

/// An input of the model, perhaps already scaled, shifted or brought into another shape.
static bool isInput(Value value) {
  // A normalisation is a few ops; a chain without end in a file that is not trusted costs no more.
  for (int steps = 0; Operation *op = value.getDefiningOp(); ++steps) {
    if (steps == 8)
      return false;
    bool moves = isa<nn::ReshapeOp, nn::TransposeOp>(op);
    if (!moves && !(isa<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp>(op) &&
                    isStored(op->getOperand(1))))
      return false;
    value = op->getOperand(0);
  }
  return hasArgumentAttr(value, nn::names::input);
}

/// sqrt(x), or x to the power of a half, of minus a half.
static bool isRoot(Operation *op) {
  DenseFPElementsAttr exponent;
  return isa<nn::SqrtOp>(op) ||
         (isa<nn::PowOp>(op) && matchPattern(op->getOperand(1), m_Constant(&exponent)) &&
          exponent.isSplat() &&
          std::abs(exponent.getSplatValue<APFloat>().convertToDouble()) == 0.5);
}

/// One number that `op` spreads over features: other than a bias, of which each feature has its own. Where there may be just one feature
/// ([N, T, 1], [N, 1, H, W]), it may be that one's bias.
static bool isSpread(Value number, Value other) {
  if (cast<RankedTensorType>(number.getType()).getNumElements() != 1)
    return false;
  ArrayRef<int64_t> shape = shapeOf(other);
  return shape.size() >= 2 && shape[1] > 1 && shape.back() > 1;
}

static StringRef useBy(OpOperand &operand) {
  Operation *op = operand.getOwner();
  bool isSecond = operand.getOperandNumber() == 1;
  if (isa<nn::PowOp>(op))
    return isSecond ? "an exponent" : "";
  if (isRoot(op))
    return "under a root";
  if (isa<nn::MinOp, nn::MaxOp>(op))
    return cast<RankedTensorType>(operand.get().getType()).getNumElements() == 1 ? "a bound" : "";
  if (!isa<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp>(op))
    return "";
  if (isa<nn::AddOp>(op) && llvm::any_of(op->getUsers(), isRoot))
    return "under a root";
  Value other = op->getOperand(isSecond ? 0 : 1);
  if (isSecond && isa<nn::SubOp>(op) && isInput(other))
    return "subtracted from an input";
  if (isSecond && isa<nn::DivOp>(op) && isInput(other))
    return "divides an input";
  return isSpread(operand.get(), other) ? "one number for all features" : "";
}

/// The first use that tells, also of what is the value in another shape.
static StringRef useOf(Value value) {
  SmallVector<Value> worklist{value};
  for (int seen = 0; !worklist.empty() && seen < 64;)
    for (OpOperand &operand : worklist.pop_back_val().getUses()) {
      ++seen;
      if (isa<nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp>(operand.getOwner()))
        worklist.push_back(operand.getOwner()->getResult(0));
      else if (StringRef use = useBy(operand); !use.empty())
        return use;
    }
  return "";
}

void dtc::onnximport::markConstantUses(func::FuncOp model) {
  Builder builder(model.getContext());
  for (BlockArgument argument : model.getArguments()) {
    auto name = model.getArgAttrOfType<StringAttr>(argument.getArgNumber(), nn::names::parameter);
    if (!name || model.getArgAttr(argument.getArgNumber(), nn::names::frozen))
      continue;
    if (StringRef use = useOf(argument); !use.empty())
      model.setArgAttr(argument.getArgNumber(), nn::names::constantUse, builder.getStringAttr(use));
  }
}
