// Reductions over axes. Those that have no op of their own are made of those that have.
#include "Reduction.h"
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

namespace {
/// What a reduction is over, with its axes counted from the front and in order.
struct Axes {
  Value x;
  SmallVector<int64_t> axes;
  bool keepDims;
};
} // namespace

/// No axes: what is reduced is x as it is.
template <AxesFrom from>
static FailureOr<Axes> readReduction(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> axes = readAxes(node, from);
  bool keepDims = node.flag("keepdims", true);
  // Without axes: all of them, unless this flag asks for none.
  bool noop =
      from == AxesFrom::Input && node.flag("noop_with_empty_axes", false);
  if (node.failed())
    return failure();

  int64_t rank = shapeOf(x).size();
  if (axes.empty() && noop)
    return Axes{x, {}, keepDims};
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
  return Axes{x, axes, keepDims};
}

template <typename OpT>
static FailureOr<Value> reduceBy(Node &node, Value x, const Axes &over) {
  if (over.axes.empty()) // a scalar, or asked for
    return x;
  SmallVector<NamedAttribute> attributes{node.list("axes", over.axes)};
  if (over.keepDims)
    attributes.push_back(node.unit("keep_dims"));
  return node.create<OpT>(x, attributes);
}

/// Combines the halves of an axis until one element is left. Any op that is associative and commutative; equal elements share a gradient as
/// its adjoint shares it.
template <typename OpT>
static FailureOr<Value> reduceByHalves(Node &node, Value x, const Axes &over) {
  for (int64_t axis : over.axes)
    while (shapeOf(x)[axis] > 1) {
      int64_t size = shapeOf(x)[axis], half = size / 2;
      FailureOr<Value> front = node.slice(x, axis, 0, half), back = node.slice(x, axis, half, half);
      if (failed(front) || failed(back))
        return failure();
      FailureOr<Value> both = node.create<OpT>({*front, *back});
      if (succeeded(both) && size % 2) {
        FailureOr<Value> rest = node.slice(x, axis, size - 1, 1);
        both = failed(rest) ? rest : node.create<nn::ConcatOp>({*both, *rest}, node.number("axis", axis));
      }
      if (failed(both))
        return failure();
      x = *both;
    }
  if (over.keepDims)
    return x;
  SmallVector<int64_t> shape;
  for (auto [d, size] : llvm::enumerate(shapeOf(x)))
    if (!llvm::is_contained(over.axes, static_cast<int64_t>(d)))
      shape.push_back(size);
  return node.reshape(x, shape);
}

FailureOr<Value> dtc::onnximport::largest(Node &node, Value x, ArrayRef<int64_t> axes) {
  return reduceByHalves<nn::MaxOp>(node, x, {x, SmallVector<int64_t>(axes), /*keepDims=*/true});
}

FailureOr<Value> dtc::onnximport::smallest(Node &node, Value x, ArrayRef<int64_t> axes) {
  return reduceByHalves<nn::MinOp>(node, x, {x, SmallVector<int64_t>(axes), /*keepDims=*/true});
}

FailureOr<Value> dtc::onnximport::product(Node &node, Value x, ArrayRef<int64_t> axes) {
  return reduceByHalves<nn::MulOp>(node, x, {x, SmallVector<int64_t>(axes), /*keepDims=*/true});
}

static bool isReal(Value x) { return isa<FloatType>(cast<RankedTensorType>(x.getType()).getElementType()); }

static FailureOr<Value> sum(Node &node, Value x, const Axes &over) {
  return isReal(x) ? reduceBy<nn::ReduceSumOp>(node, x, over) : reduceByHalves<nn::AddOp>(node, x, over);
}

static FailureOr<Value> mean(Node &node, Value x, const Axes &over) { return reduceBy<nn::ReduceMeanOp>(node, x, over); }

static FailureOr<Value> sumOfAbsolutes(Node &node, Value x, const Axes &over) {
  FailureOr<Value> absolute = node.create<nn::AbsOp>(x);
  return failed(absolute) ? absolute : sum(node, *absolute, over);
}

static FailureOr<Value> sumOfSquares(Node &node, Value x, const Axes &over) {
  FailureOr<Value> square = node.create<nn::MulOp>({x, x});
  return failed(square) ? square : sum(node, *square, over);
}

/// Of zeros the gradient is 0, as torch.linalg.norm's is: the root is taken of 1 there.
static FailureOr<Value> norm(Node &node, Value x, const Axes &over) {
  FailureOr<Value> squares = sumOfSquares(node, x, over);
  if (failed(squares))
    return failure();
  Value one = node.scalar(1), zero = node.scalar(0);
  FailureOr<Value> positive = node.create<nn::WherePositiveOp>({*squares, *squares, one});
  FailureOr<Value> root = failed(positive) ? positive : node.create<nn::SqrtOp>(*positive);
  return failed(root) ? root : node.create<nn::WherePositiveOp>({*squares, *root, zero});
}

static FailureOr<Value> logOfSum(Node &node, Value x, const Axes &over) {
  FailureOr<Value> of = sum(node, x, over);
  return failed(of) ? of : node.create<nn::LogOp>(*of);
}

/// The largest element is taken out, so that no power overflows.
static FailureOr<Value> logOfSumOfPowers(Node &node, Value x, const Axes &over) {
  FailureOr<Value> most = reduceByHalves<nn::MaxOp>(node, x, {x, over.axes, /*keepDims=*/true});
  FailureOr<Value> rest = failed(most) ? most : node.create<nn::SubOp>({x, *most});
  FailureOr<Value> power = failed(rest) ? rest : node.create<nn::ExpOp>(*rest);
  FailureOr<Value> log = failed(power) ? power : logOfSum(node, *power, over);
  FailureOr<Value> shape = failed(log) ? log : node.reshape(*most, shapeOf(*log));
  return failed(shape) ? shape : node.create<nn::AddOp>({*log, *shape});
}

/// x without its mean, over its deviation and a billionth.
static FailureOr<Binding> importMeanVarianceNormalization(Node &node) {
  Value x = node.tensor(0);
  SmallVector<int64_t> axes = node.integerList("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  if (node.failed())
    return failure();
  for (int64_t &axis : axes) {
    axis = node.normalizeAxis(axis, shapeOf(x).size());
    if (node.failed())
      return failure();
  }
  llvm::sort(axes);
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return node.error() << "axes " << nn::formatShape(axes) << " name a dimension twice";
  Axes over{x, axes, /*keepDims=*/true};
  FailureOr<Value> average = mean(node, x, over);
  FailureOr<Value> rest = failed(average) ? average : node.create<nn::SubOp>({x, *average});
  FailureOr<Value> square = failed(rest) ? rest : node.create<nn::MulOp>({*rest, *rest});
  FailureOr<Value> variance = failed(square) ? square : mean(node, *square, over);
  FailureOr<Value> deviation = failed(variance) ? variance : node.create<nn::SqrtOp>(*variance);
  FailureOr<Value> divisor = failed(deviation) ? deviation : node.create<nn::AddOp>({*deviation, node.scalar(1e-9)});
  return failed(divisor) ? divisor : node.create<nn::DivOp>({*rest, *divisor});
}

/// x over the sum of its absolutes or the root of the sum of its squares along an axis; 0 where all are 0.
static FailureOr<Binding> importLpNormalization(Node &node) {
  Value x = node.tensor(0);
  int64_t axis = node.integer("axis", -1), p = node.integer("p", 2);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(x).size());
  if (node.failed())
    return failure();
  if (p != 1 && p != 2)
    return node.error() << "p is " << p << ", not 1 or 2";
  Axes over{x, {axis}, /*keepDims=*/true};
  FailureOr<Value> length = p == 1 ? sumOfAbsolutes(node, x, over) : norm(node, x, over);
  FailureOr<Value> divisor = failed(length) ? length : node.create<nn::WherePositiveOp>({*length, *length, node.scalar(1)});
  return failed(divisor) ? divisor : node.create<nn::DivOp>({x, *divisor});
}

/// Of booleans, whether any or all hold.
template <typename OpT, typename BooleanOpT>
static FailureOr<Value> extreme(Node &node, Value x, const Axes &over) {
  bool isBoolean = cast<RankedTensorType>(x.getType()).getElementType().isInteger(1);
  return isBoolean ? reduceByHalves<BooleanOpT>(node, x, over) : reduceByHalves<OpT>(node, x, over);
}

using Reduce = FailureOr<Value> (*)(Node &, Value, const Axes &);

template <AxesFrom from, Reduce reduce>
static FailureOr<Binding> importReduction(Node &node) {
  FailureOr<Axes> over = readReduction<from>(node);
  return failed(over) ? FailureOr<Binding>() : reduce(node, over->x, *over);
}

namespace {
/// Rows of an operator whose axes were an attribute until opset 18.
template <Reduce reduce>
void addReduction(OperatorTable &table, StringRef name, StringRef becomes) {
  table.add({{name, 13, 1, 1, 1, importReduction<AxesFrom::Attribute, reduce>, becomes},
             {name, 18, 1, 2, 1, importReduction<AxesFrom::Input, reduce>, becomes}});
}
} // namespace

void dtc::onnximport::addReductionOperators(OperatorTable &table) {
  table.add({{"ReduceSum", 13, 1, 2, 1, importReduction<AxesFrom::Input, sum>, "`nn.reduce_sum`; axes known at compile time"}});
  table.add({{"MeanVarianceNormalization", 13, 1, 1, 1, importMeanVarianceNormalization, "`nn.reduce_mean`, `nn.sub`, `nn.div`"}});
  table.add({{"LpNormalization", 1, 1, 1, 1, importLpNormalization, "`nn.div` by the norm along an axis, as ReduceL1 and ReduceL2"}});
  addReduction<mean>(table, "ReduceMean", "`nn.reduce_mean`; axes known at compile time");
  addReduction<extreme<nn::MaxOp, nn::OrOp>>(table, "ReduceMax", "`nn.max` of halves, again and again; `nn.or` of booleans");
  addReduction<extreme<nn::MinOp, nn::AndOp>>(table, "ReduceMin", "`nn.min` of halves, again and again; `nn.and` of booleans");
  addReduction<reduceByHalves<nn::MulOp>>(table, "ReduceProd", "`nn.mul` of halves, again and again");
  addReduction<sumOfAbsolutes>(table, "ReduceL1", "`nn.reduce_sum` of `nn.abs`");
  addReduction<norm>(table, "ReduceL2", "the root of `nn.reduce_sum` of squares");
  addReduction<sumOfSquares>(table, "ReduceSumSquare", "`nn.reduce_sum` of squares");
  addReduction<logOfSum>(table, "ReduceLogSum", "`nn.log` of `nn.reduce_sum`");
  addReduction<logOfSumOfPowers>(table, "ReduceLogSumExp", "`nn.log` of `nn.reduce_sum` of powers, the largest taken out");
}
