// Attention's scores: masks that are known are taken together, one number for each query and key; of others those whose meaning is certain.
#include "lib/Recognition/AttentionMask.h"

#include "dialects/NN/NN.h"
#include "lib/Recognition/ConstantNumber.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Traits.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace dtc;
using namespace dtc::recognition;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A number added to a score, or in its place, that hides the key: its probability is 0 unless all scores of the query are as small, which
/// a product of activations is not while its training goes well (f32 has steps of 64 there).
constexpr double hiding = -1e9;

/// What is added to a query's most visible key is at most that large, either way: beside it the scores, and the logarithm of the sum of
/// their exponentials of which the gradient is made, keep their digits. Of a query that -1e9 hides from all keys that logarithm is -1e9
/// too, and its gradient wrong.
constexpr double visible = 64;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Constant numbers, or truth values, of a shape.
struct Table {
  SmallVector<int64_t> shape;
  std::vector<double> elements;
};

/// `value`, perhaps spread or in another shape, if it is a constant of at most 2^24 elements.
std::optional<Table> readConstant(Value value) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  while (auto broadcast = value.getDefiningOp<nn::BroadcastOp>()) {
    // What is repeated is read once.
    value = broadcast.getX();
    shape.assign(typeOf(value).getShape());
  }
  while (auto reshape = value.getDefiningOp<nn::ReshapeOp>())
    value = reshape.getX();
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || elements.getNumElements() > (1 << 24))
    return std::nullopt;
  Table table{shape, {}};
  Type type = elements.getElementType();
  if (type.isF32())
    table.elements.assign(elements.value_begin<float>(), elements.value_end<float>());
  else if (type.isF64())
    table.elements.assign(elements.value_begin<double>(), elements.value_end<double>());
  else if (type.isInteger(1))
    table.elements.assign(elements.value_begin<bool>(), elements.value_end<bool>());
  else
    return std::nullopt;
  return table;
}

/// Calls `body` with the offset of each element of `shape` and that of the element which `operand`, of a shape that broadcasts to it, has
/// there.
void forEachBroadcast(ArrayRef<int64_t> shape, ArrayRef<int64_t> operand, function_ref<void(int64_t, int64_t)> body) {
  SmallVector<int64_t> strides(shape.size(), 0);
  int64_t stride = 1, count = 1;
  for (size_t i = 0; i < operand.size(); ++i) {
    size_t dim = operand.size() - 1 - i;
    if (operand[dim] != 1)
      strides[shape.size() - 1 - i] = stride;
    stride *= operand[dim];
  }
  for (int64_t size : shape)
    count *= size;
  SmallVector<int64_t> at(shape.size(), 0);
  int64_t from = 0;
  for (int64_t to = 0; to < count; ++to) {
    body(to, from);
    for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
      from += strides[dim];
      if (++at[dim] < shape[dim])
        break;
      from -= at[dim] * strides[dim];
      at[dim] = 0;
    }
  }
}

/// What all known masks together do to each score, [.., queries, keys] with leading dimensions of 1 where all are equal.
class KnownMask {
public:
  bool isEmpty() const { return table.elements.empty(); }

  /// Adds `factor` times a constant to the scores.
  bool add(const Table &addend, double factor) {
    return combine(addend, [&](double &score, double by) { score += factor * by; });
  }
  /// Replaces the scores by `number`, where `condition` is `where`.
  bool replace(const Table &condition, bool where, double number) {
    return combine(condition, [&](double &score, double holds) {
      if ((holds != 0) == where)
        score = number;
    });
  }
  /// Writes to `scores` what nn.attention has to be given; false if it would not be what the parts are.
  /// `others` says that another mask may hide keys behind -infinity as well: then a finite number, which would be left to choose by, hides
  /// none.
  bool finish(AttentionScores &scores, bool guarded, bool others, Type element, int64_t queries, int64_t keys) const;

private:
  bool combine(const Table &operand, function_ref<void(double &, double)> apply) {
    if (isEmpty())
      table = {{1, 1}, {0}};
    SmallVector<int64_t> shape;
    if (!OpTrait::util::getBroadcastedShape(table.shape, operand.shape, shape))
      return false;
    int64_t count = 1;
    for (int64_t size : shape)
      if (count *= size; count > (1 << 24))
        return false;
    std::vector<double> elements(count);
    forEachBroadcast(shape, table.shape, [&](int64_t to, int64_t from) { elements[to] = table.elements[from]; });
    forEachBroadcast(shape, operand.shape, [&](int64_t to, int64_t from) { apply(elements[to], operand.elements[from]); });
    table = {shape, std::move(elements)};
    return true;
  }

  Table table;
};

bool KnownMask::finish(AttentionScores &scores, bool guarded, bool others, Type element, int64_t queries, int64_t keys) const {
  ArrayRef<int64_t> shape = table.shape;
  const int64_t columns = shape.back(), rows = table.elements.size() / columns;
  bool hides = false, adds = false, causal = shape[shape.size() - 2] == queries && columns == keys;
  for (int64_t row = 0; row < rows; ++row) {
    double largest = -infinity, smallest = 0;
    for (int64_t column = 0; column < columns; ++column) {
      double entry = table.elements[row * columns + column];
      if (std::isnan(entry) || entry == infinity)
        return false;
      bool hidden = entry <= hiding;
      if (hidden && others && entry != -infinity)
        return false;
      hides |= hidden;
      adds |= !hidden && entry != 0;
      causal &= hidden == (column > row % queries);
      if (!hidden)
        largest = std::max(largest, entry);
      smallest = std::min(smallest, entry);
    }
    if (largest == -infinity) {
      // No key is seen: y is 0 if the parts say so, which they do where none has a finite number.
      bool allInfinite = true;
      for (int64_t column = 0; column < columns; ++column)
        allInfinite &= table.elements[row * columns + column] == -infinity;
      if (!guarded || !allInfinite)
        return false;
    } else if (std::abs(largest) > visible) {
      return false;
    }
  }
  if (!hides && !adds)
    return true;
  if (causal && !adds) {
    scores.causal = true;
    return true;
  }
  if (!adds) {
    SmallVector<bool> seen;
    for (double entry : table.elements)
      seen.push_back(entry > hiding);
    scores.constant = DenseElementsAttr::get(RankedTensorType::get(shape, IntegerType::get(element.getContext(), 1)), seen);
    return true;
  }
  std::vector<double> added(table.elements);
  for (double &entry : added)
    if (entry <= hiding)
      entry = -infinity;
  auto type = RankedTensorType::get(shape, element);
  if (element.isF64())
    scores.constant = DenseElementsAttr::get(type, ArrayRef(added));
  else
    scores.constant = DenseElementsAttr::get(type, ArrayRef(std::vector<float>(added.begin(), added.end())));
  return element.isF64() || element.isF32();
}

/// Whether `value` holds numbers of parameters and no others: read from tables or moved, as biases of relative positions are.
bool isLearned(Value value) {
  for (int step = 0; step < 16; ++step) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
      return function && function.getArgAttr(argument.getArgNumber(), nn::names::parameter);
    }
    Operation *op = value.getDefiningOp();
    if (!isa<nn::ReshapeOp, nn::TransposeOp, nn::BroadcastOp, nn::SliceOp, nn::GatherOp>(op))
      return false;
    value = op->getOperand(0);
  }
  return false;
}

Value withoutBroadcast(Value value) {
  while (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getX();
  return value;
}

/// A product, perhaps behind scales and other masks: what the scores are, where the other operand is a mask. At most `steps` ops are looked
/// through.
bool leadsToProduct(Value value, int steps = 6) {
  while (steps-- > 0) {
    Operation *op = value.getDefiningOp();
    if (!op || !op->hasOneUse())
      return false;
    if (isa<nn::MatmulOp>(op))
      return true;
    if (isa<nn::MulOp, nn::DivOp>(op)) {
      bool second = isa<nn::MulOp>(op) && numberOf(op->getOperand(0));
      if (!second && !numberOf(op->getOperand(1)))
        return false;
      value = op->getOperand(second);
    } else if (isa<nn::AddOp>(op)) {
      value = op->getOperand(leadsToProduct(op->getOperand(1), steps) ? 1 : 0);
    } else if (isa<nn::SubOp>(op)) {
      value = op->getOperand(0);
    } else if (isa<nn::WhereOp>(op)) {
      value = op->getOperand(numberOf(op->getOperand(1)) ? 2 : 1);
    } else {
      return false;
    }
  }
  return false;
}

/// One step from the softmax to the product: what is done to the scores.
struct Step {
  Operation *op;
  unsigned scores; ///< the number of the operand that the scores are
};

/// The steps from `value` down to the product, the last one first.
std::optional<SmallVector<Step>> stepsToProduct(Value &value) {
  SmallVector<Step> steps;
  while (true) {
    Operation *op = value.getDefiningOp();
    if (!op || !op->hasOneUse() || steps.size() > 8)
      return std::nullopt;
    if (isa<nn::MatmulOp>(op))
      return steps;
    unsigned scores = 0;
    if (isa<nn::MulOp, nn::AddOp>(op))
      scores = leadsToProduct(op->getOperand(0)) ? 0 : 1;
    else if (isa<nn::WhereOp>(op))
      scores = leadsToProduct(op->getOperand(1)) ? 1 : 2;
    else if (!isa<nn::DivOp, nn::SubOp>(op))
      return std::nullopt;
    if (op->getOperand(scores).getType() != value.getType())
      return std::nullopt;
    steps.push_back({op, scores});
    value = op->getOperand(scores);
  }
}

/// Truth values that are not known, which hide keys behind -infinity.
struct Hiding {
  Value condition;
  bool hides; ///< whether a key is hidden where the condition holds
};

/// An added mask that is where(condition, 0, -infinity), or the other way around.
std::optional<Hiding> hidingAddend(Value addend) {
  auto where = withoutBroadcast(addend).getDefiningOp<nn::WhereOp>();
  if (!where)
    return std::nullopt;
  std::optional<double> a = numberOf(where.getA()), b = numberOf(where.getB());
  if (a == 0.0 && b == -infinity)
    return Hiding{where.getCondition(), false};
  if (a == -infinity && b == 0.0)
    return Hiding{where.getCondition(), true};
  return std::nullopt;
}

} // namespace

Value AttentionScores::buildMask(OpBuilder &builder, Location location) const {
  if (constant)
    return nn::ConstantOp::create(builder, location, constant.getType(), constant);
  if (mask && masksHidden)
    return nn::NotOp::create(builder, location, mask);
  return mask;
}

std::optional<AttentionScores> dtc::recognition::readScores(Value softmaxed, bool guarded) {
  AttentionScores scores;
  scores.product = softmaxed;
  std::optional<SmallVector<Step>> steps = stepsToProduct(scores.product);
  if (!steps)
    return std::nullopt;
  KnownMask known;
  std::optional<Hiding> unknown;
  // From the product on: what was added before a scale is scaled with it, which nn.attention's mask is not.
  for (const Step &step : llvm::reverse(*steps)) {
    Operation *op = step.op;
    if (isa<nn::MulOp, nn::DivOp>(op)) {
      std::optional<double> factor = numberOf(op->getOperand(1 - step.scores));
      if (!factor || !known.isEmpty() || scores.mask || unknown)
        return std::nullopt;
      scores.scale = isa<nn::MulOp>(op) ? scores.scale * *factor : scores.scale / *factor;
    } else if (auto where = dyn_cast<nn::WhereOp>(op)) {
      std::optional<double> number = numberOf(where->getOperand(3 - step.scores));
      if (!number || !(*number <= hiding))
        return std::nullopt;
      bool hides = step.scores == 2;
      if (std::optional<Table> condition = readConstant(where.getCondition())) {
        if (!known.replace(*condition, hides, *number))
          return std::nullopt;
      } else if (guarded && *number == -infinity && !unknown) {
        unknown = Hiding{where.getCondition(), hides};
      } else {
        return std::nullopt;
      }
    } else {
      Value addend = op->getOperand(1 - step.scores);
      if (std::optional<Table> table = readConstant(addend)) {
        if (!known.add(*table, isa<nn::SubOp>(op) ? -1 : 1))
          return std::nullopt;
      } else if (std::optional<Hiding> hiding = guarded && isa<nn::AddOp>(op) && !unknown ? hidingAddend(addend) : std::nullopt) {
        unknown = hiding;
      } else if (isa<nn::AddOp>(op) && !scores.mask && isLearned(addend)) {
        scores.mask = withoutBroadcast(addend);
      } else {
        return std::nullopt;
      }
    }
  }
  auto type = typeOf(softmaxed);
  if (unknown) {
    if (scores.mask)
      return std::nullopt;
    scores.mask = withoutBroadcast(unknown->condition);
    scores.masksHidden = unknown->hides;
  }
  if (!known.isEmpty()) {
    int64_t rank = type.getRank();
    if (!known.finish(scores, guarded, unknown.has_value(), type.getElementType(), type.getDimSize(rank - 2), type.getDimSize(rank - 1)) ||
        (scores.mask && scores.constant))
      return std::nullopt;
  }
  return scores;
}
