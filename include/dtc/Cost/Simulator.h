// Predicts a step: plays all ranks' timelines with times.
#ifndef DTC_COST_SIMULATOR_H
#define DTC_COST_SIMULATOR_H

#include "dtc/Cost/Cluster.h"
#include "dtc/Timeline/PhaseTimelines.h"
#include "dtc/Timeline/Timetable.h"

namespace dtc {

/// How fast the machine is, as the simulator asks.
class MachineModel {
public:
  virtual ~MachineModel();
  /// Seconds of the fragment on the rank's device, at that device's speed, when
  /// nothing else runs on it; without the collectives inside.
  virtual double runSeconds(int64_t rank, dist::RunOp run) const = 0;
  virtual Link linkBetween(int64_t from, int64_t to) const = 0;
  /// Seconds of a collective of this form on `bytes` once all have arrived. By default, of n ranks:
  ///   Ring    `rounds` times n-1 steps, each a message of bytes/n over the slowest link (Patarasuk and Yuan, JPDC 2009)
  ///   Direct  of the slowest rank: n-1 messages of bytes/n, one after the other
  ///   Chain   the latencies of all links on the way from the rank at `root`, and bytes over the slowest
  virtual double collectiveSeconds(const CommunicationForm &form, llvm::ArrayRef<int64_t> ranks, int64_t root,
                                   uint64_t bytes) const;
};

/// Who moves the bytes.
enum class Progress {
  /// The network: beside what the ranks do, as soon as both ends have started.
  Asynchronous,
  /// The ranks, as in one host's shared memory: who waits for a message copies
  /// it; a collective moves while at least one of its members waits for it.
  InWaits,
};

struct SimulationOptions {
  Progress progress = Progress::Asynchronous;
  /// Cores that all ranks share; with more ranks at work each gets an equal
  /// part of them. 0: each rank has a device for itself.
  int64_t slots = 0;
};

/// What one rank sends to another in a step. Of a collective that is what its
/// form (CommunicationForm) sends.
struct LinkTraffic {
  bool operator==(const LinkTraffic &other) const = default;
  int64_t from, to;
  uint64_t bytes;
};

struct Simulation {
  Timetable timetable;
  /// By `from`, then `to`.
  std::vector<LinkTraffic> links;
};

/// Plays one step from a standing start. Messages from one rank to another
/// follow each other on their link, and so do the collectives of a group;
/// different links and groups do not disturb each other. Fails with a
/// diagnostic if the ranks wait in a circle.
llvm::FailureOr<Simulation> simulate(const timeline::PhaseTimelines &timelines,
                                     const MachineModel &machine,
                                     const SimulationOptions &options = {});

} // namespace dtc

#endif // DTC_COST_SIMULATOR_H
