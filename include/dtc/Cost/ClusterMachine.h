// The machine that a cluster description describes, for the simulator.
#ifndef DTC_COST_CLUSTERMACHINE_H
#define DTC_COST_CLUSTERMACHINE_H

#include "dtc/Cost/Simulator.h"

#include "llvm/ADT/DenseMap.h"

namespace dtc {

/// Fragments take what the time model says of their ops on the rank's device;
/// rank i runs on device i.
class ClusterMachine final : public MachineModel {
public:
  /// `cluster` must live as long as this, and have a device for each rank.
  explicit ClusterMachine(const Cluster &cluster) : cluster(cluster) {}

  double runSeconds(int64_t rank, dist::RunOp run) const override;
  Link linkBetween(int64_t from, int64_t to) const override;

  /// As dtcrt works: ranks copy messages when they wait for them, and share the
  /// cores of the cluster's one host.
  SimulationOptions options() const;

private:
  const Cluster &cluster;
  /// Fragments run once for each microbatch, on many ranks.
  mutable llvm::DenseMap<std::pair<const Device *, mlir::Attribute>, double> known;
};

} // namespace dtc

#endif // DTC_COST_CLUSTERMACHINE_H
