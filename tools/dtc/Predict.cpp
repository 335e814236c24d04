// Plays a step on the devices of the command line.
#include "Predict.h"

#include "dialects/NN/NN.h"
#include "dtc/Cost/ClusterMachine.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

/// The devices as the command line describes them.
static Expected<dtc::Cluster> describeCluster(const dtc::PartitionOptions &partition) {
  dtc::Cluster cluster = dtc::Cluster::defaultCPU();
  if (!partition.cluster.empty()) {
    Expected<dtc::Cluster> read = dtc::readCluster(partition.cluster);
    if (!read)
      return read.takeError();
    cluster = std::move(*read);
  }
  if (Error error = cluster.checkDeviceCount(partition.mesh.ranks()))
    return error;
  if (partition.deviceSpeeds.empty())
    return cluster;
  std::vector<dtc::Device> devices;
  for (auto [rank, speed] : llvm::enumerate(partition.deviceSpeeds)) {
    devices.push_back(cluster.deviceOf(rank));
    devices.back().speed = speed;
  }
  cluster.devices = std::move(devices);
  return cluster;
}

Expected<dtc::Prediction> dtc::predictStep(ModuleOp module, const PartitionOptions &partition) {
  auto failed = [] { return llvm::createStringError(""); };
  FailureOr<timeline::PhaseTimelines> timelines = timeline::PhaseTimelines::of(module, "train");
  if (llvm::failed(timelines))
    return failed();
  Expected<Cluster> cluster = describeCluster(partition);
  if (!cluster)
    return cluster.takeError();
  ClusterMachine machine(*cluster);
  FailureOr<Simulation> simulation = simulate(*timelines, machine, machine.options());
  if (llvm::failed(simulation))
    return failed();
  Prediction prediction{{}, {}, std::move(*simulation)};
  dist::TimelineOp first = timelines->getRoles().front().timeline;
  if (auto name = first->getAttrOfType<StringAttr>(nn::names::model))
    prediction.model = name.str();
  for (int64_t rank = 0; rank < timelines->ranks(); ++rank) {
    dist::TimelineOp timeline = timelines->roleOf(rank).timeline;
    prediction.roles.push_back(timeline.getRole().str());
  }
  return prediction;
}
