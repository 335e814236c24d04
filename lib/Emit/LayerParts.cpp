// Parts by layer, from the locations of ops.
#include "LayerParts.h"

#include "dtc/Plan/Origin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::emit;

LayerParts::LayerParts(rt::ProgramOp program) {
  program.walk([&](Operation *op) {
    auto call = dyn_cast<rt::CallOp>(op);
    if (!isa<rt::CallOp, rt::LaunchOp>(op) || (call && call.getTuple()))
      return;
    plan::Origin origin = plan::findOrigin(op->getLoc());
    if (origin.layer && !origin.adjoint &&
        llvm::any_of(op->getOperands(), [](Value operand) {
          rt::BufferOp root = isa<MemRefType>(operand.getType())
                                  ? rt::rootBuffer(operand)
                                  : rt::BufferOp();
          return root && root.getKind() == rt::BufferKind::Parameter;
        }))
      layers.insert(origin.layer);
  });
}

SmallVector<LayerParts::Part> LayerParts::of(ArrayRef<Operation *> ops) const {
  SmallVector<Part> parts;
  for (Operation *op : ops) {
    plan::Origin origin = plan::findOrigin(op->getLoc());
    parts.push_back({origin.layer, origin.adjoint});
  }
  auto isOwn = [&](size_t i) {
    return isa<rt::RepeatOp>(ops[i]) || layers.contains(parts[i].layer);
  };
  for (size_t i = 1; i < ops.size(); ++i)
    if (!parts[i].adjoint && !isOwn(i) && !parts[i - 1].adjoint &&
        !isa<rt::RepeatOp>(ops[i - 1]))
      parts[i] = parts[i - 1];
  for (size_t i = ops.size(); i-- > 1;)
    if (parts[i - 1].adjoint && !isOwn(i - 1) && parts[i].adjoint &&
        !isa<rt::RepeatOp>(ops[i]))
      parts[i - 1] = parts[i];
  return parts;
}
