// Attention.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// [N, T, H * D] -> [N, T, H, D], of which `heads` says H.
static FailureOr<Value> splitHeads(Node &node, Value x, StringRef name, int64_t heads) {
  ArrayRef<int64_t> shape = shapeOf(x);
  if (heads < 1 || shape[2] % heads != 0)
    return node.error() << name << " of shape " << nn::formatShape(shape) << " has not " << heads << " heads of one width";
  return node.reshape(x, {shape[0], shape[1], heads, shape[2] / heads});
}

/// softmax(scale Q K^T + mask) V over heads that are a dimension (rank 4), or parts of the last one (rank 3).
static FailureOr<Binding> importAttention(Node &node) {
  SmallVector<Value> operands = {node.tensor(0), node.tensor(1), node.tensor(2)};
  bool causal = node.flag("is_causal", false);
  // Of tensors of rank 4, where the dimension says it, they may be given too.
  int64_t heads = node.integer("q_num_heads", 0), groups = node.integer("kv_num_heads", 0);
  std::optional<double> scale;
  if (node.hasAttribute("scale"))
    scale = node.floating("scale", 1);
  double softcap = node.floating("softcap", 0);
  node.integer("qk_matmul_output_mode", 0); // of an output that is refused below
  int64_t softmaxPrecision = node.integer("softmax_precision", 0);
  for (auto [i, name] : {std::pair(4u, "past_key"), std::pair(5u, "past_value")})
    if (node.hasInput(i))
      return node.error() << "input " << name << " is not supported: keys of earlier steps belong to generation, not to training";
  for (auto [i, name] : {std::pair(1u, "present_key"), {2u, "present_value"}, {3u, "qk_matmul_output"}})
    if (node.usesOutput(i))
      return node.error() << "output " << name << " is not supported";
  if (softcap != 0)
    return node.error() << "softcap " << softcap << " is not supported; only 0, none, is";
  if (softmaxPrecision == ::onnx::TensorProto::DOUBLE)
    return node.error() << "softmax_precision double is not supported: it is computed in f32";
  Value mask = node.hasInput(3) ? node.tensor(3) : Value();
  if (node.failed())
    return failure();

  size_t rank = shapeOf(operands[0]).size();
  if ((rank != 3 && rank != 4) || shapeOf(operands[1]).size() != rank || shapeOf(operands[2]).size() != rank)
    return node.error() << "Q " << nn::formatShape(shapeOf(operands[0])) << ", K " << nn::formatShape(shapeOf(operands[1])) << " and V "
                        << nn::formatShape(shapeOf(operands[2])) << " must all have rank 3, or all rank 4";
  SmallVector<NamedAttribute> attributes;
  if (rank == 3) {
    if (heads == 0 || groups == 0)
      return node.error() << "Q, K and V of rank 3 need the attributes q_num_heads and kv_num_heads";
    static constexpr StringLiteral names[] = {"Q", "K", "V"};
    for (auto [i, name] : llvm::enumerate(names)) {
      FailureOr<Value> split = splitHeads(node, operands[i], name, i == 0 ? heads : groups);
      if (failed(split))
        return failure();
      operands[i] = *split;
    }
    attributes.push_back(node.unit("positions_first"));
  } else if ((heads != 0 && heads != shapeOf(operands[0])[1]) || (groups != 0 && groups != shapeOf(operands[1])[1])) {
    return node.error() << "q_num_heads " << heads << " and kv_num_heads " << groups << " are not those of Q " << nn::formatShape(shapeOf(operands[0]))
                        << " and K " << nn::formatShape(shapeOf(operands[1]));
  }
  if (mask)
    operands.push_back(mask);
  if (causal)
    attributes.push_back(node.unit("causal"));
  int64_t width = shapeOf(operands[0])[3];
  attributes.push_back(node.real("scale", scale ? *scale : 1 / std::sqrt(static_cast<double>(width))));
  FailureOr<Value> y = node.create<nn::AttentionOp>(operands, attributes);
  if (failed(y) || rank == 4)
    return y;
  ArrayRef<int64_t> shape = shapeOf(*y);
  return node.reshape(*y, {shape[0], shape[1], shape[2] * shape[3]});
}

void dtc::onnximport::addAttentionOperators(OperatorTable &table) {
  table.add({{"Attention", 23, 3, 6, 4, importAttention,
              "`nn.attention`; Q, K and V of rank 3 through `nn.reshape`; no `past_key`, no `softcap`"}});
}
