// Matrix products in all their forms.
#include "test/RandomGraphs/GraphMaker.h"

using namespace dtc::test;

namespace {

void addMatMul(GraphMaker &maker) {
  auto x = maker.takeOfRank(2, 4);
  if (!x)
    return;
  int64_t inner = x->shape.back(), outer = 1 + maker.draw(6);
  Shape shape = x->shape;
  shape.back() = outer;
  maker.keep(maker.node("MatMul", {x->name, maker.weight({inner, outer}, inner)}), shape, 1.5 * x->bound);
}

/// Of each sample with itself or with another value.
void addBatchedMatMul(GraphMaker &maker) {
  auto x = maker.takeOfRank(3, 4);
  if (!x)
    return;
  auto y = maker.take([&](const Value &value) {
    return value.rank() == x->rank() && llvm::ArrayRef(value.shape).drop_back(2) == llvm::ArrayRef(x->shape).drop_back(2) &&
           (value.shape.back() == x->shape.back() || value.shape[value.rank() - 2] == x->shape.back());
  });
  if (!y)
    return;
  int64_t inner = x->shape.back(), rank = x->rank();
  if (y->shape[rank - 2] != inner || (y->shape.back() == inner && maker.chance(50))) {
    Shape permutation;
    for (int64_t d = 0; d < rank - 2; ++d)
      permutation.push_back(d);
    permutation.append({rank - 1, rank - 2});
    *y = maker.transpose(*y, permutation);
  }
  Shape shape = x->shape;
  shape.back() = y->shape.back();
  std::string made = maker.node("MatMul", {x->name, y->name});
  maker.keep(maker.node("Div", {made, maker.constant(static_cast<double>(inner))}), shape, x->bound * y->bound);
}

void addGemm(GraphMaker &maker) {
  auto x = maker.takeOfRank(2, 2);
  if (!x)
    return;
  int64_t inner = x->shape.back(), outer = 1 + maker.draw(6), transposed = maker.draw(2);
  std::vector<std::string> inputs = {x->name, maker.weight(transposed ? Shape{outer, inner} : Shape{inner, outer}, inner)};
  if (maker.chance(80))
    inputs.push_back(maker.parameter(maker.oneOf<Shape>({{outer}, {1, outer}, {1}, {}}), 0.3));
  std::vector<Attribute> attributes = {{"transB", transposed}};
  if (maker.chance(40))
    attributes.push_back({"alpha", maker.number(0.3, 1.2)});
  if (maker.chance(40))
    attributes.push_back({"beta", maker.number(0.3, 1.2)});
  maker.keep(maker.node("Gemm", inputs, attributes), {x->shape[0], outer}, 1.5 * x->bound);
}

void addEinsum(GraphMaker &maker) {
  auto x = maker.takeOfRank(3, 3);
  if (!x)
    return;
  int64_t n = x->shape[0], i = x->shape[1], j = x->shape[2], k = 1 + maker.draw(5);
  auto einsum = [&](const char *equation, const std::string &y, Shape shape, double bound) {
    maker.keep(maker.node("Einsum", {x->name, y}, {{"equation", std::string(equation)}}), shape, bound);
  };
  switch (maker.draw(6)) {
  case 0: return einsum("bij,jk->bik", maker.weight({j, k}, j), {n, i, k}, 1.5 * x->bound);
  case 1: return einsum("bij,kj->bki", maker.weight({k, j}, j), {n, k, i}, 1.5 * x->bound);
  case 2: return einsum("bij,ijk->bk", maker.weight({i, j, k}, i * j), {n, k}, 1.5 * x->bound);
  case 3: return einsum("...ij,jk->...ik", maker.weight({j, k}, j), {n, i, k}, 1.5 * x->bound);
  case 4: return einsum("bij,i->bj", maker.weight({i}, i), {n, j}, 1.5 * x->bound);
  default: return einsum("bij,bik->bjk", maker.node("Tanh", {x->name}), {n, j, j}, x->bound * static_cast<double>(i));
  }
}

} // namespace

llvm::ArrayRef<Family> dtc::test::productFamilies() {
  static constexpr Family families[] = {{"matmul", addMatMul}, {"batched_matmul", addBatchedMatMul}, {"gemm", addGemm}, {"einsum", addEinsum}};
  return families;
}
