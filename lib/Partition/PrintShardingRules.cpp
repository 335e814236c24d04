// dtc-print-sharding-rules: each op's rule as a remark.
#include "dtc/Partition/Passes.h"
#include "dtc/Partition/ShardingRule.h"

namespace dtc {
#define GEN_PASS_DEF_PRINTSHARDINGRULESPASS
#include "dtc/Partition/Passes.h.inc"
} // namespace dtc

using namespace mlir;

namespace {
struct PrintShardingRulesPass
    : dtc::impl::PrintShardingRulesPassBase<PrintShardingRulesPass> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk(
        [](dtc::partition::ShardingRuleOpInterface op) {
          dtc::partition::ShardingRule rule = op.getShardingRule();
          if (!rule.fits(op)) {
            op.emitOpError("has a sharding rule that does not fit its shapes");
            return WalkResult::interrupt();
          }
          std::string text;
          llvm::raw_string_ostream os(text);
          rule.print(os);
          op->emitRemark(text);
          return WalkResult::advance();
        });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
