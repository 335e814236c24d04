// The default cluster, and look-ups in a cluster.
#include "dtc/Cost/Cluster.h"

#include "llvm/ADT/STLExtras.h"

#include <utility>

using namespace dtc;

/// FLOP/s, byte/s and seconds a call of one core; rounded from what oneDNN's
/// convolutions (100 GFLOP/s at best) and dtc's kernels reach on AVX2 servers.
static constexpr std::pair<OpFamily, Rate> coreRates[] = {
    {OpFamily::Convolution, {7e10, 1e10, 3e-6}},
    {OpFamily::ConvolutionGradient, {6e10, 1e10, 3e-6}},
    {OpFamily::Matmul, {7e10, 1e10, 3e-6}},
    {OpFamily::Elementwise, {4e9, 1e10, 5e-7}},
    {OpFamily::Movement, {4e9, 4e9, 5e-7}},
    {OpFamily::Pooling, {2e9, 5e9, 1e-6}},
    {OpFamily::Reduction, {2e9, 8e9, 1e-6}},
    {OpFamily::Loss, {1e9, 8e9, 1e-6}},
    {OpFamily::Optimizer, {8e9, 1e10, 5e-7}},
};

Cluster Cluster::defaultCPU() {
  Device core;
  core.memoryBytes = int64_t(4) << 30;
  core.rate = {4e9, 1e10, 1e-6};
  core.families.fill(core.rate);
  for (auto [family, rate] : coreRates)
    core.families[*ratePosition(family)] = rate;
  Cluster cluster;
  cluster.devices.push_back(core);
  // MPI over shared memory.
  cluster.link = {2e-6, 5e9};
  return cluster;
}

const double *MeasuredOps::find(llvm::StringRef signature) const {
  auto found = table->find(std::string_view(signature));
  return found == table->end() ? nullptr : &found->second;
}

void MeasuredOps::set(llvm::StringRef signature, double seconds) {
  // Others that share the table keep what they know.
  if (table.use_count() > 1)
    table = std::make_shared<Table>(*table);
  table->insert_or_assign(signature.str(), seconds);
}

llvm::Error Cluster::checkDeviceCount(int64_t count) const {
  if (devices.size() == 1 || int64_t(devices.size()) == count)
    return llvm::Error::success();
  return llvm::createStringError(
      "the cluster describes " + llvm::Twine(devices.size()) + " devices, the program needs " +
      llvm::Twine(count) + ": give one entry that all share, or one a device");
}

const Device &Cluster::deviceOf(int64_t rank) const {
  return devices.size() == 1 ? devices.front() : devices[rank];
}

const Link &Cluster::linkBetween(int64_t a, int64_t b) const {
  auto [first, second] = std::minmax(a, b);
  auto pair = llvm::find_if(
      pairs, [&](const Pair &pair) { return pair.first == first && pair.second == second; });
  return pair == pairs.end() ? link : pair->link;
}
