// RotaryEmbedding: pairs of features turned by angles that grow with the position (Su et al. 2021).
#include "ElementwiseOps.h"
#include "Operators.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static Value kept(FailureOr<Value> value) { return failed(value) ? Value() : *value; }

/// The cosines or sines [N, T, half] of all positions, from a table of them that position_ids count into, as a factor of x: [N, T, 1, half], or
/// [N, 1, T, half] where heads come before positions.
static FailureOr<Value> factorOf(Node &node, unsigned input, ArrayRef<int64_t> shape, bool headsFirst) {
  Value table = operand(node, input, Kind::Floats);
  if (node.hasInput(3))
    table = make<nn::GatherOp>(node, {table, operand(node, 3, Kind::Integers)}, node.number("axis", 0));
  if (!table)
    return failure();
  if (shapeOf(table) != shape)
    return node.error() << "input " << input << (node.hasInput(3) ? ", at position_ids, has shape " : " has shape ")
                        << nn::formatShape(shapeOf(table)) << ", not [batch, positions, half of the turned features], " << nn::formatShape(shape);
  return node.reshape(table, headsFirst ? ArrayRef<int64_t>{shape[0], 1, shape[1], shape[2]} : ArrayRef<int64_t>{shape[0], shape[1], 1, shape[2]});
}

/// x [N, H, T, D], or [N, T, H * D], of which num_heads says H. The first rotary_embedding_dim features of each head are turned.
static FailureOr<Binding> importRotaryEmbedding(Node &node) {
  Value x = operand(node, 0, Kind::Floats);
  bool interleaved = node.flag("interleaved", false);
  int64_t heads = node.integer("num_heads", 0), turned = node.integer("rotary_embedding_dim", 0);
  if (node.failed())
    return failure();
  SmallVector<int64_t> given(shapeOf(x));
  bool headsFirst = given.size() == 4;
  if (given.size() != 3 && given.size() != 4)
    return node.error() << "takes [batch, heads, positions, features] or [batch, positions, heads * features], not " << nn::formatShape(given);
  if (!headsFirst && (heads < 1 || given[2] % heads != 0))
    return node.error() << "num_heads " << heads << " does not divide the " << given[2] << " features";
  if (headsFirst && heads != 0 && heads != given[1])
    return node.error() << "num_heads " << heads << " is not that of shape " << nn::formatShape(given);
  Value y = headsFirst ? x : kept(node.reshape(x, {given[0], given[1], heads, given[2] / heads}));
  if (!y)
    return failure();
  int64_t width = shapeOf(y)[3], positions = headsFirst ? given[2] : given[1];
  turned = turned == 0 ? width : turned;
  if (turned < 2 || turned % 2 || turned > width)
    return node.error() << "turns " << turned << " of the " << width << " features of a head; it must be an even number of them";
  int64_t half = turned / 2;
  FailureOr<Value> cos = factorOf(node, 1, {given[0], positions, half}, headsFirst);
  FailureOr<Value> sin = failed(cos) ? cos : factorOf(node, 2, {given[0], positions, half}, headsFirst);
  FailureOr<Value> part = failed(sin) ? sin : node.slice(y, 3, 0, turned);
  if (failed(part))
    return failure();
  SmallVector<int64_t> shape(shapeOf(*part)), halves(shape);
  halves[3] = half;
  auto pick = [&](int64_t which) -> Value {
    if (!interleaved)
      return kept(node.slice(*part, 3, which * half, half));
    Value pairs = kept(node.reshape(*part, {shape[0], shape[1], shape[2], half, 2}));
    Value one = pairs ? kept(node.slice(pairs, 4, which, 1)) : Value();
    return one ? kept(node.reshape(one, halves)) : Value();
  };
  Value a = pick(0), b = pick(1);
  Value real = make<nn::SubOp>(node, {make<nn::MulOp>(node, {a, *cos}), make<nn::MulOp>(node, {b, *sin})});
  Value imaginary = make<nn::AddOp>(node, {make<nn::MulOp>(node, {a, *sin}), make<nn::MulOp>(node, {b, *cos})});
  if (interleaved) {
    SmallVector<int64_t> columns(halves);
    columns.push_back(1);
    real = real ? kept(node.reshape(real, columns)) : Value();
    imaginary = imaginary ? kept(node.reshape(imaginary, columns)) : Value();
  }
  Value joined = make<nn::ConcatOp>(node, {real, imaginary}, node.number("axis", interleaved ? 4 : 3));
  if (joined && interleaved)
    joined = kept(node.reshape(joined, shape));
  if (joined && turned < width) {
    Value rest = kept(node.slice(y, 3, turned, width - turned));
    joined = make<nn::ConcatOp>(node, {joined, rest}, node.number("axis", 3));
  }
  return joined ? node.reshape(joined, given) : FailureOr<Binding>();
}

void dtc::onnximport::addRotaryEmbeddingOperators(OperatorTable &table) {
  table.add({{"RotaryEmbedding", 23, 3, 4, 1, importRotaryEmbedding, "`nn.mul`, `nn.add` and `nn.sub` of halves; positions through `nn.gather`"}});
}
