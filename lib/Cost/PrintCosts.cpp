// dtc-print-costs: each op's cost as a remark.
#include "dtc/Cost/Cost.h"
#include "dtc/Cost/Passes.h"

#include "dialects/Dist/Dist.h"

namespace dtc {
#define GEN_PASS_DEF_PRINTCOSTSPASS
#include "dtc/Cost/Passes.h.inc"
} // namespace dtc

using namespace mlir;

namespace {
struct PrintCostsPass : dtc::impl::PrintCostsPassBase<PrintCostsPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      auto communication = dyn_cast<dtc::CommunicationOpInterface>(op);
      if (!isa<dtc::CostOpInterface, dtc::dist::TimelineOp, dtc::dist::FragmentOp>(op) &&
          !(communication && communication.isCollective()))
        return;
      dtc::Cost cost = dtc::costOf(op);
      InFlightDiagnostic remark = op->emitRemark()
          << cost.flops << " FLOP, " << cost.bytesRead << " bytes read, "
          << cost.bytesWritten << " bytes written";
      if (cost.bytesCommunicated)
        remark << ", " << cost.bytesCommunicated << " bytes communicated";
    });
    markAllAnalysesPreserved();
  }
};
} // namespace
