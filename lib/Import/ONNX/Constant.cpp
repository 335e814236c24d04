// Constant and Identity.
#include "Operators.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace dtc::onnximport;

using ::onnx::AttributeProto;

static FailureOr<Binding> importConstant(Node &node) {
  constexpr StringLiteral names[] = {
      "value",      "value_float",  "value_floats", "value_int",
      "value_ints", "sparse_value", "value_string", "value_strings"};
  unsigned given = llvm::count_if(
      names, [&](StringRef name) { return node.hasAttribute(name); });
  if (given != 1)
    return node.error() << "exactly one value must be given, not " << given;

  if (auto value = node.attribute("value", AttributeProto::TENSOR))
    return node.readTensor(value->t(), "attribute 'value'");
  if (auto value = node.attribute("value_float", AttributeProto::FLOAT))
    return Binding(node.scalar(value->f()));
  if (auto value = node.attribute("value_floats", AttributeProto::FLOATS)) {
    ArrayRef<float> floats(value->floats().data(), value->floats_size());
    int64_t size = floats.size();
    if (failed(checkShape(size, [&] { return node.error(); })))
      return failure();
    auto type = RankedTensorType::get(size, node.builder().getF32Type());
    return Binding(node.constant(DenseElementsAttr::get(type, floats)));
  }
  if (auto value = node.attribute("value_int", AttributeProto::INT))
    return node.reshape(node.integers(value->i()), {});
  if (auto value = node.attribute("value_ints", AttributeProto::INTS))
    return node.integers(ArrayRef<int64_t>(value->ints().data(), value->ints_size()));
  if (!node.failed())
    node.error() << "strings and sparse tensors are not supported";
  return failure();
}

static FailureOr<Binding> importIdentity(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  return x;
}

void dtc::onnximport::addConstantOperators(OperatorTable &table) {
  table.add({{"Constant", 13, 0, 0, 1, importConstant,
              "`nn.constant`"},
             {"Identity", 13, 1, 1, 1, importIdentity, "its operand"}});
}
