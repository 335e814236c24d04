// Sharding rules of elementwise ops: parallel in every dimension.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
using OperandSets = SmallVector<SmallVector<unsigned, 2>>;

template <typename OpT>
struct ElementwiseSharding
    : ShardingRuleOpInterface::ExternalModel<ElementwiseSharding<OpT>, OpT> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
    rule.results[0] = rule.addAll(FactorKind::Parallel, shape);
    for (auto [factors, operand] : llvm::zip(rule.operands, op->getOperands()))
      factors = broadcastFactors(shapeOf(operand), rule.results[0], shape);
    // What is left of a quotient of integers is lost in each part.
    if (nn::hasGradient(op->getResult(0).getType()))
      rule.linear = linear();
    rule.vanishing = vanishing();
    return rule;
  }

  /// The operands in which the formula is linear; most are in none.
  static OperandSets linear() { return {}; }
  /// The operands with which the result is 0, besides those in which it is linear.
  static OperandSets vanishing() { return {}; }
};

template <> OperandSets ElementwiseSharding<nn::NegOp>::linear() { return {{0}}; }
template <> OperandSets ElementwiseSharding<nn::AddOp>::linear() { return {{0, 1}}; }
template <> OperandSets ElementwiseSharding<nn::SubOp>::linear() { return {{0, 1}}; }
template <> OperandSets ElementwiseSharding<nn::MulOp>::linear() { return {{0}, {1}}; }
template <> OperandSets ElementwiseSharding<nn::DivOp>::linear() { return {{0}}; }
template <> OperandSets ElementwiseSharding<nn::WherePositiveOp>::linear() { return {{1, 2}}; }
template <> OperandSets ElementwiseSharding<nn::WherePositiveOp>::vanishing() { return {{0, 2}}; }
template <> OperandSets ElementwiseSharding<nn::WhereOp>::linear() { return {{1, 2}}; }
template <> OperandSets ElementwiseSharding<nn::WhereOp>::vanishing() { return {{0, 2}}; }
template <> OperandSets ElementwiseSharding<nn::GeluGradientOp>::linear() { return {{0}}; }

/// Sums must not be rounded before they are complete, so a cast is linear only where it widens floating-point numbers.
struct CastSharding : ShardingRuleOpInterface::ExternalModel<CastSharding, nn::CastOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto cast = nn::CastOp(op);
    ShardingRule rule(op);
    rule.results[0] = rule.operands[0] = rule.addAll(FactorKind::Parallel, shapeOf(cast.getX()));
    bool widens = nn::hasGradient(cast.getX().getType()) && nn::hasGradient(cast.getType()) && cast.getX().getType().getElementTypeBitWidth() <= cast.getType().getElementTypeBitWidth();
    (widens ? rule.linear : rule.vanishing) = {{0}};
    return rule;
  }
};

template <typename... Ops>
void attach(MLIRContext *context) {
  (Ops::template attachInterface<ElementwiseSharding<Ops>>(*context), ...);
}
} // namespace

void dtc::sharding::registerElementwiseSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    attach<nn::NegOp, nn::ExpOp, nn::LogOp, nn::SqrtOp, nn::ReluOp,
           nn::SigmoidOp, nn::TanhOp, nn::LeakyReluOp, nn::EluOp, nn::AddOp,
           nn::SubOp, nn::MulOp, nn::DivOp, nn::PowOp, nn::WherePositiveOp, nn::ErfOp,
           nn::GeluOp, nn::GeluGradientOp,
           nn::AbsOp, nn::SignOp, nn::FloorOp, nn::CeilOp, nn::RoundOp, nn::SinOp, nn::CosOp, nn::TanOp, nn::AsinOp,
           nn::AcosOp, nn::AtanOp, nn::SinhOp, nn::CoshOp, nn::AsinhOp, nn::AcoshOp, nn::AtanhOp, nn::SoftplusOp,
           nn::SiluOp, nn::MishOp, nn::HardSigmoidOp, nn::HardSwishOp, nn::ClipOp, nn::ModOp, nn::MinOp, nn::MaxOp,
           nn::EqualOp, nn::LessOp, nn::LessOrEqualOp, nn::GreaterOp, nn::GreaterOrEqualOp, nn::AndOp, nn::OrOp,
           nn::XorOp, nn::NotOp, nn::WhereOp>(context);
    nn::CastOp::attachInterface<CastSharding>(*context);
  });
}
