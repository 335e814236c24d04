// Sharding rules of constants, shape changes, reductions and softmax.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

#include <limits>
#include <numeric>

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {

struct ConstantSharding
    : ShardingRuleOpInterface::ExternalModel<ConstantSharding, nn::ConstantOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto constant = cast<nn::ConstantOp>(op);
    ShardingRule rule(op);
    // Ranks run one program, so a share must not depend on the rank.
    rule.results[0] = rule.addAll(constant.getValue().isSplat()
                                      ? FactorKind::Parallel
                                      : FactorKind::Whole,
                                  shapeOf(constant.getResult()));
    return rule;
  }

  Operation *cloneLocal(Operation *op, OpBuilder &builder, ValueRange,
                        TypeRange types) const {
    ElementsAttr value = cast<nn::ConstantOp>(op).getValue();
    if (value.getType() != types.front())
      value = DenseElementsAttr::get(cast<ShapedType>(types.front()),
                                     value.getSplatValue<Attribute>());
    return nn::ConstantOp::create(builder, op->getLoc(), types.front(), value);
  }
};

/// The factors that both shapes are products of, read from the major end:
/// [6, 4] -> [3, 8] gives i=3, j=2, k=4: ([ij, k]) -> ([i, jk]). Where the
/// boundaries cross ([4, 6] -> [6, 4] after the common major 2), the rest of the
/// dimensions that overlap is whole.
struct ReshapeSharding
    : ShardingRuleOpInterface::ExternalModel<ReshapeSharding, nn::ReshapeOp> {
  /// The dimensions of one side, taken apart from the major end.
  struct Cursor {
    explicit Cursor(ArrayRef<int64_t> shape, TensorFactors &factors)
        : shape(shape), factors(factors), left(shape.empty() ? 1 : shape[0]) {}
    bool done() const { return dim >= shape.size(); }
    void take(ShardingRule &rule, unsigned factor) {
      factors[dim].push_back(factor);
      left /= rule.factors[factor].size;
    }
    void next() {
      if (++dim < shape.size())
        left = shape[dim];
    }
    /// Makes what is left of this dimension whole; gives its size.
    int64_t takeWhole(ShardingRule &rule) {
      int64_t size = left;
      if (size > 1)
        take(rule, rule.add(FactorKind::Whole, size));
      next();
      return size;
    }
    ArrayRef<int64_t> shape;
    TensorFactors &factors;
    int64_t left;
    size_t dim = 0;
  };

  ShardingRule getShardingRule(Operation *op) const {
    ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
    ShardingRule rule(op);
    rule.linear = {{0}};
    if (llvm::is_contained(from, 0)) {
      rule.operands[0] = rule.addAll(FactorKind::Whole, from);
      rule.results[0] = rule.addAll(FactorKind::Whole, to);
      return rule;
    }
    Cursor x(from, rule.operands[0]), y(to, rule.results[0]);
    while (!x.done() && !y.done()) {
      int64_t size = std::gcd(x.left, y.left);
      if (size > 1) {
        unsigned factor = rule.add(FactorKind::Parallel, size);
        x.take(rule, factor);
        y.take(rule, factor);
      } else if (x.left > 1 && y.left > 1) {
        int64_t xSize = x.takeWhole(rule), ySize = y.takeWhole(rule);
        while (xSize != ySize) {
          if (xSize < ySize)
            xSize *= x.takeWhole(rule);
          else
            ySize *= y.takeWhole(rule);
        }
        continue;
      }
      if (x.left == 1)
        x.next();
      if (!y.done() && y.left == 1)
        y.next();
    }
    return rule;
  }
};

struct TransposeSharding
    : ShardingRuleOpInterface::ExternalModel<TransposeSharding, nn::TransposeOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    rule.operands[0] = rule.addAll(FactorKind::Parallel, shapeOf(op->getOperand(0)));
    for (auto [dim, from] : llvm::enumerate(cast<nn::TransposeOp>(op).getPermutation()))
      rule.results[0][dim] = rule.operands[0][from];
    rule.linear = {{0}};
    return rule;
  }
};

struct BroadcastSharding
    : ShardingRuleOpInterface::ExternalModel<BroadcastSharding, nn::BroadcastOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
    rule.results[0] = rule.addAll(FactorKind::Parallel, shape);
    rule.operands[0] = broadcastFactors(shapeOf(op->getOperand(0)), rule.results[0], shape);
    rule.linear = {{0}};
    return rule;
  }
};

struct ConcatSharding
    : ShardingRuleOpInterface::ExternalModel<ConcatSharding, nn::ConcatOp> {
  ShardingRule getShardingRule(Operation *op) const {
    size_t axis = cast<nn::ConcatOp>(op).getAxis();
    ShardingRule rule(op);
    rule.results[0] = rule.addAll(FactorKind::Parallel, shapeOf(op->getResult(0)));
    rule.factors[rule.results[0][axis].front()].kind = FactorKind::Whole;
    rule.linear = {{}};
    for (auto [index, operand] : llvm::enumerate(op->getOperands())) {
      rule.operands[index] = rule.results[0];
      rule.operands[index][axis] = {rule.add(FactorKind::Whole, shapeOf(operand)[axis])};
      rule.linear.front().push_back(index);
    }
    return rule;
  }
};

/// slice and pad: parallel in the dimensions that they leave as they are.
template <typename OpT>
struct BlockSharding
    : ShardingRuleOpInterface::ExternalModel<BlockSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    ArrayRef<int64_t> from = shapeOf(op->getOperand(0)), to = shapeOf(op->getResult(0));
    for (auto [dim, fromSize, toSize] : llvm::enumerate(from, to)) {
      FactorKind kind = fromSize == toSize ? FactorKind::Parallel : FactorKind::Whole;
      unsigned factor = rule.add(kind, fromSize);
      rule.operands[0][dim] = {factor};
      rule.results[0][dim] = {fromSize == toSize ? factor : rule.add(kind, toSize)};
    }
    rule.linear = {{0}};
    return rule;
  }
};

/// The rule of a mean, which is a sum and a division before anything is sharded, tells what it is taken over.
template <typename OpT>
struct ReductionSharding
    : ShardingRuleOpInterface::ExternalModel<ReductionSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    auto reduce = cast<OpT>(op);
    ShardingRule rule(op);
    rule.operands[0] = rule.addAll(FactorKind::Parallel, shapeOf(reduce.getX()));
    size_t resultDim = 0;
    for (auto [dim, factors] : llvm::enumerate(rule.operands[0])) {
      if (!llvm::is_contained(reduce.getAxes(), static_cast<int64_t>(dim))) {
        rule.results[0][resultDim++] = factors;
        continue;
      }
      rule.factors[factors.front()].kind = FactorKind::Sum;
      if (reduce.getKeepDims())
        ++resultDim;
    }
    rule.linear = {{0}};
    return rule;
  }
};

/// softmax and log_softmax: parallel in all dimensions but their axis.
template <typename OpT>
struct AlongAxisSharding
    : ShardingRuleOpInterface::ExternalModel<AlongAxisSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    rule.operands[0] = rule.addAll(FactorKind::Parallel, shapeOf(op->getOperand(0)));
    size_t axis = cast<OpT>(op).getAxis();
    rule.factors[rule.operands[0][axis].front()].kind = FactorKind::Whole;
    rule.results[0] = rule.operands[0];
    rule.neutral = std::numeric_limits<float>::lowest(); // e^x is 0
    return rule;
  }
};

} // namespace

void dtc::sharding::registerShapeSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::ConstantOp::attachInterface<ConstantSharding>(*context);
    nn::ReshapeOp::attachInterface<ReshapeSharding>(*context);
    nn::TransposeOp::attachInterface<TransposeSharding>(*context);
    nn::BroadcastOp::attachInterface<BroadcastSharding>(*context);
    nn::ConcatOp::attachInterface<ConcatSharding>(*context);
    nn::SliceOp::attachInterface<BlockSharding<nn::SliceOp>>(*context);
    nn::PadOp::attachInterface<BlockSharding<nn::PadOp>>(*context);
    nn::ReduceSumOp::attachInterface<ReductionSharding<nn::ReduceSumOp>>(*context);
    nn::ReduceMeanOp::attachInterface<ReductionSharding<nn::ReduceMeanOp>>(*context);
    nn::SoftmaxOp::attachInterface<AlongAxisSharding<nn::SoftmaxOp>>(*context);
    nn::LogSoftmaxOp::attachInterface<AlongAxisSharding<nn::LogSoftmaxOp>>(*context);
  });
}
