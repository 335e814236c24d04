// Sharding rules of sums over the batch, along other axes than theirs: each element stands alone.
#include "dialects/Dist/Dist.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
struct BatchSumSharding : ShardingRuleOpInterface::ExternalModel<BatchSumSharding, dist::BatchSumOp> {
  ShardingRule getShardingRule(Operation *op) const {
    ShardingRule rule(op);
    rule.operands[0] = rule.results[0] = rule.addAll(FactorKind::Parallel, shapeOf(op->getResult(0)));
    rule.linear = {{0}};
    return rule;
  }
};
} // namespace

void dtc::sharding::registerCollectiveSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::BatchSumOp::attachInterface<BatchSumSharding>(*context);
  });
}
