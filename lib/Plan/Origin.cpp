// Reads layers out of locations.
#include "dtc/Plan/Origin.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

dtc::plan::Origin dtc::plan::findOrigin(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return {name.getName()};
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return findOrigin(call.getCallee());
  Origin origin;
  auto fused = dyn_cast<FusedLoc>(location);
  if (!fused)
    return origin;
  for (Location part : fused.getLocations()) {
    Origin found = findOrigin(part);
    if (!origin.layer)
      origin.layer = found.layer;
    origin.adjoint |= found.adjoint;
  }
  auto mark = dyn_cast_or_null<StringAttr>(fused.getMetadata());
  origin.adjoint |= mark && mark.getValue() == "adjoint";
  return origin;
}
