// Operators that move elements.
#include "test/RandomGraphs/GraphMaker.h"

#include <numeric>

using namespace dtc::test;

namespace {

/// Counted from the front or from the back.
int64_t written(GraphMaker &maker, int64_t axis, int64_t rank) { return maker.chance(50) ? axis : axis - rank; }

int64_t axisOf(GraphMaker &maker, const Value &x) { return 1 + maker.draw(x.rank() - 1); }

void addTranspose(GraphMaker &maker) {
  auto x = maker.takeOfRank(3);
  if (!x)
    return;
  Shape permutation(x->rank());
  std::iota(permutation.begin(), permutation.end(), 0);
  for (int64_t i = x->rank() - 1; i > 1; --i)
    std::swap(permutation[i], permutation[1 + maker.draw(i)]);
  Value y = maker.transpose(*x, permutation);
  maker.keep(y.name, y.shape, y.bound);
}

/// The batch between other dimensions for an operator, as sequences have it.
void addBatchInside(GraphMaker &maker) {
  auto x = maker.takeOfRank(3, 4);
  if (!x)
    return;
  Shape permutation(x->rank());
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[0], permutation[1 + maker.draw(x->rank() - 1)]);
  Value y = maker.transpose(*x, permutation);
  int64_t width = y.shape.back();
  if (width != x->shape[0] || permutation.back() == x->rank() - 1)
    y.name = maker.node("Mul", {y.name, maker.parameter({permutation.back() == 0 ? 1 : width}, 0.3, 1)});
  y.name = maker.node("Tanh", {y.name});
  y = maker.transpose(y, permutation); // its own inverse
  maker.keep(y.name, y.shape, 1);
}

void addReshape(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  Shape shape = {x->shape[0]};
  int64_t rest = x->features();
  for (int64_t parts = maker.draw(3); parts > 0; --parts) {
    int64_t size = maker.oneOf<int64_t>({1, 2, 3, 4});
    if (rest % size == 0) {
      shape.push_back(size);
      rest /= size;
    }
  }
  shape.push_back(rest);
  Value y = maker.reshape(*x, shape);
  maker.keep(y.name, y.shape, y.bound);
}

void addFlatten(GraphMaker &maker) {
  if (auto x = maker.takeOfRank(3))
    maker.keep(maker.node("Flatten", {x->name}, {{"axis", int64_t{1}}}), {x->shape[0], x->features()}, x->bound);
}

void addUnsqueeze(GraphMaker &maker) {
  auto x = maker.takeOfRank(2, 4);
  if (!x)
    return;
  int64_t at = 1 + maker.draw(x->rank());
  Shape shape = x->shape;
  shape.insert(shape.begin() + at, 1);
  maker.keep(maker.node("Unsqueeze", {x->name, maker.integers({written(maker, at, x->rank() + 1)})}), shape, x->bound);
}

void addSqueeze(GraphMaker &maker) {
  auto isOne = [](const Value &x, int64_t d) { return x.rank() > 2 && x.shape[d] == 1; };
  auto x = maker.take([&](const Value &value) { return isOne(value, value.rank() - 1) || isOne(value, 1); });
  if (!x)
    return;
  int64_t at = isOne(*x, 1) ? 1 : x->rank() - 1;
  Shape shape = x->shape;
  shape.erase(shape.begin() + at);
  maker.keep(maker.node("Squeeze", {x->name, maker.integers({written(maker, at, x->rank())})}), shape, x->bound);
}

void addSlice(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  int64_t axis = axisOf(maker, *x), size = x->shape[axis];
  int64_t step = maker.oneOf<int64_t>({1, 1, 2, -1, -2});
  int64_t from = maker.draw(size), to = from + 1 + maker.draw(size - from);
  if (to - from < 2)
    from = 0, to = size;
  Shape shape = x->shape;
  shape[axis] = (to - from + std::abs(step) - 1) / std::abs(step);
  int64_t begin = step > 0 ? from : to - 1;
  int64_t end = step > 0 ? (to == size && maker.chance(50) ? int64_t{1} << 40 : to) : (from == 0 ? -size - 1 : from - 1);
  if (step > 0 && maker.chance(30))
    begin -= size;
  maker.keep(maker.node("Slice", {x->name, maker.integers({begin}), maker.integers({end}), maker.integers({written(maker, axis, x->rank())}),
                                  maker.integers({step})}),
             shape, x->bound);
}

void addSplit(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() > 1 && value.shape.back() > 1; });
  if (!x)
    return;
  int64_t axis = x->rank() - 1, size = x->shape.back(), first = 1 + maker.draw(size - 1);
  std::vector<std::string> inputs = {x->name};
  std::vector<Attribute> attributes = {{"axis", written(maker, axis, x->rank())}};
  if (maker.chance(40)) { // into equal parts, the last smaller
    if (maker.opset < 18 && size % 2)
      return;
    first = (size + 1) / 2;
    if (maker.opset >= 18)
      attributes.push_back({"num_outputs", int64_t{2}});
  } else {
    inputs.push_back(maker.integers({first, size - first}));
  }
  std::vector<std::string> parts = maker.nodeOf("Split", inputs, 2, attributes);
  Shape shape = x->shape;
  shape[axis] = first;
  maker.keep(parts[0], shape, x->bound);
  shape[axis] = size - first;
  maker.keep(parts[1], shape, x->bound);
}

void addConcat(GraphMaker &maker) {
  auto x = maker.takeOfRank(2, 5);
  if (!x || x->features() > 60)
    return;
  int64_t axis = axisOf(maker, *x);
  auto fits = [&](const Value &y) {
    if (y.rank() != x->rank() || y.features() > 60)
      return false;
    for (int64_t d = 0; d < y.rank(); ++d)
      if (d != axis && y.shape[d] != x->shape[d])
        return false;
    return true;
  };
  std::vector<std::string> parts = {x->name};
  Shape shape = x->shape;
  double bound = x->bound;
  for (int64_t more = 1 + maker.draw(2); more > 0; --more) {
    auto y = maker.take(fits);
    parts.push_back(y->name);
    shape[axis] += y->shape[axis];
    bound = std::max(bound, y->bound);
  }
  maker.keep(maker.node("Concat", parts, {{"axis", written(maker, axis, x->rank())}}), shape, bound);
}

void addPad(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x || x->features() > 60)
    return;
  std::string mode = maker.oneOf<std::string>({"constant", "constant", "reflect", "edge"});
  Shape pads(2 * x->rank(), 0), shape = x->shape;
  for (int64_t d = 1; d < x->rank(); ++d)
    for (int64_t side : {int64_t{0}, x->rank()}) {
      int64_t most = mode == "reflect" ? std::min<int64_t>(x->shape[d] - 1, 2) : 2;
      pads[d + side] = maker.chance(40) ? maker.draw(most + 1) : 0;
      shape[d] += pads[d + side];
    }
  std::vector<std::string> inputs = {x->name, maker.integers(pads)};
  if (mode == "constant" && maker.chance(50))
    inputs.push_back(maker.constant(maker.number(-1, 1)));
  maker.keep(maker.node("Pad", inputs, {{"mode", mode}}), shape, x->bound);
}

void addExpand(GraphMaker &maker) {
  auto x = maker.take([](const Value &value) { return value.rank() > 2 && value.shape[1] == 1 && value.features() < 40; });
  if (!x)
    return;
  Shape shape = x->shape;
  shape[1] = 2 + maker.draw(2);
  Shape wanted = shape;
  wanted[0] = 1;
  maker.keep(maker.node("Expand", {x->name, maker.integers(wanted)}), shape, x->bound);
}

void addTile(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x || x->features() > 40)
    return;
  Shape repeats(x->rank(), 1), shape = x->shape;
  int64_t axis = axisOf(maker, *x);
  shape[axis] *= repeats[axis] = 2 + maker.draw(2);
  maker.keep(maker.node("Tile", {x->name, maker.integers(repeats)}), shape, x->bound);
}

void addSpaceDepth(GraphMaker &maker) {
  if (maker.chance(50)) {
    auto x = maker.take([](const Value &value) { return value.rank() == 4 && value.shape[1] % 4 == 0; });
    if (x)
      maker.keep(maker.node("DepthToSpace", {x->name}, {{"blocksize", int64_t{2}}, {"mode", maker.oneOf<std::string>({"DCR", "CRD"})}}),
                 {x->shape[0], x->shape[1] / 4, 2 * x->shape[2], 2 * x->shape[3]}, x->bound);
    return;
  }
  auto x = maker.take([](const Value &value) { return value.rank() == 4 && value.shape[2] % 2 == 0 && value.shape[3] % 2 == 0; });
  if (x)
    maker.keep(maker.node("SpaceToDepth", {x->name}, {{"blocksize", int64_t{2}}}),
               {x->shape[0], x->shape[1] * 4, x->shape[2] / 2, x->shape[3] / 2}, x->bound);
}

} // namespace

llvm::ArrayRef<Family> dtc::test::shapeFamilies() {
  static constexpr Family families[] = {{"transpose", addTranspose}, {"batch_inside", addBatchInside}, {"reshape", addReshape}, {"flatten", addFlatten},
                                        {"unsqueeze", addUnsqueeze}, {"squeeze", addSqueeze},          {"slice", addSlice},     {"split", addSplit},
                                        {"concat", addConcat},       {"pad", addPad},                  {"expand", addExpand},   {"tile", addTile},
                                        {"space_depth", addSpaceDepth}};
  return families;
}
