// How a step runs on the ranks along one axis of the mesh, once it is said how its arguments lie.
#ifndef DTC_LIB_PARTITION_SHARDING_AXISSPREAD_H
#define DTC_LIB_PARTITION_SHARDING_AXISSPREAD_H

#include "lib/Partition/Sharding/OpVersion.h"
#include "lib/Partition/Sharding/Transitions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace dtc::partition {

/// How arguments of a step lie; those that are not named are whole on every rank.
using Seeds = llvm::DenseMap<mlir::Value, Placement>;

/// A version for each op and the transitions between them, chosen op by op in program order: given how its operands lie, each
/// runs as costs least, its own time and that of what brings its operands where it needs them.
class AxisSpread {
public:
  /// Over these ranks, of which the first one's device counts. Fails with a diagnostic if an op has no sharding rule. What it is given must
  /// live as long as this.
  static llvm::FailureOr<AxisSpread> of(mlir::func::FuncOp step, llvm::ArrayRef<int64_t> ranks, const Cluster &cluster,
                                        const MachineModel &machine);

  /// Decides anew. Results with the name of an argument lie as it does, all others whole. Gives the seconds of a rank; infinite if
  /// the step cannot run so.
  double decide(const Seeds &seeds);

  const OpVersion &versionOf(mlir::Operation *op) const { return decided.find(op)->second; }
  /// How a value lies where it is made.
  Placement placementOf(mlir::Value value) const { return available.find(value)->second.front(); }
  Placement operandPlacement(mlir::Operation *op, unsigned index, const OpVersion &version) const {
    return version.operandPlacement(ruleOf(op), index);
  }
  Placement resultPlacement(mlir::Operation *op, unsigned index, const OpVersion &version) const {
    return version.resultPlacement(ruleOf(op), index);
  }
  /// How the step gives back a result.
  Placement returned(unsigned result) const { return wanted[result]; }
  /// Which of the ways in which a value lies already is brought to `need` soonest: an index into them; none if none can be.
  struct Route {
    Placement from;
    const Transition *transition;
    double seconds;
  };
  std::optional<Route> routeTo(mlir::Value value, Placement need, llvm::ArrayRef<Placement> has) const;

  int64_t getRanks() const { return ranks.size(); }

private:
  AxisSpread(mlir::func::FuncOp step, llvm::ArrayRef<int64_t> ranks, const MachineModel &machine, const Device &device)
      : step(step), ranks(ranks), machine(&machine), device(&device), callSeconds(device.rate.overheadSeconds / device.speed) {}

  struct Priced {
    sharding::ShardingRule rule;
    double seconds;
  };
  const sharding::ShardingRule &ruleOf(mlir::Operation *op) const { return rules.find(op)->second.rule; }
  llvm::SmallVector<OpVersion, 4> candidates(mlir::Operation *op) const;
  std::optional<double> secondsAs(mlir::Operation *op, const OpVersion &version) const;
  /// Of bringing slices apart before a collective and together behind it, where they do not lie one behind the other.
  double copySeconds(mlir::RankedTensorType type, Placement from, Placement to) const;
  /// Brings a value where it is needed; gives what that takes.
  double bring(mlir::Value value, Placement need);

  mlir::func::FuncOp step;
  llvm::ArrayRef<int64_t> ranks;
  const MachineModel *machine;
  const Device *device;
  /// What a call costs that does nothing: that of a transition, besides what it sends, and of an op, however it is spread.
  double callSeconds;
  llvm::DenseMap<mlir::Operation *, Priced> rules;
  llvm::DenseMap<mlir::Operation *, OpVersion> decided;
  /// How each value lies so far, first as it is made.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Placement, 2>> available;
  llvm::SmallVector<Placement> wanted;
};

} // namespace dtc::partition

#endif // DTC_LIB_PARTITION_SHARDING_AXISSPREAD_H
