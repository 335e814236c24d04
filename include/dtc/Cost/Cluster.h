// The devices that a program will run on and the links between them.
#ifndef DTC_COST_CLUSTER_H
#define DTC_COST_CLUSTER_H

#include "dtc/Cost/OpFamily.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dtc {

/// What a call costs: `overhead + max(flops / flopsPerSecond, bytes / bytesPerSecond)`.
struct Rate {
  double flopsPerSecond = 0;
  /// Of the device's memory.
  double bytesPerSecond = 0;
  /// Seconds of a call that does nothing.
  double overheadSeconds = 0;

  bool operator==(const Rate &other) const = default;
};

/// Times of single ops, measured on a device: seconds by signature (Signature.h).
/// Devices that are alike share one table.
class MeasuredOps {
public:
  using Table = std::map<std::string, double, std::less<>>;

  /// Null if the op was not measured.
  const double *find(llvm::StringRef signature) const;
  /// Measured anew counts.
  void set(llvm::StringRef signature, double seconds);
  const Table &entries() const { return *table; }
  bool empty() const { return table->empty(); }

  bool operator==(const MeasuredOps &other) const {
    return table == other.table || *table == *other.table;
  }

private:
  std::shared_ptr<Table> table = std::make_shared<Table>();
};

/// One device: what one rank computes on.
struct Device {
  /// All of the device's rates are for speed 1; 0.5 takes twice the time.
  double speed = 1;
  int64_t memoryBytes = 0;
  /// The rate of families without one of their own.
  Rate rate;
  /// By `ratePosition`.
  std::array<Rate, ratedFamilies.size()> families;
  /// What is known better than by rates; also for speed 1.
  MeasuredOps measured;

  bool operator==(const Device &other) const = default;
};

/// A message of `bytes` takes `latencySeconds + bytes / bytesPerSecond`.
struct Link {
  double latencySeconds = 0;
  double bytesPerSecond = 0;

  bool operator==(const Link &other) const = default;
};

/// Devices and links. A file of it in YAML or JSON:
///
///     devices:                     # one entry: all devices are alike
///       - count: 4                 # so many of these follow each other; default 1
///         speed: 1                 # default 1
///         flops: 5e10              # FLOP/s
///         bandwidth: 1e10          # byte/s of the device's memory
///         memory: 8589934592       # bytes
///         overhead: 2e-6           # s a call; default 0
///         families:                # optional; keys are `ratedFamilies`
///           matmul: {flops: 7e10}  # own flops, bandwidth or overhead
///           pooling: {efficiency: 0.2}  # instead of flops: a share of the device's
///         measured:                # optional; single ops, by signature (Signature.h)
///           - {seconds: 1.2e-5, op: "nn.relu (tensor<8x8xf32>) -> (tensor<8x8xf32>)"}
///     link: {latency: 3e-6, bandwidth: 4e9}  # s and byte/s between any two devices
///     links:                       # optional: pairs, in both directions
///       - {between: [0, 1], latency: 1e-6, bandwidth: 1e10}
///     cores: 2                     # optional: all devices are ranks of one host and
///                                  # share so many cores
struct Cluster {
  /// A link of two devices that is not like `link`; `first` < `second`.
  struct Pair {
    int64_t first, second;
    Link link;
    bool operator==(const Pair &other) const = default;
  };

  /// One entry stands for any number of devices that are alike.
  std::vector<Device> devices;
  Link link;
  std::vector<Pair> pairs;
  /// Of the one host that all devices are ranks of; 0: each has a computer of its own.
  int64_t cores = 0;

  bool operator==(const Cluster &other) const = default;

  /// What is assumed when no file is given: ranks of one CPU core each (AVX2 at
  /// some 3 GHz) on one machine, 4 GiB a rank. Times of a given machine differ;
  /// what counts for planning are the proportions.
  static Cluster defaultCPU();

  /// Fails unless there is one entry, or exactly one for each of `count` devices.
  llvm::Error checkDeviceCount(int64_t count) const;
  /// The device of a rank; for counts that `checkDeviceCount` accepts.
  const Device &deviceOf(int64_t rank) const;
  const Link &linkBetween(int64_t a, int64_t b) const;
};

/// Reads a cluster from text. Errors are one line, `name:line: key: rule`: a key
/// that is unknown, missing or given twice, a number that is negative, zero
/// where it is divided by, or not finite.
llvm::Expected<Cluster> parseCluster(llvm::StringRef text, llvm::StringRef name);
/// The same for the file at `path`.
llvm::Expected<Cluster> readCluster(llvm::StringRef path);
/// Writes YAML that reads back as an equal cluster.
void writeCluster(const Cluster &cluster, llvm::raw_ostream &os);

} // namespace dtc

#endif // DTC_COST_CLUSTER_H
