// Sums, means and other reductions over dimensions of a sample.
#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;

namespace {

struct Reduction {
  const char *op;
  /// Whether a gradient wants operands away from 0.
  bool positive;
  /// Of what is as large as one.
  double bound;
};

constexpr Reduction reductions[] = {{"ReduceSum", false, 6},       {"ReduceMean", false, 1},   {"ReduceMean", false, 1}, {"ReduceMax", false, 1},
                                    {"ReduceMin", false, 1},       {"ReduceL1", false, 6},     {"ReduceL2", true, 6},    {"ReduceLogSum", true, 3},
                                    {"ReduceLogSumExp", false, 2}, {"ReduceSumSquare", true, 8}};

/// Axes are an attribute until ReduceSum's 13 and all others' 18.
std::string reduce(GraphMaker &maker, const char *op, const std::string &x, const Shape &axes, int64_t keep) {
  if (maker.opset >= 18 || llvm::StringRef(op) == "ReduceSum")
    return maker.node(op, {x, maker.integers(axes)}, {{"keepdims", keep}});
  return maker.node(op, {x}, {{"axes", axes}, {"keepdims", keep}});
}

void addReduction(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  const Reduction &reduction = reductions[maker.draw(std::size(reductions))];
  int64_t keep = x->rank() == 2 || maker.chance(50);
  Shape axes, shape = {x->shape[0]};
  for (int64_t d = 1; d < x->rank(); ++d) {
    // One axis at least; where dimensions go, one is left.
    bool reduced = d == x->rank() - 1 ? axes.empty() || (keep && maker.chance(40)) : maker.chance(35);
    if (reduced)
      axes.push_back(maker.chance(50) ? d : d - x->rank());
    if (!reduced || keep)
      shape.push_back(reduced ? 1 : x->shape[d]);
  }
  if (shape.size() == 1)
    return;
  std::string operand = reduction.positive ? maker.positive(*x) : x->name;
  maker.keep(reduce(maker, reduction.op, operand, axes, keep), shape, reduction.bound * x->bound);
}

/// Of factors around 1.
void addProduct(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x || x->shape.back() > 6)
    return;
  Shape shape = x->shape;
  shape.back() = 1;
  std::string factors = maker.node("Add", {maker.node("Mul", {maker.within(*x), maker.constant(0.5)}), maker.constant(1)});
  maker.keep(reduce(maker, "ReduceProd", factors, {-1}, 1), shape, 5);
}

void addCumSum(GraphMaker &maker) {
  auto x = maker.takeOfRank(2);
  if (!x)
    return;
  int64_t axis = 1 + maker.draw(x->rank() - 1);
  maker.keep(maker.node("CumSum", {x->name, maker.integer(axis)}, {{"exclusive", maker.draw(2)}, {"reverse", maker.draw(2)}}), x->shape,
             2 * x->bound);
}

} // namespace

llvm::ArrayRef<Family> dtc::test::reductionFamilies() {
  static constexpr Family families[] = {{"reduction", addReduction}, {"reduction", addReduction}, {"product", addProduct}, {"cum_sum", addCumSum}};
  return families;
}
