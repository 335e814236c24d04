// Normalisations, as one operator and in parts, and softmax.
#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;

namespace {

int64_t behind(const Value &x, int64_t axis) {
  int64_t all = 1;
  for (int64_t size : llvm::ArrayRef(x.shape).drop_front(axis))
    all *= size;
  return all;
}

void addLayerNorm(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  int64_t axis = 1 + maker.draw(x->rank() - 1);
  if (behind(*x, axis) < 3)
    return;
  Shape shape(llvm::ArrayRef(x->shape).drop_front(axis));
  bool rms = maker.opset >= 23 && maker.chance(50);
  std::vector<std::string> inputs = {x->name, maker.parameter(shape, 0.2, 1)};
  if (!rms && maker.chance(70))
    inputs.push_back(maker.parameter(shape, 0.2));
  maker.keep(maker.node(rms ? "RMSNormalization" : "LayerNormalization", inputs,
                        {{"axis", maker.chance(50) ? axis : axis - x->rank()}, {"epsilon", maker.oneOf({1e-3, 1e-2, 0.1})}}),
             x->shape, 3);
}

/// The mean taken off and the deviation divided by, as exporters write it before opset 17.
void addLayerNormInParts(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() > 1 && value.shape.back() > 2; });
  if (!x)
    return;
  auto mean = [&](const std::string &of) {
    return maker.opset >= 18 ? maker.node("ReduceMean", {of, maker.integers({-1})}, {{"keepdims", int64_t{1}}})
                             : maker.node("ReduceMean", {of}, {{"axes", Shape{-1}}, {"keepdims", int64_t{1}}});
  };
  std::string centred = maker.node("Sub", {x->name, mean(x->name)});
  std::string square = maker.chance(50) ? maker.node("Pow", {centred, maker.constant(2)}) : maker.node("Mul", {centred, centred});
  std::string deviation = maker.node("Sqrt", {maker.node("Add", {mean(square), maker.constant(1e-2)})});
  maker.keep(maker.node("Div", {centred, deviation}), x->shape, 3);
}

void addGroupNorm(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() >= 3 && value.rank() <= 5 && behind(value, 2) > 2; });
  if (!x)
    return;
  int64_t channels = x->shape[1], groups = channels % 2 == 0 && maker.chance(60) ? 2 : maker.chance(50) ? 1 : channels;
  double epsilon = maker.oneOf({1e-3, 1e-2});
  if (maker.opset < 21 || maker.chance(40)) // with a scale and a bias for each channel since 21 alone
    return void(maker.keep(maker.node("InstanceNormalization", {x->name, maker.parameter({channels}, 0.2, 1), maker.parameter({channels}, 0.2)},
                                      {{"epsilon", epsilon}}),
                           x->shape, 3));
  maker.keep(maker.node("GroupNormalization", {x->name, maker.parameter({channels}, 0.2, 1), maker.parameter({channels}, 0.2)},
                        {{"num_groups", groups}, {"epsilon", epsilon}}),
             x->shape, 3);
}

void addSoftmax(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  int64_t axis = 1 + maker.draw(x->rank() - 1);
  bool logarithm = maker.chance(40);
  maker.keep(maker.node(logarithm ? "LogSoftmax" : "Softmax", {x->name}, {{"axis", maker.chance(50) ? axis : axis - x->rank()}}), x->shape,
             logarithm ? x->bound + 2 : 1);
}

void addLpNorm(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  std::string away = maker.positive(*x);
  maker.keep(maker.node("LpNormalization", {away}, {{"axis", 1 + maker.draw(x->rank() - 1)}, {"p", 1 + maker.draw(2)}}), x->shape, 1);
}

void addLRN(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() == 4; });
  if (x)
    maker.keep(maker.node("LRN", {x->name}, {{"size", maker.oneOf<int64_t>({1, 3, 5})}, {"alpha", 0.3}, {"beta", 0.75}, {"bias", 1.0}}), x->shape, x->bound);
}

} // namespace

llvm::ArrayRef<Family> dtc::test::normalisationFamilies() {
  static constexpr Family families[] = {{"layer_norm", addLayerNorm}, {"layer_norm_in_parts", addLayerNormInParts}, {"group_norm", addGroupNorm},
                                        {"softmax", addSoftmax},      {"softmax", addSoftmax},                      {"lp_norm", addLpNorm},
                                        {"lrn", addLRN}};
  return families;
}
