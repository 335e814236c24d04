// Costs of what stands in timelines: fragments that run, and communication.
#include "dialects/Dist/Dist.h"
#include "dtc/Cost/Time.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

namespace {

struct RunCost : CostOpInterface::ExternalModel<RunCost, dist::RunOp> {
  /// The work is in the fragment's ops, each of its own family.
  OpFamily getFamily(Operation *) const { return OpFamily::View; }
  Cost getCost(Operation *op) const { return costOf(bodyOf(op)); }
  double getSeconds(Operation *op, const Device &device) const {
    return secondsOf(device, bodyOf(op));
  }

private:
  static Region &bodyOf(Operation *op) {
    auto fragment = SymbolTable::lookupNearestSymbolFrom<dist::FragmentOp>(
        op, cast<dist::RunOp>(op).getFragmentAttr());
    return fragment.getBody();
  }
};

/// The payload alone; what a rank reads and writes for it is the library's.
template <typename OpT>
struct CollectiveCost : CostOpInterface::ExternalModel<CollectiveCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Communication; }
  Cost getCost(Operation *op) const {
    Cost cost;
    for (Value value : op->getOperands())
      cost.bytesCommunicated = llvm::SaturatingAdd(cost.bytesCommunicated, bytesOf(value));
    return cost;
  }
};

} // namespace

void dtc::cost::registerTimelineCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::RunOp::attachInterface<RunCost>(*context);
    dist::AllReduceOp::attachInterface<CollectiveCost<dist::AllReduceOp>>(*context);
    dist::AllReduceStartOp::attachInterface<CollectiveCost<dist::AllReduceStartOp>>(*context);
  });
}
