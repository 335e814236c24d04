// Seconds of fragments and links by a cluster description.
#include "dtc/Cost/ClusterMachine.h"

#include "dtc/Cost/Time.h"

using namespace dtc;

double ClusterMachine::runSeconds(int64_t rank, dist::RunOp run) const {
  const Device &device = cluster.deviceOf(rank);
  auto [entry, isNew] = known.try_emplace({&device, run.getFragmentAttr()}, 0);
  if (isNew)
    entry->second = secondsOf(device, run);
  return entry->second;
}

Link ClusterMachine::linkBetween(int64_t from, int64_t to) const {
  return cluster.linkBetween(from, to);
}

SimulationOptions ClusterMachine::options() const {
  return {Progress::InWaits, cluster.cores};
}
