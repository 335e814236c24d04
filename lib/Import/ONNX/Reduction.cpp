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

template <AxesFrom from, typename OpT>
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
  for (int64_t &axis : axes) {
    axis = node.normalizeAxis(axis, rank);
    if (node.failed())
      return failure();
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
  return node.create<OpT>(x, attributes);
}

void dtc::onnximport::addReductionOperators(OperatorTable &table) {
  table.add({{"ReduceSum", 13, 1, 2, 1, importReduction<AxesFrom::Input, nn::ReduceSumOp>,
              "`nn.reduce_sum`; axes known at compile time"},
             {"ReduceMean", 13, 1, 1, 1,
              importReduction<AxesFrom::Attribute, nn::ReduceMeanOp>, "`nn.reduce_mean`"},
             {"ReduceMean", 18, 1, 2, 1, importReduction<AxesFrom::Input, nn::ReduceMeanOp>,
              "`nn.reduce_mean`; axes known at compile time"}});
}
