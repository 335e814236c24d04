// Attention.
#include "ElementwiseOps.h"
#include "Operators.h"
#include "Reduction.h"

#include <cmath>
#include <limits>

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

namespace {
/// What is asked of the attention of Q [N, H, T, D], K [N, G, S, D] and V [N, G, S, E], or of those with heads behind positions.
struct Attention {
  Value q, k, v, mask;
  bool positionsFirst, causal;
  double scale, softcap;
};
} // namespace

/// Whether query t attends to key s: to all up to `past` behind its own place.
static FailureOr<Value> causalMask(Node &node, int64_t queries, int64_t keys, int64_t past) {
  if (queries > INT32_MAX || keys > INT32_MAX || !node.affords(queries * keys))
    return node.failed() ? FailureOr<Value>() : node.error() << "has too many keys";
  SmallVector<bool> allowed;
  for (int64_t t = 0; t < queries; ++t)
    for (int64_t s = 0; s < keys; ++s)
      allowed.push_back(s <= t + past);
  return node.constant(DenseElementsAttr::get(RankedTensorType::get({queries, keys}, node.builder().getI1Type()), ArrayRef<bool>(allowed)));
}

/// `mask`, of which there may be none, with what `allowed` excludes.
static Value masked(Node &node, Value mask, Value allowed) {
  if (!mask)
    return allowed;
  return isa<FloatType>(getElementTypeOrSelf(mask))
             ? make<nn::WhereOp>(node, {allowed, mask, node.scalar(-std::numeric_limits<double>::infinity())})
             : make<nn::AndOp>(node, {mask, allowed});
}

/// Each head of [N, G, S, D] for all of the `heads` that share it.
static Value shareHeads(Node &node, Value x, int64_t heads) {
  SmallVector<int64_t> shape(shapeOf(x));
  if (shape[1] == heads)
    return x;
  FailureOr<Value> apart = node.reshape(x, {shape[0], shape[1], 1, shape[2], shape[3]});
  FailureOr<Value> all = failed(apart) ? apart : node.broadcast(*apart, {shape[0], shape[1], heads / shape[1], shape[2], shape[3]});
  FailureOr<Value> joined = failed(all) ? all : node.reshape(*all, {shape[0], heads, shape[2], shape[3]});
  return failed(joined) ? Value() : *joined;
}

/// Where something is asked for that nn.attention has not: caps, scores (qk_matmul_output). Its softmax is of T x S elements.
static FailureOr<Value> attentionInParts(Node &node, Attention of, int64_t outputMode) {
  MLIRContext *context = node.builder().getContext();
  auto transpose = [&](Value x, ArrayRef<int64_t> order) { return make<nn::TransposeOp>(node, x, node.list("permutation", order)); };
  auto product = [&](Value a, Value b) {
    return make<nn::MatmulOp>(node, {a, b}, {{StringAttr::get(context, nn::MatmulOp::getOperandSegmentSizeAttr()),
                                              DenseI32ArrayAttr::get(context, {1, 1, 0, 0})}});
  };
  if (of.positionsFirst)
    for (Value *x : {&of.q, &of.k, &of.v})
      if (!(*x = transpose(*x, {0, 2, 1, 3})))
        return failure();
  int64_t heads = shapeOf(of.q)[1], groups = shapeOf(of.k)[1];
  if (heads % groups != 0 || shapeOf(of.v)[1] != groups)
    return node.error() << groups << " heads of K and " << shapeOf(of.v)[1] << " of V are not shared by " << heads << " of Q";
  Value k = shareHeads(node, of.k, heads), v = shareHeads(node, of.v, heads);
  Value scores = k ? product(of.q, transpose(k, {0, 1, 3, 2})) : Value();
  scores = make<nn::MulOp>(node, {scores, node.scalar(of.scale)});
  if (!scores || !v)
    return failure();
  Value x = scores, infinite = node.scalar(-std::numeric_limits<double>::infinity());
  if (of.softcap != 0)
    x = make<nn::MulOp>(node, {make<nn::TanhOp>(node, make<nn::DivOp>(node, {x, node.scalar(of.softcap)})), node.scalar(of.softcap)});
  Value mask = of.mask;
  if (of.causal) {
    FailureOr<Value> allowed = causalMask(node, shapeOf(scores)[2], shapeOf(scores)[3], /*past=*/0);
    if (failed(allowed) || !(mask = masked(node, mask, *allowed)))
      return failure();
  }
  if (mask)
    x = isa<FloatType>(getElementTypeOrSelf(mask)) ? make<nn::AddOp>(node, {x, mask}) : make<nn::WhereOp>(node, {mask, x, infinite});
  if (!x || shapeOf(x) != shapeOf(scores))
    return node.failed() ? FailureOr<Value>()
                         : node.error() << "a mask of shape " << nn::formatShape(shapeOf(mask)) << " does not fit scores "
                                        << nn::formatShape(shapeOf(scores));
  // A query without keys has no probabilities.
  FailureOr<Value> most = largest(node, x, 3);
  Value isEmpty = failed(most) ? Value() : make<nn::EqualOp>(node, {*most, infinite});
  Value probabilities = make<nn::SoftmaxOp>(node, make<nn::WhereOp>(node, {isEmpty, node.scalar(0), x}), node.number("axis", 3));
  probabilities = make<nn::WhereOp>(node, {isEmpty, node.scalar(0), probabilities});
  if (!probabilities)
    return failure();
  node.give(3, outputMode == 0 ? scores : probabilities);
  Value y = product(probabilities, v);
  return of.positionsFirst ? transpose(y, {0, 2, 1, 3}) : y;
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
  int64_t outputMode = node.integer("qk_matmul_output_mode", 0), softmaxPrecision = node.integer("softmax_precision", 0);
  bool isPast = node.hasInput(4) || node.hasInput(5), wantsScores = node.usesOutput(3);
  if (node.hasInput(4) != node.hasInput(5))
    return node.error() << "past_key and past_value must be given together";
  if (wantsScores && ((outputMode != 0 && outputMode != 3) || (outputMode == 0 && softcap != 0)))
    return node.error() << "output qk_matmul_output, of mode " << outputMode << (softcap != 0 ? " with a softcap" : "")
                        << ", is not supported: versions of ONNX give it different numbers; modes 0, without a softcap, and 3 are";
  if (!(softcap >= 0))
    return node.error() << "softcap " << softcap << " is negative";
  if (softmaxPrecision == ::onnx::TensorProto::DOUBLE)
    return node.error() << "softmax_precision double is not supported: it is computed in f32";
  Value mask = node.hasInput(3) ? node.tensor(3) : Value();
  Value past[2] = {isPast ? node.tensor(4) : Value(), isPast ? node.tensor(5) : Value()};
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
  } else if ((heads != 0 && heads != shapeOf(operands[0])[1]) || (groups != 0 && groups != shapeOf(operands[1])[1])) {
    return node.error() << "q_num_heads " << heads << " and kv_num_heads " << groups << " are not those of Q " << nn::formatShape(shapeOf(operands[0]))
                        << " and K " << nn::formatShape(shapeOf(operands[1]));
  }
  bool positionsFirst = rank == 3;
  // Heads come first in what is kept of earlier steps.
  if (positionsFirst && (isPast || node.usesOutput(1) || node.usesOutput(2))) {
    for (Value &x : operands)
      if (!(x = make<nn::TransposeOp>(node, x, node.list("permutation", {0, 2, 1, 3}))))
        return failure();
    positionsFirst = false;
  }
  for (unsigned i : {0u, 1u}) {
    Value &x = operands[i + 1];
    if (isPast && !(x = make<nn::ConcatOp>(node, {past[i], x}, node.number("axis", 2))))
      return failure();
    node.give(i + 1, x);
  }
  unsigned along = positionsFirst ? 1 : 2;
  int64_t width = shapeOf(operands[0])[3], queries = shapeOf(operands[0])[along], keys = shapeOf(operands[1])[along];
  // Behind earlier keys a query stands later.
  if (causal && isPast) {
    FailureOr<Value> allowed = causalMask(node, queries, keys, shapeOf(past[0])[2]);
    if (failed(allowed) || !(mask = masked(node, mask, *allowed)))
      return failure();
    causal = false;
  }
  double factor = scale ? *scale : 1 / std::sqrt(static_cast<double>(width));
  FailureOr<Value> y = failure();
  if (softcap != 0 || wantsScores) {
    y = attentionInParts(node, {operands[0], operands[1], operands[2], mask, positionsFirst, causal, factor, softcap}, outputMode);
  } else {
    if (mask)
      operands.push_back(mask);
    if (positionsFirst)
      attributes.push_back(node.unit("positions_first"));
    if (causal)
      attributes.push_back(node.unit("causal"));
    attributes.push_back(node.real("scale", factor));
    y = node.create<nn::AttentionOp>(operands, attributes);
  }
  if (failed(y) || !*y || rank == 4)
    return failed(y) || !*y ? FailureOr<Binding>() : y;
  if (!positionsFirst) {
    y = given(make<nn::TransposeOp>(node, *y, node.list("permutation", {0, 2, 1, 3})));
    if (failed(y))
      return failure();
  }
  ArrayRef<int64_t> shape = shapeOf(*y);
  return node.reshape(*y, {shape[0], shape[1], shape[2] * shape[3]});
}

void dtc::onnximport::addAttentionOperators(OperatorTable &table) {
  table.add({{"Attention", 23, 3, 6, 4, importAttention,
              "`nn.attention`; Q, K and V of rank 3 through `nn.reshape`; with a `softcap`, or if scores are used, `nn.matmul` and `nn.softmax`"}});
}
