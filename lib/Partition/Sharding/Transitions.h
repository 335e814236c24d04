// How a value that lies in one way on the ranks along an axis comes to lie in another: a table.
#ifndef DTC_LIB_PARTITION_SHARDING_TRANSITIONS_H
#define DTC_LIB_PARTITION_SHARDING_TRANSITIONS_H

#include "dialects/Communication/Communication.h"
#include "dtc/Cost/Simulator.h"
#include "dtc/Sharding/ShardingRule.h"

namespace dtc::partition {

using sharding::Placement;

/// Where a transition is to be made.
struct TransitionSite {
  mlir::OpBuilder &builder;
  mlir::Location location;
  /// What a rank has; as `from` says.
  mlir::Value local;
  Placement from, to;
  /// Of what a rank has afterwards.
  mlir::RankedTensorType result;
  mlir::StringAttr axis;
};

/// One row: a collective, or a slice of what each rank has, for which nothing travels.
struct Transition {
  Placement::Kind from, to;
  std::optional<CommunicationKind> kind;
  mlir::Value (*build)(const TransitionSite &site);

  /// For a value that is `bytes` large where it is whole, between `ranks`.
  double seconds(uint64_t bytes, llvm::ArrayRef<int64_t> ranks, const MachineModel &machine) const;
};

/// All rows.
llvm::ArrayRef<Transition> transitions();

/// What makes `to` of `from`, which differ; null if nothing does: what each share has of its own stays so, a whole value is nobody's term of
/// a sum, and only plain slices of a dimension are put together.
const Transition *transitionBetween(Placement from, Placement to);

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_SHARDING_TRANSITIONS_H
