// Operators that choose elements: by places, by conditions, by rank.
#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;

namespace {

std::vector<int64_t> places(GraphMaker &maker, int64_t count, int64_t size) {
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < count; ++i)
    chosen.push_back(maker.draw(size) - (maker.chance(20) ? size : 0));
  return chosen;
}

void addGather(GraphMaker &maker) {
  auto x = maker.takeOfRank(2, 4);
  if (!x || x->features() > 60)
    return;
  int64_t axis = 1 + maker.draw(x->rank() - 1);
  Shape of = maker.oneOf<int64_t>({0, 1}) ? Shape{1 + maker.draw(4)} : Shape{2, 2};
  Shape shape = x->shape;
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin() + axis, of.begin(), of.end());
  int64_t count = of.size() == 1 ? of[0] : 4;
  maker.keep(maker.node("Gather", {x->name, maker.integersOf(of, places(maker, count, x->shape[axis]))}, {{"axis", axis}}), shape, x->bound);
}

/// Places along an axis, of which every sample has its own. Rarely: ranks do not share out what takes from all samples at once.
void addGatherElements(GraphMaker &maker) {
  if (maker.chance(85))
    return;
  auto x = maker.takeOfRank(2, 4);
  if (!x || x->features() > 60)
    return;
  int64_t axis = 1 + maker.draw(x->rank() - 1);
  Shape shape = x->shape;
  shape[axis] = 1 + maker.draw(shape[axis]);
  int64_t count = shape[0];
  for (int64_t d = 1; d < x->rank(); ++d)
    count *= shape[d];
  maker.keep(maker.node("GatherElements", {x->name, maker.integersOf(shape, places(maker, count, x->shape[axis]))}, {{"axis", axis}}), shape, x->bound);
}

/// What lies below or above a diagonal.
void addTrilu(GraphMaker &maker) {
  auto x = maker.takeOfRank(3);
  if (x)
    maker.keep(maker.node("Trilu", {x->name, maker.integer(maker.draw(3) - 1)}, {{"upper", maker.draw(2)}}), x->shape, x->bound);
}

void addMaskedWhere(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  Shape shape = maker.broadcastShape(*x);
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  std::vector<int64_t> bits;
  for (int64_t i = 0; i < count; ++i)
    bits.push_back(maker.draw(2));
  std::vector<std::string> sides = {x->name, maker.chance(50) ? maker.constant(maker.number(-1, 1)) : maker.parameter(maker.broadcastShape(*x), 0.5)};
  if (maker.chance(50))
    std::swap(sides[0], sides[1]);
  maker.keep(maker.node("Where", {maker.booleans(shape, bits), sides[0], sides[1]}), x->shape, x->bound + 1);
}

/// A condition on an input; a constant that is a multiple of 1/8 is none of its elements.
std::string condition(GraphMaker &maker, const Value &x) {
  std::string bound = maker.constant(static_cast<double>(maker.draw(9) - 4) / 8);
  std::string holds = maker.node(maker.oneOf({"Greater", "Less", "GreaterOrEqual", "LessOrEqual"}), {x.name, bound});
  return maker.chance(25) ? maker.node("Not", {holds}) : holds;
}

void addConditionOnInput(GraphMaker &maker) {
  const Value &x = maker.raw[maker.draw(static_cast<int64_t>(maker.raw.size()))];
  std::string holds = condition(maker, x);
  if (maker.chance(40)) {
    std::string also = condition(maker, x);
    holds = maker.node(maker.oneOf({"And", "Or", "Xor"}), {holds, also});
  }
  if (maker.chance(30))
    return void(maker.keep(maker.node("Cast", {holds}, {{"to", int64_t{::onnx::TensorProto::FLOAT}}}), x.shape, 1));
  auto y = maker.take([&](const Value &value) { return value.shape == x.shape; });
  std::string yes = y ? y->name : x.name;
  maker.keep(maker.node("Where", {holds, yes, maker.parameter(maker.broadcastShape(x), 0.5)}), x.shape, y ? y->bound + 1 : 2);
}

/// What jumps, of inputs.
void addJump(GraphMaker &maker) {
  const Value &x = maker.raw[maker.draw(static_cast<int64_t>(maker.raw.size()))];
  std::string y;
  switch (maker.draw(3)) {
  case 0: y = maker.node(maker.oneOf({"Floor", "Ceil", "Round", "Sign"}), {x.name}); break;
  case 1: y = maker.node("ThresholdedRelu", {x.name}, {{"alpha", 0.5}}); break;
  default: y = maker.node("Mod", {x.name, maker.constant(0.75)}, {{"fmod", int64_t{1}}});
  }
  maker.keep(maker.node("Add", {y, maker.parameter(maker.broadcastShape(x), 0.5)}), x.shape, 3);
}

/// Sorted along the last dimension: continuous in its operand, wherever places change.
void addTopK(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() > 1 && value.shape.back() > 1; });
  if (!x)
    return;
  Shape shape = x->shape;
  shape.back() = 1 + maker.draw(shape.back());
  auto made = maker.nodeOf("TopK", {x->name, maker.integers({shape.back()})}, 2, {{"axis", int64_t{-1}}, {"largest", maker.draw(2)}});
  maker.keep(made.front(), shape, x->bound);
}

} // namespace

llvm::ArrayRef<Family> dtc::test::selectionFamilies() {
  static constexpr Family families[] = {{"gather", addGather},      {"gather_elements", addGatherElements}, {"trilu", addTrilu},
                                        {"where", addMaskedWhere},  {"condition", addConditionOnInput},     {"jump", addJump},
                                        {"top_k", addTopK}};
  return families;
}
