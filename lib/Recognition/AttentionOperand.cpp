// Queries, keys and values behind transposes, scales and repetitions.
#include "lib/Recognition/AttentionOperand.h"

#include "dialects/NN/NN.h"
#include "lib/Recognition/ConstantNumber.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::recognition;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

/// The x that `value` is with its last two dimensions swapped, where an exporter does that on a tensor of rank 3:
/// reshape(transpose(reshape(x))).
static Value swappedThroughReshapes(Value value) {
  auto after = value.getDefiningOp<nn::ReshapeOp>();
  auto transpose = after ? after.getX().getDefiningOp<nn::TransposeOp>() : nn::TransposeOp();
  auto before = transpose ? transpose.getX().getDefiningOp<nn::ReshapeOp>() : nn::ReshapeOp();
  if (!before || transpose.getPermutation() != ArrayRef<int64_t>{0, 2, 1})
    return {};
  ArrayRef<int64_t> x = shapeOf(before.getX()), y = shapeOf(value), flat = shapeOf(before);
  if (x.size() != y.size() || x.size() < 3 || x.drop_back(2) != y.drop_back(2) || x.take_back(2) != flat.take_back(2))
    return {};
  return y[y.size() - 2] == x.back() && y.back() == x[x.size() - 2] ? before.getX() : Value();
}

AttentionOperand AttentionOperand::of(Value value, bool swapped) {
  AttentionOperand operand{value, llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(value).size()))};
  if (swapped)
    std::swap(operand.permutation.end()[-1], operand.permutation.end()[-2]);
  operand.lookThrough();
  return operand;
}

void AttentionOperand::lookThrough() {
  // A chain without end in a file that is not trusted costs no more.
  for (int step = 0; step < 16; ++step) {
    Operation *op = source.getDefiningOp();
    if (auto transpose = dyn_cast_or_null<nn::TransposeOp>(op)) {
      for (int64_t &dim : permutation)
        dim = transpose.getPermutation()[dim];
      source = transpose.getX();
    } else if (Value x = swappedThroughReshapes(source)) {
      int64_t rank = permutation.size();
      for (int64_t &dim : permutation)
        dim = dim == rank - 1 ? rank - 2 : dim == rank - 2 ? rank - 1 : dim;
      source = x;
    } else if (isa_and_nonnull<nn::MulOp, nn::DivOp>(op)) {
      std::optional<double> factor = numberOf(op->getOperand(1));
      unsigned of = 0;
      if (!factor && isa<nn::MulOp>(op)) {
        factor = numberOf(op->getOperand(0));
        of = 1;
      }
      if (!factor || op->getOperand(of).getType() != source.getType())
        return;
      scale = isa<nn::MulOp>(op) ? scale * *factor : scale / *factor;
      source = op->getOperand(of);
    } else {
      return;
    }
  }
}

std::optional<AttentionOperand> AttentionOperand::withoutRepeatedHeads() const {
  auto merged = source.getDefiningOp<nn::ReshapeOp>();
  auto repeated = merged ? merged.getX().getDefiningOp<nn::BroadcastOp>() : nn::BroadcastOp();
  auto split = repeated ? repeated.getX().getDefiningOp<nn::ReshapeOp>() : nn::ReshapeOp();
  if (!split || permutation.size() != 4)
    return std::nullopt;
  ArrayRef<int64_t> heads = shapeOf(split.getX()), one = shapeOf(split), several = shapeOf(repeated), all = shapeOf(source);
  if (heads.size() != 4 || one.size() != 5 || several.size() != 5 || all.size() != 4)
    return std::nullopt;
  if (one != ArrayRef<int64_t>{heads[0], heads[1], 1, heads[2], heads[3]} ||
      several != ArrayRef<int64_t>{heads[0], heads[1], several[2], heads[2], heads[3]} ||
      all != ArrayRef<int64_t>{heads[0], heads[1] * several[2], heads[2], heads[3]} || permutation[1] != 1)
    return std::nullopt;
  AttentionOperand operand{split.getX(), permutation, scale};
  operand.lookThrough();
  return operand;
}

SmallVector<int64_t> AttentionOperand::getShape() const {
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(shapeOf(source)[dim]);
  return shape;
}

Value AttentionOperand::build(OpBuilder &builder, Location location) const {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return source;
  return nn::TransposeOp::create(builder, location, source, permutation);
}
