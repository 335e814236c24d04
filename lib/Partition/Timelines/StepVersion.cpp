// The name of a version of a step.
#include "lib/Partition/Timelines/StepVersion.h"

#include "dialects/Dist/Dist.h"

using namespace mlir;
using namespace dtc;

std::string dtc::partition::roleSuffix(func::FuncOp step) {
  std::string role;
  if (auto at = step->getAttrOfType<DictionaryAttr>(dist::names::at))
    for (NamedAttribute place : at)
      role += place.getName().str() +
              std::to_string(cast<IntegerAttr>(place.getValue()).getInt());
  return role;
}
