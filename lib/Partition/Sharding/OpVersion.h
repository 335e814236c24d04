// The ways in which an op runs on the ranks along an axis of the mesh.
#ifndef DTC_LIB_PARTITION_SHARDING_OPVERSION_H
#define DTC_LIB_PARTITION_SHARDING_OPVERSION_H

#include "dtc/Sharding/ShardingRule.h"

namespace dtc::partition {

using sharding::FactorShard;
using sharding::Placement;
using sharding::ShardingRule;

/// One way in which an op runs on the ranks.
struct OpVersion {
  /// All operands and results whole.
  static OpVersion replicated() { return {}; }
  static OpVersion sharded(FactorShard shard) { return {shard, std::nullopt}; }
  /// The operands of this linear set, and so the results, are partial sums.
  static OpVersion partial(unsigned linearSet) { return {std::nullopt, linearSet}; }
  bool operator==(const OpVersion &other) const = default;

  /// How an operand or a result of an op with this rule lies then.
  Placement operandPlacement(const ShardingRule &rule, unsigned index) const;
  Placement resultPlacement(const ShardingRule &rule, unsigned index) const;

  std::optional<FactorShard> shard;
  std::optional<unsigned> linearSet;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_SHARDING_OPVERSION_H
