// Dropout, and the uniform numbers that exporters write for it.
#include "Operators.h"

#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

/// The one number of an optional operand that is known at compile time, or `otherwise`. Numbers and booleans alike.
static double numberOf(Node &node, unsigned operand, StringRef what, double otherwise) {
  if (!node.hasInput(operand))
    return otherwise;
  Value value = node.tensor(operand);
  if (!value)
    return otherwise;
  DenseElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)) && elements.getNumElements() == 1) {
    if (isa<FloatType>(elements.getElementType()))
      return (*elements.value_begin<APFloat>()).convertToDouble();
    APInt integer = *elements.value_begin<APInt>();
    return integer.getBitWidth() == 1 ? integer.getBoolValue() : static_cast<double>(integer.getSExtValue());
  }
  node.error() << what << " must be one number that is known at compile time";
  return otherwise;
}

/// Since opset 12 it drops only where `training_mode` says so: what was exported for inference has it as the identity, unless
/// the options say that it is to drop again.
static FailureOr<Binding> importDropout(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  double ratio = numberOf(node, 1, "ratio", 0.5), training = numberOf(node, 2, "training_mode", 0);
  // The order of the draws, which is ours.
  if (node.hasAttribute("seed"))
    node.integer("seed", 0);
  if (node.failed())
    return failure();
  bool isNoOp = training == 0 || ratio == 0;
  if (node.options().trainMode || node.options().dropout)
    training = 1;
  ratio = node.options().dropout.value_or(ratio);
  node.countDropout(/*restored=*/isNoOp && training != 0 && ratio != 0);
  if (training == 0 || ratio == 0) {
    auto mask = RankedTensorType::get(shapeOf(x), node.builder().getI1Type());
    if (node.usesOutput(1)) // all is kept
      node.give(1, Binding(node.constant(DenseElementsAttr::get(mask, true))));
    return Binding(x);
  }
  if (node.usesOutput(1))
    return node.error() << "the output mask is not supported where elements are dropped: dtc keeps no mask, training draws it again where it is needed";
  if (!(ratio > 0 && ratio < 1))
    return node.error() << "ratio " << ratio << " must be at least 0 and less than 1";
  return node.create<nn::DropoutOp>(x, node.real("ratio", ratio));
}

/// Numbers from low up to high; float32, whatever is compared with them; the seed is the run's.
static FailureOr<Value> makeUniform(Node &node, ArrayRef<int64_t> shape, double low, double high) {
  int64_t type = node.integer("dtype", ::onnx::TensorProto::FLOAT);
  if (node.hasAttribute("seed"))
    node.floating("seed", 0);
  if (node.failed())
    return failure();
  if (type != ::onnx::TensorProto::FLOAT)
    return node.error() << "dtype " << type << " is not supported: random numbers are float32";
  if (!(low < high))
    return node.error() << "low " << low << " must be less than high " << high;
  OpBuilder &builder = node.builder();
  auto result = RankedTensorType::get(shape, builder.getF32Type());
  return nn::RandomUniformOp::create(builder, node.location(), result, builder.getF64FloatAttr(low), builder.getF64FloatAttr(high)).getY();
}

/// Between the node's own bounds.
static FailureOr<Binding> importUniform(Node &node, ArrayRef<int64_t> shape) {
  double low = node.floating("low", 0), high = node.floating("high", 1);
  return makeUniform(node, shape, low, high);
}

static FailureOr<Binding> importRandomUniformLike(Node &node) {
  Value like = node.tensor(0);
  if (node.failed())
    return failure();
  return importUniform(node, shapeOf(like));
}

static FailureOr<Binding> importRandomUniform(Node &node) {
  std::optional<SmallVector<int64_t>> shape = node.integerList("shape");
  if (node.failed())
    return failure();
  if (!shape)
    return node.error() << "attribute 'shape' is missing";
  if (failed(checkShape(*shape, [&] { return node.error(); })))
    return failure();
  return importUniform(node, *shape);
}

/// 1 where a uniform number is below the probability.
static FailureOr<Binding> importBernoulli(Node &node) {
  Value x = node.tensor(0);
  if (node.failed())
    return failure();
  Value spread = x;
  while (auto broadcast = spread.getDefiningOp<nn::BroadcastOp>())
    spread = broadcast.getX();
  SplatElementsAttr splat;
  if (!matchPattern(spread, m_Constant(&splat)) || !isa<FloatType>(splat.getElementType()))
    return node.error() << "the probabilities must be one number that is known at compile time";
  double probability = splat.getSplatValue<APFloat>().convertToDouble();
  if (!(probability >= 0 && probability <= 1))
    return node.error() << "probability " << probability << " is not from 0 to 1";
  FailureOr<Value> uniform = makeUniform(node, shapeOf(x), 0, 1);
  if (failed(uniform))
    return failure();
  FailureOr<Value> below = node.create<nn::LessOp>({*uniform, node.scalar(probability)});
  if (failed(below))
    return failure();
  return Binding(nn::CastOp::create(node.builder(), node.location(), uniform->getType(), *below).getY());
}

void dtc::onnximport::addRandomOperators(OperatorTable &table) {
  const char *becomes = "`nn.dropout` where `training_mode` is true, else its operand; ratio and `training_mode` known at compile "
                        "time; the output mask of what drops is refused if it is used";
  table.add({{"Dropout", 13, 1, 3, 2, importDropout, becomes}, {"Dropout", 22, 1, 3, 2, importDropout, becomes}});
  const char *compared = "`nn.random_uniform`, float32; compared with the probability to keep it becomes `nn.dropout`, all else is refused";
  const char *drawn = "`nn.random_uniform` that is compared with the probability, one number known at compile time; float32";
  table.add({{"Bernoulli", 15, 1, 1, 1, importBernoulli, drawn}, {"Bernoulli", 22, 1, 1, 1, importBernoulli, drawn}});
  table.add({{"RandomUniform", 1, 0, 0, 1, importRandomUniform, compared}, {"RandomUniformLike", 1, 1, 1, 1, importRandomUniformLike, compared}});
}
