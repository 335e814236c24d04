// No op of nn is without a sharding rule or without a cost.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"
#include "dtc/Sharding/ShardingRule.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;

TEST(Models, EveryOpHasAShardingRuleAndACost) {
  DialectRegistry registry;
  dtc::registerDialects(registry);
  MLIRContext context(registry);
  context.loadDialect<dtc::nn::NNDialect>();
  unsigned ops = 0;
  // Not by getRegisteredOperationsByDialect, whose search fails where other dialects are loaded too (LLVM 22).
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    if (name.getDialectNamespace() != "nn")
      continue;
    ++ops;
    EXPECT_TRUE(name.hasInterface<dtc::sharding::ShardingRuleOpInterface>())
        << name.getStringRef().str() << " has no sharding rule";
    EXPECT_TRUE(name.hasInterface<dtc::CostOpInterface>())
        << name.getStringRef().str() << " has no cost";
  }
  EXPECT_GT(ops, 0u);
}
