// ReduceSum and ReduceMean.
#include "Operators.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {
enum class AxesFrom { Attribute, Input };
} // namespace

/// The axes as they are given; empty if they are not.
static SmallVector<int64_t> readAxes(Node &node, AxesFrom from) {
  if (from == AxesFrom::Attribute)
    return node.integerList("axes").value_or(SmallVector<int64_t>());
  if (!node.hasInput(1))
    return {};
  return node.listInput(1);
}

template <AxesFrom from, bool mean>
static FailureOr<Binding> importReduction(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> axes = readAxes(node, from);
  bool keepDims = node.flag("keepdims", true);
  // Without axes: all of them, unless this flag asks for none.
  bool noop =
      from == AxesFrom::Input && node.flag("noop_with_empty_axes", false);
  if (node.failed())
    return failure();

  ArrayRef<int64_t> shape = shapeOf(x);
  int64_t rank = shape.size();
  if (axes.empty() && noop)
    return Binding(x);
  if (axes.empty())
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  int64_t count = 1;
  for (int64_t &axis : axes) {
    axis = node.normalizeAxis(axis, rank);
    if (node.failed())
      return failure();
    count *= shape[axis];
  }
  llvm::sort(axes);
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return node.error() << "axes " << nn::formatShape(axes)
                        << " name a dimension twice";
  if (axes.empty()) // a scalar
    return Binding(x);

  SmallVector<NamedAttribute> attributes{node.list("axes", axes)};
  if (keepDims)
    attributes.push_back(node.unit("keep_dims"));
  FailureOr<Value> sum = node.create<nn::ReduceSumOp>(x, attributes);
  if (failed(sum) || !mean)
    return sum;
  return node.create<nn::MulOp>({*sum, node.scalar(1.0 / count)});
}

void dtc::onnximport::addReductionOperators(OperatorTable &table) {
  StringRef mean = "`nn.reduce_sum` times 1 / number of elements";
  table.add({{"ReduceSum", 13, 1, 2, 1, importReduction<AxesFrom::Input, false>,
              "`nn.reduce_sum`; axes known at compile time"},
             {"ReduceMean", 13, 1, 1, 1,
              importReduction<AxesFrom::Attribute, true>, mean},
             {"ReduceMean", 18, 1, 2, 1, importReduction<AxesFrom::Input, true>,
              "`nn.reduce_sum` times 1 / number of elements; axes known at "
              "compile time"}});
}
