// dtc-print-sharding-rules: each op's rule as a remark.
#include "dtc/Sharding/Passes.h"
#include "dtc/Sharding/ShardingRule.h"

namespace dtc {
#define GEN_PASS_DEF_PRINTSHARDINGRULESPASS
#include "dtc/Sharding/Passes.h.inc"
} // namespace dtc

using namespace mlir;

namespace {
struct PrintShardingRulesPass
    : dtc::impl::PrintShardingRulesPassBase<PrintShardingRulesPass> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk(
        [](dtc::sharding::ShardingRuleOpInterface op) {
          dtc::sharding::ShardingRule rule = op.getShardingRule();
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
