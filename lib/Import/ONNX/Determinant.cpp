// Det: the determinants of small matrices, written out.
#include "ElementwiseOps.h"
#include "Operators.h"

#include <bit>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Laplace's expansion along the rows from the last, minors of each set of columns once: n 2^(n - 1) products.
static FailureOr<Binding> importDet(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  constexpr int64_t most = 6;
  int64_t rank = shape.size();
  if (rank < 2 || shape[rank - 1] != shape[rank - 2])
    return node.error() << "takes square matrices, not " << nn::formatShape(shape);
  int64_t n = shape[rank - 1];
  if (n > most)
    return node.error() << "the determinant of a matrix of " << n << " rows is not supported, only of up to " << most << ", which are written out";
  SmallVector<int64_t> batch(shape.drop_back(2));
  auto element = [&](int64_t row, int64_t column) {
    FailureOr<Value> line = node.slice(x, rank - 2, row, 1);
    FailureOr<Value> one = failed(line) ? line : node.slice(*line, rank - 1, column, 1);
    FailureOr<Value> flat = failed(one) ? one : node.reshape(*one, batch);
    return failed(flat) ? Value() : *flat;
  };
  // Of the last rows, as many as a set has columns.
  std::vector<Value> minors(size_t(1) << n);
  for (unsigned columns = 1; columns < minors.size(); ++columns) {
    int64_t row = n - std::popcount(columns);
    Value sum;
    bool isNegative = false;
    for (int64_t column = 0; column < n; ++column) {
      unsigned rest = columns & ~(1u << column);
      if (rest == columns)
        continue;
      Value term = element(row, column);
      if (rest)
        term = make<nn::MulOp>(node, {term, minors[rest]});
      sum = !sum ? term : isNegative ? make<nn::SubOp>(node, {sum, term}) : make<nn::AddOp>(node, {sum, term});
      if (!sum)
        return failure();
      isNegative = !isNegative;
    }
    minors[columns] = sum;
  }
  return given(minors.back());
}

void dtc::onnximport::addDeterminantOperators(OperatorTable &table) {
  table.add({{"Det", 11, 1, 1, 1, importDet, "`nn.mul`, `nn.add` and `nn.sub` of elements; of up to 6 rows"}});
}
