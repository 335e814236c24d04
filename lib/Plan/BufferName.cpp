// Names of buffers: the layer's own, as the op's location remembers it.
#include "dtc/Plan/FragmentBuilder.h"

#include "mlir/IR/Location.h"

using namespace mlir;

/// The first name in a location; fused locations are searched in order.
static StringAttr findName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (StringAttr name = findName(part))
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return findName(call.getCallee());
  return {};
}

std::string dtc::plan::bufferName(OpResult result) {
  Operation *op = result.getOwner();
  StringRef mnemonic = op->getName().stripDialect();
  StringAttr layer = findName(op->getLoc());
  // A kernel is named after what it computes.
  if (auto ops = op->getAttrOfType<ArrayAttr>("dtc.ops"); ops && !ops.empty())
    mnemonic = cast<StringAttr>(ops[ops.size() - 1]).getValue();
  std::string name = layer ? layer.getValue().str() : mnemonic.str();
  if (layer && mnemonic.contains("_gradient"))
    name += "." + mnemonic.substr(mnemonic.find("_") + 1).str();
  if (op->getNumResults() > 1 && result.getResultNumber() > 0)
    name += "." + std::to_string(result.getResultNumber());
  return name;
}
