// Operators that move blocks between space and channels: DepthToSpace, SpaceToDepth.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// Sees `x` as `parts`, reorders them and merges them to `shape`.
static FailureOr<Value> regroup(Node &node, Value x, ArrayRef<int64_t> parts, ArrayRef<int64_t> order, ArrayRef<int64_t> shape) {
  FailureOr<Value> apart = node.reshape(x, parts);
  FailureOr<Value> moved = failed(apart) ? apart : node.create<nn::TransposeOp>(*apart, node.list("permutation", order));
  return failed(moved) ? moved : node.reshape(*moved, shape);
}

/// The operand, an image [N, C, H, W], and the size of blocks; null after an error.
static Value readImage(Node &node, int64_t &block) {
  Value x = node.tensor(0);
  block = node.requiredInteger("blocksize");
  if (node.failed())
    return {};
  if (shapeOf(x).size() != 4 || block < 1 || block > INT16_MAX) {
    node.error() << "takes blocks of at least 1 in images [N, C, H, W], not blocks of " << block << " in shape " << nn::formatShape(shapeOf(x));
    return {};
  }
  return x;
}

static FailureOr<Binding> importDepthToSpace(Node &node) {
  int64_t b = 0;
  Value x = readImage(node, b);
  StringRef mode = node.string("mode", "DCR");
  if (!x || node.failed())
    return failure();
  if (mode != "DCR" && mode != "CRD")
    return node.error() << "attribute 'mode' is " << quoted(mode) << ", not DCR or CRD";
  int64_t n = shapeOf(x)[0], c = shapeOf(x)[1], h = shapeOf(x)[2], w = shapeOf(x)[3];
  if (c % (b * b) != 0)
    return node.error() << "blocks of " << b << " x " << b << " do not divide " << c << " channels";
  c /= b * b;
  if (mode == "DCR")
    return regroup(node, x, {n, b, b, c, h, w}, {0, 3, 4, 1, 5, 2}, {n, c, h * b, w * b});
  return regroup(node, x, {n, c, b, b, h, w}, {0, 1, 4, 2, 5, 3}, {n, c, h * b, w * b});
}

static FailureOr<Binding> importSpaceToDepth(Node &node) {
  int64_t b = 0;
  Value x = readImage(node, b);
  if (!x)
    return failure();
  int64_t n = shapeOf(x)[0], c = shapeOf(x)[1], h = shapeOf(x)[2], w = shapeOf(x)[3];
  if (h % b != 0 || w % b != 0)
    return node.error() << "blocks of " << b << " x " << b << " do not divide " << h << " x " << w;
  return regroup(node, x, {n, c, h / b, b, w / b, b}, {0, 3, 5, 1, 2, 4}, {n, c * b * b, h / b, w / b});
}

void dtc::onnximport::addSpaceDepthOperators(OperatorTable &table) {
  table.add({{"DepthToSpace", 13, 1, 1, 1, importDepthToSpace, "`nn.transpose` between `nn.reshape`"},
             {"SpaceToDepth", 13, 1, 1, 1, importSpaceToDepth, "`nn.transpose` between `nn.reshape`"}});
}
