// How the operands and results of an op lie in one of its versions.
#include "lib/Partition/Sharding/OpVersion.h"

using namespace dtc;
using namespace dtc::partition;

Placement OpVersion::operandPlacement(const ShardingRule &rule, unsigned index) const {
  if (shard) {
    if (std::optional<Placement> placement = rule.placementOf(rule.operands[index], *shard))
      return *placement;
    return llvm::is_contained(rule.ownOperands, index) ? Placement::own() : Placement::replicated();
  }
  bool isPartial = linearSet && llvm::is_contained(rule.linear[*linearSet], index);
  return isPartial ? Placement::partial() : Placement::replicated();
}

Placement OpVersion::resultPlacement(const ShardingRule &rule, unsigned index) const {
  if (shard) {
    if (std::optional<Placement> placement = rule.placementOf(rule.results[index], *shard))
      return *placement;
    return llvm::is_contained(rule.ownResults, index) ? Placement::own() : Placement::partial();
  }
  return linearSet ? Placement::partial() : Placement::replicated();
}
