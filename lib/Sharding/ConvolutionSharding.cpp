// Sharding rules of convolution and its gradients.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {

/// The factors that the three ops share. With g groups, x's channels are g x c
/// and y's are g x o: x [n, gc, whole…], weight [go, c, whole…], y [n, go, whole…].
struct ConvFactors {
  ConvFactors(ShardingRule &rule, Value x, Value weight, Value y,
              int64_t groups, FactorKind nKind, FactorKind oKind,
              FactorKind cKind)
      : n(rule.add(nKind, shapeOf(x)[0])),
        g(rule.add(FactorKind::Parallel, groups)),
        o(rule.add(oKind, shapeOf(weight)[0] / groups)),
        c(rule.add(cKind, shapeOf(weight)[1])) {
    auto append = [&](TensorFactors &tensor, Value value) {
      // A window reaches into its neighbour's share.
      tensor.append(rule.addAll(FactorKind::Whole, shapeOf(value).drop_front(2)));
    };
    this->x = {{n}, {g, c}};
    this->weight = {{g, o}, {c}};
    this->y = {{n}, {g, o}};
    append(this->x, x);
    append(this->weight, weight);
    append(this->y, y);
  }
  unsigned n, g, o, c;
  TensorFactors x, weight, y;
};

/// A rank has a share of the groups, or of the channels of each: as many groups as its shapes say.
Operation *cloneConvolution(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types, ArrayRef<int64_t> x, ArrayRef<int64_t> weight) {
  Operation *local = cloneWithTypes(op, builder, operands, types);
  local->setAttr("groups", builder.getI64IntegerAttr(x[1] / weight[1]));
  return local;
}

ArrayRef<int64_t> shapeOf(Type type) { return cast<RankedTensorType>(type).getShape(); }

struct ConvSharding
    : ShardingRuleOpInterface::ExternalModel<ConvSharding, nn::ConvOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto conv = cast<nn::ConvOp>(op);
    // Summed over shares of c, the bias would count once a rank.
    bool plain = !conv.getBias() && !conv.getEpilogueAttr();
    ShardingRule rule(op);
    ConvFactors factors(rule, conv.getX(), conv.getWeight(), conv.getY(),
                        conv.getGroups(), FactorKind::Parallel,
                        FactorKind::Parallel,
                        plain ? FactorKind::Sum : FactorKind::Whole);
    rule.operands[0] = factors.x;
    rule.operands[1] = factors.weight;
    if (conv.getBias())
      rule.operands[2] = {{factors.g, factors.o}};
    rule.results[0] = factors.y;
    if (plain)
      rule.linear = {{0}, {1}};
    else if (!conv.getEpilogueAttr())
      rule.linear = {{0, 2}, {1, 2}};
    return rule;
  }
  Operation *cloneLocal(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types) const {
    return cloneConvolution(op, builder, operands, types, sharding::shapeOf(operands[0]), sharding::shapeOf(operands[1]));
  }
};

struct InputGradientSharding
    : ShardingRuleOpInterface::ExternalModel<InputGradientSharding,
                                             nn::ConvInputGradientOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto conv = cast<nn::ConvInputGradientOp>(op);
    ShardingRule rule(op);
    // Each group's channels of dx come from that group of dy alone.
    ConvFactors factors(rule, conv.getDx(), conv.getWeight(), conv.getDy(),
                        conv.getGroups(), FactorKind::Parallel, FactorKind::Sum,
                        FactorKind::Parallel);
    rule.operands[0] = factors.y;
    rule.operands[1] = factors.weight;
    rule.results[0] = factors.x;
    rule.linear = {{0}, {1}};
    return rule;
  }
  Operation *cloneLocal(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types) const {
    return cloneConvolution(op, builder, operands, types, shapeOf(types[0]), sharding::shapeOf(operands[1]));
  }
};

struct WeightGradientSharding
    : ShardingRuleOpInterface::ExternalModel<WeightGradientSharding,
                                             nn::ConvWeightGradientOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto conv = cast<nn::ConvWeightGradientOp>(op);
    ShardingRule rule(op);
    // Every share of c would make all of dbias, not a part of it.
    ConvFactors factors(rule, conv.getX(), conv.getDweight(), conv.getDy(),
                        conv.getGroups(), FactorKind::Sum, FactorKind::Parallel,
                        conv.getDbias() ? FactorKind::Whole
                                        : FactorKind::Parallel);
    rule.operands[0] = factors.x;
    rule.operands[1] = factors.y;
    rule.results[0] = factors.weight;
    rule.linear = {{1}};
    if (conv.getDbias())
      rule.results[1] = {{factors.g, factors.o}};
    else
      rule.linear.push_back({0});
    return rule;
  }
  Operation *cloneLocal(Operation *op, OpBuilder &builder, ValueRange operands, TypeRange types) const {
    return cloneConvolution(op, builder, operands, types, sharding::shapeOf(operands[0]), shapeOf(types[0]));
  }
};

} // namespace

void dtc::sharding::registerConvolutionSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::ConvOp::attachInterface<ConvSharding>(*context);
    nn::ConvInputGradientOp::attachInterface<InputGradientSharding>(*context);
    nn::ConvWeightGradientOp::attachInterface<WeightGradientSharding>(*context);
  });
}
