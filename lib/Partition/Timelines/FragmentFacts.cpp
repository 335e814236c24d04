// The facts of a fragment; layers are the names of its ops' places in the model.
#include "lib/Partition/Timelines/FragmentFacts.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace dtc;

/// Of fused places, all names; of a name's own place, none. Casts of parameters are of no layer.
static void collectNames(Location location, llvm::SetVector<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(location))
    names.insert(name.getName());
  else if (auto fused = dyn_cast<FusedLoc>(location);
           fused && fused.getMetadata() != StringAttr::get(location.getContext(), "cast"))
    for (Location part : fused.getLocations())
      collectNames(part, names);
}

void partition::setFacts(dist::FragmentOp fragment, dist::FragmentKind kind, int64_t stage) {
  llvm::SetVector<StringRef> layers;
  for (Operation &op : fragment.getBody().front().without_terminator())
    if (!op.hasTrait<OpTrait::ConstantLike>())
      collectNames(op.getLoc(), layers);
  Builder builder(fragment.getContext());
  fragment.setKind(kind);
  if (stage >= 0)
    fragment.setStage(stage);
  if (!layers.empty())
    fragment.setLayersAttr(builder.getStrArrayAttr(layers.getArrayRef()));
}
