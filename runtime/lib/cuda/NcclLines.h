// The communicators of a program. Each has a stream of its own, and each direction between two ranks a communicator of its own: a
// message then waits for its own receiver alone, as the timelines were proven with, and never behind another message.
#pragma once

#ifdef DTCRT_NCCL

#include "dtcrt/device.h"
#include "dtcrt/world.h"

#include <nccl.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dtcrt {

/// A communicator and the stream on which its operations run in order, with how far they have come.
///
///   an operation   its name is appended to those of the step; the stream: operation, then progress = its number
///   a fault        the name behind those that have ended is that of the operation that did not
class NcclLine {
public:
  enum class Use { collectives, messages }; ///< messages go from the line's rank 0 to its rank 1

  /// Collective among the ranks of the line. Ends when they are connected: otherwise the first message would wait on the host for its
  /// receiver to begin, which a timeline does not foresee.
  NcclLine(Use use, int ranks, int rank, const ncclUniqueId &id);
  ~NcclLine();
  NcclLine(const NcclLine &) = delete;
  NcclLine &operator=(const NcclLine &) = delete;

  ncclComm_t comm() const { return comm_; }
  cudaStream_t stream() const { return stream_; }

  /// A step of this phase begins; one that is replayed has the operations of the one that was captured.
  void begin_step(int phase, bool replays);
  /// An operation of this name was put on the stream.
  void mark(const std::string &name);
  /// The operation that has not ended, or "" when all have.
  std::string under_way() const;
  /// Nothing to say while all is well; else NCCL's words about what it has found by itself.
  std::string fault() const;
  /// Ends what is under way.
  void abort();

private:
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::map<int, std::vector<std::string>> names_; ///< by phase
  int phase_ = 0;
  volatile int *progress_ = nullptr; ///< in host memory that the GPU writes
  int *numbers_ = nullptr;           ///< on the device: 0, 1, 2...
};

/// A line in which a rank takes part: the same text on all ranks that do, how many they are, and its place among them.
struct LineKey {
  std::string key;
  NcclLine::Use use;
  int ranks, rank;
};
/// Collective: the lines of this rank by their keys.
std::map<std::string, std::unique_ptr<NcclLine>> make_lines(World &world, const std::vector<LineKey> &keys);

/// Throws Error for a failed call.
void check_nccl(ncclResult_t status, const char *what);

} // namespace dtcrt

#endif
