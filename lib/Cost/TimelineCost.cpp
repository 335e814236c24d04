// Costs of fragments that run.
#include "dialects/Dist/Dist.h"
#include "dtc/Cost/Time.h"

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

} // namespace

void dtc::cost::registerTimelineCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::RunOp::attachInterface<RunCost>(*context);
  });
}
