// Layers over sequences [N, T, D]: attention as one operator and in parts, recurrent layers.
#include "test/RandomGraphs/GraphMaker.h"

#include <cmath>

using namespace dtc::test;

namespace {

std::optional<Value> takeSequence(GraphMaker &maker) {
  return maker.take([](const Value &value) { return value.rank() == 3 && value.shape[1] <= 8 && value.shape[2] <= 12; });
}

std::string project(GraphMaker &maker, const Value &x, int64_t width) {
  return maker.node("MatMul", {x.name, maker.weight({x.shape[2], width}, x.shape[2])});
}

/// What a query may not read: none, what comes later, places of its own.
std::string addMask(GraphMaker &maker, const std::string &scores, int64_t queries, int64_t keys) {
  int64_t kind = maker.draw(3);
  if (kind == 0)
    return scores;
  std::vector<int64_t> sees;
  std::vector<double> added;
  for (int64_t i = 0; i < queries * keys; ++i) {
    bool visible = kind == 1 ? i % keys <= i / keys : i % keys == 0 || maker.chance(70);
    sees.push_back(visible);
    added.push_back(visible ? 0 : -1e9);
  }
  if (maker.chance(50))
    return maker.node("Add", {scores, maker.constant({queries, keys}, added)});
  std::string mask = maker.booleans({queries, keys}, sees);
  return maker.node("Where", {mask, scores, maker.constant(-1e9)});
}

/// Heads of a layer as exporters write them; keys' and values' heads may be fewer.
void addAttentionInParts(GraphMaker &maker) {
  auto x = takeSequence(maker);
  if (!x)
    return;
  auto y = maker.chance(30) ? takeSequence(maker) : x; // across
  int64_t n = x->shape[0], queries = x->shape[1], keys = y->shape[1], heads = 1 + maker.draw(3), size = 1 + maker.draw(4);
  auto split = [&](const Value &of, Shape permutation) {
    Value flat{project(maker, of, heads * size), {n, of.shape[1], heads * size}, 2};
    return maker.transpose(maker.reshape(flat, {n, of.shape[1], heads, size}), permutation).name;
  };
  std::string q = split(*x, {0, 2, 1, 3}), k = split(*y, {0, 2, 3, 1}), v = split(*y, {0, 2, 1, 3});
  double scale = 1 / std::sqrt(static_cast<double>(size));
  if (maker.chance(30)) { // the root on both sides
    q = maker.node("Mul", {q, maker.constant(std::sqrt(scale))});
    k = maker.node("Mul", {k, maker.constant(std::sqrt(scale))});
    scale = 1;
  }
  std::string scores = maker.node("MatMul", {q, k});
  if (scale != 1)
    scores = maker.chance(50) ? maker.node("Mul", {scores, maker.constant(scale)}) : maker.node("Div", {scores, maker.constant(1 / scale)});
  std::string shares = maker.node("Softmax", {addMask(maker, scores, queries, keys)}, {{"axis", int64_t{-1}}});
  Value mixed{maker.node("MatMul", {shares, v}), {n, heads, queries, size}, 3};
  Value merged = maker.reshape(maker.transpose(mixed, {0, 2, 1, 3}), {n, queries, heads * size});
  maker.keep(merged.name, merged.shape, 3);
}

void addAttention(GraphMaker &maker) {
  if (maker.opset < 23)
    return;
  auto x = takeSequence(maker);
  if (!x)
    return;
  int64_t groups = 1 + maker.draw(2), heads = groups * (1 + maker.draw(2)), size = 2 * (1 + maker.draw(2));
  std::vector<std::string> inputs = {project(maker, *x, heads * size), project(maker, *x, groups * size), project(maker, *x, groups * size)};
  int64_t causal = maker.draw(2);
  maker.keep(maker.node("Attention", inputs, {{"q_num_heads", heads}, {"kv_num_heads", groups}, {"is_causal", causal}}),
             {x->shape[0], x->shape[1], heads * size}, 3);
}

/// Over [T, N, D], as ONNX's recurrent layers take it; all of its states, or the last one.
void addRecurrent(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() == 3 && value.shape[1] <= 4 && value.shape[2] <= 8; });
  if (!x)
    return;
  int64_t kind = maker.draw(3), gates = kind == 0 ? 1 : kind == 1 ? 3 : 4, hidden = 1 + maker.draw(4), width = x->shape[2];
  std::string direction = maker.oneOf<std::string>({"forward", "forward", "reverse", "bidirectional"});
  int64_t ways = direction == "bidirectional" ? 2 : 1, length = x->shape[1], n = x->shape[0];
  std::string sequence = maker.transpose(*x, {1, 0, 2}).name;
  std::vector<std::string> inputs = {sequence, maker.weight({ways, gates * hidden, width}, width), maker.weight({ways, gates * hidden, hidden}, hidden)};
  if (maker.chance(70))
    inputs.push_back(maker.parameter({ways, 2 * gates * hidden}, 0.2));
  std::vector<Attribute> attributes = {{"hidden_size", hidden}, {"direction", direction}};
  if (kind == 1)
    attributes.push_back({"linear_before_reset", maker.draw(2)});
  const char *op = kind == 0 ? "RNN" : kind == 1 ? "GRU" : "LSTM";
  std::vector<std::string> made = maker.nodeOf(op, inputs, 2, attributes);
  if (maker.chance(50)) { // [T, ways, N, hidden]
    Value all = maker.transpose({made[0], {length, ways, n, hidden}, 1}, {2, 0, 1, 3});
    maker.keep(all.name, all.shape, 1);
  } else { // [ways, N, hidden]
    Value last = maker.transpose({made[1], {ways, n, hidden}, 1}, {1, 0, 2});
    maker.keep(last.name, last.shape, 1);
  }
}

} // namespace

llvm::ArrayRef<Family> dtc::test::sequenceFamilies() {
  static constexpr Family families[] = {{"attention_in_parts", addAttentionInParts}, {"attention", addAttention}, {"recurrent", addRecurrent}};
  return families;
}
