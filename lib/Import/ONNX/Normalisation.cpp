// BatchNormalization, and those that normalise each sample alone: LayerNormalization, RMSNormalization, GroupNormalization,
// InstanceNormalization, LRN.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/SmallString.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static FailureOr<Binding> createGroupNorm(Node &node, Value x, Value scale, Value bias, int64_t groups, double epsilon) {
  return node.create<nn::GroupNormOp>({x, scale, bias}, {node.number("groups", groups), node.real("epsilon", epsilon)});
}

/// Whether no sample is in it: computed of initializers and constants alone.
static bool isOfParameters(Value value) {
  SmallVector<Value> worklist{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  constexpr unsigned most = 256; // what weights go through is a few ops
  while (!worklist.empty()) {
    Value one = worklist.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(one)) {
      auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
      if (!function.getArgAttr(argument.getArgNumber(), nn::names::parameter))
        return false;
    } else if (seen.insert(one.getDefiningOp()).second) {
      if (seen.size() > most)
        return false;
      llvm::append_range(worklist, one.getDefiningOp()->getOperands());
    }
  }
  return true;
}

/// In training mode as in inference mode: dtc makes the training step itself, and evaluation with the running statistics.
/// A training mode's further outputs, the moved statistics, are not given: who uses one is told so.
static FailureOr<Binding> importBatchNormalization(Node &node) {
  SmallVector<Value> operands{node.tensor(0), node.tensor(1), node.tensor(2)};
  double epsilon = node.floating("epsilon", 1e-5), momentum = node.floating("momentum", 0.9);
  // Before opset 14 the mode was what the number of outputs said.
  bool training = node.opset() >= 14 && node.flag("training_mode", false);
  if (node.failed())
    return failure();
  // Standardised weights (Qiao et al. 2019), which PyTorch's models write as one sample's normalisation by itself, in evaluation too.
  if (training && shapeOf(operands[0]).size() >= 2 && shapeOf(operands[0])[0] == 1 && isOfParameters(operands[0]))
    return createGroupNorm(node, operands[0], operands[1], operands[2], shapeOf(operands[0])[1], epsilon);
  if (!(momentum >= 0 && momentum <= 1)) {
    // Here: below it is another number.
    SmallString<16> text;
    APFloat(static_cast<float>(momentum)).toString(text);
    return node.error() << "momentum " << text << " must be from 0 to 1";
  }
  for (unsigned i : {3u, 4u})
    operands.push_back(node.statistic(i));
  if (node.failed())
    return failure();
  // ONNX weighs the old value with it, PyTorch and nn the new one.
  SmallVector<NamedAttribute> attributes{node.real("epsilon", epsilon), node.real("momentum", 1 - momentum)};
  if (node.movesBiasedVariance())
    attributes.push_back(node.unit("biased_variance"));
  return node.create<nn::BatchNormOp>(operands, attributes);
}

/// Statistics are float here, as stash_type asks unless it asks for less.
static void readStashType(Node &node) {
  constexpr int64_t asFloat = 1;
  int64_t type = node.integer("stash_type", asFloat);
  if (type != asFloat)
    node.error() << "stash_type " << type << " is not supported: statistics are float, 1";
}

/// x times or plus a parameter that is broadcast to x.
template <typename Op> static FailureOr<Value> applyBroadcast(Node &node, Value x, Value parameter, StringRef name) {
  FailureOr<Value> y = node.create<Op>({x, parameter});
  if (failed(y))
    return failure();
  if (shapeOf(*y) != shapeOf(x))
    return node.error() << name << " " << parameter.getType() << " cannot be broadcast to the elements that are normalised";
  return y;
}

/// LayerNormalization, or without a mean and a bias RMSNormalization. A parameter of another shape than the normalised dimensions
/// is broadcast to them, by an op of its own.
template <typename Op> static FailureOr<Binding> importOverRows(Node &node) {
  constexpr bool centered = std::is_same_v<Op, nn::LayerNormOp>;
  Value x = node.tensor(0), scale = node.tensor(1), bias = centered && node.hasInput(2) ? node.tensor(2) : Value();
  int64_t axis = node.integer("axis", -1);
  double epsilon = node.floating("epsilon", 1e-5);
  readStashType(node);
  if (node.failed())
    return failure();
  axis = node.normalizeAxis(axis, shapeOf(x).size());
  if (node.failed())
    return failure();
  ArrayRef<int64_t> row = shapeOf(x).drop_front(axis);
  auto broadcasts = [&](Value parameter, StringRef name) -> FailureOr<bool> {
    if (!parameter || shapeOf(parameter) == row)
      return false;
    if (shapeOf(parameter).size() > row.size())
      return node.error() << name << " " << parameter.getType() << " has more dimensions than the " << row.size()
                          << " that are normalised";
    return true;
  };
  FailureOr<bool> scaleApart = broadcasts(scale, "scale"), biasApart = broadcasts(bias, "bias");
  if (failed(scaleApart) || failed(biasApart))
    return failure();
  bool apart = *scaleApart || *biasApart;

  SmallVector<Value> operands{x};
  SmallVector<NamedAttribute> attributes{node.number("axis", axis), node.real("epsilon", epsilon)};
  if (!apart)
    operands.push_back(scale);
  if (!apart && bias)
    operands.push_back(bias);
  if constexpr (centered)
    attributes.push_back({node.builder().getStringAttr(Op::getOperandSegmentSizeAttr()),
                          node.builder().getDenseI32ArrayAttr({1, !apart, !apart && bias})});
  FailureOr<Value> y = node.create<Op>(operands, attributes);
  if (failed(y))
    return failure();
  // Mean and InvStdDev, whose normalised dimensions have size 1.
  SmallVector<int64_t> statistic(shapeOf(x).take_front(axis));
  statistic.append(row.size(), 1);
  for (unsigned i = 1; centered && i < node.outputCount(); ++i) {
    if (!node.usesOutput(i))
      continue;
    FailureOr<Value> kept = node.reshape(y->getDefiningOp()->getResult(i), statistic);
    if (failed(kept))
      return failure();
    node.give(i, *kept);
  }
  if (!apart)
    return Binding(*y);
  y = applyBroadcast<nn::MulOp>(node, *y, scale, "scale");
  if (succeeded(y) && bias)
    y = applyBroadcast<nn::AddOp>(node, *y, bias, "bias");
  if (failed(y))
    return failure();
  return Binding(*y);
}

static FailureOr<Binding> importGroupNormalization(Node &node) {
  Value x = node.tensor(0), scale = node.tensor(1), bias = node.tensor(2);
  double epsilon = node.floating("epsilon", 1e-5);
  int64_t groups = node.requiredInteger("num_groups");
  readStashType(node);
  if (node.failed())
    return failure();
  return createGroupNorm(node, x, scale, bias, groups, epsilon);
}

/// Until opset 21 scale and bias had one value a group: each is repeated for the group's channels.
static FailureOr<Binding> importGroupNormalizationOfGroups(Node &node) {
  Value x = node.tensor(0), scale = node.tensor(1), bias = node.tensor(2);
  double epsilon = node.floating("epsilon", 1e-5);
  int64_t groups = node.requiredInteger("num_groups");
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0)
    return node.error() << "num_groups " << groups << " must divide the channels of X " << x.getType();
  SmallVector<Value> channels;
  for (Value parameter : {scale, bias}) {
    if (shapeOf(parameter) != ArrayRef(groups))
      return node.error() << parameter.getType() << " has not one value for each of the " << groups << " groups";
    FailureOr<Value> column = node.reshape(parameter, {groups, 1});
    if (failed(column))
      return failure();
    auto repeated = cast<RankedTensorType>(column->getType()).clone({groups, shape[1] / groups});
    Value all = nn::BroadcastOp::create(node.builder(), node.location(), repeated, *column);
    FailureOr<Value> flat = node.reshape(all, shape[1]);
    if (failed(flat))
      return failure();
    channels.push_back(*flat);
  }
  return createGroupNorm(node, x, channels[0], channels[1], groups, epsilon);
}

static FailureOr<Binding> importInstanceNormalization(Node &node) {
  Value x = node.tensor(0), scale = node.tensor(1), bias = node.tensor(2);
  double epsilon = node.floating("epsilon", 1e-5);
  if (node.failed())
    return failure();
  if (shapeOf(x).size() < 2)
    return node.error() << "input " << x.getType() << " has no channels";
  return createGroupNorm(node, x, scale, bias, shapeOf(x)[1], epsilon);
}

/// Y = X / (bias + alpha mean)^beta, with the mean of X squared over `size` neighbouring channels: a window that pools them.
static FailureOr<Binding> importLRN(Node &node) {
  Value x = node.tensor(0);
  double alpha = node.floating("alpha", 1e-4), beta = node.floating("beta", 0.75), bias = node.floating("bias", 1);
  int64_t size = node.requiredInteger("size");
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = shapeOf(x);
  if (shape.size() < 2)
    return node.error() << "input " << x.getType() << " has no channels";
  if (size < 1 || size > INT32_MAX)
    return node.error() << "size " << size << " must be from 1 to " << INT32_MAX;
  int64_t positions = 1; // a tensor's size is bounded
  for (int64_t extent : shape.drop_front(2))
    positions *= extent;
  FailureOr<Value> squares = node.create<nn::MulOp>({x, x});
  if (succeeded(squares))
    squares = node.reshape(*squares, {shape[0], 1, shape[1], positions});
  if (failed(squares))
    return failure();
  int64_t before = (size - 1) / 2, behind = size - 1 - before;
  FailureOr<Value> mean = node.create<nn::AvgPoolOp>(*squares, {node.list("kernel", {size, 1}), node.list("strides", {1, 1}),
                                                                node.list("pads", {before, 0, behind, 0}), node.list("dilations", {1, 1}),
                                                                node.unit("count_include_pad")});
  if (succeeded(mean))
    mean = node.reshape(*mean, shape);
  if (failed(mean))
    return failure();
  FailureOr<Value> base = node.create<nn::MulOp>({*mean, node.scalar(alpha)});
  if (succeeded(base))
    base = node.create<nn::AddOp>({*base, node.scalar(bias)});
  FailureOr<Value> power = failed(base) ? base : node.create<nn::PowOp>({*base, node.scalar(beta)});
  if (failed(power))
    return failure();
  return node.create<nn::DivOp>({x, *power});
}

void dtc::onnximport::addNormalisationOperators(OperatorTable &table) {
  const char *batch = "`nn.batch_norm`; mean and variance are initializers, kept as running "
                      "statistics; those that training mode gives are refused if they are used; "
                      "in training mode of weights alone `nn.group_norm`";
  const char *group = "`nn.group_norm`; until 21 a scale and a bias for each group, through `nn.broadcast`";
  const char *instance = "`nn.group_norm` with a group for each channel";
  const char *lrn = "`nn.div` by a `nn.pow` of squares that `nn.avg_pool` averages over channels";
  table.add({{"BatchNormalization", 9, 5, 5, 5, importBatchNormalization, batch},
             {"BatchNormalization", 14, 5, 5, 3, importBatchNormalization, batch},
             {"LayerNormalization", 17, 2, 3, 3, importOverRows<nn::LayerNormOp>,
              "`nn.layer_norm`; nothing is trained through the outputs Mean and InvStdDev"},
             {"RMSNormalization", 23, 2, 2, 1, importOverRows<nn::RmsNormOp>, "`nn.rms_norm`"},
             {"GroupNormalization", 18, 3, 3, 1, importGroupNormalizationOfGroups, group},
             {"GroupNormalization", 21, 3, 3, 1, importGroupNormalization, group},
             {"InstanceNormalization", 6, 3, 3, 1, importInstanceNormalization, instance},
             {"LRN", 13, 1, 1, 1, importLRN, lrn}});
}
