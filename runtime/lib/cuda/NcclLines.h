// The communicators of a program. Each has a stream of its own, and each direction between two ranks a communicator of its own: a
// message then waits for its own receiver alone, as the timelines were proven with, and never behind another message.
#pragma once

#ifdef DTCRT_NCCL

#include "dtcrt/device.h"
#include "dtcrt/world.h"

#include <nccl.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace dtcrt {

/// What a rank does from time to time while it waits: throws when there is nothing to wait for any more.
using Look = std::function<void()>;

/// Waits until `done`, with a look every 5 ms. After 2 ms it sleeps a little between two questions.
void wait_watchfully(const std::function<bool()> &done, const Look &look);

/// A line in which a rank takes part: the same key on all ranks that do, who they are, and its own place among them.
struct LineKey {
  enum class Use { collectives, messages }; ///< messages go from the line's rank 0 to its rank 1
  std::string key;
  Use use;
  std::vector<int> members; ///< ranks of the program
  int rank;                 ///< index among the members
};

/// A communicator and the stream on which its operations run in order, with how far they have come.
///
///   the stream   ... progress = 2k+1, operation k, progress = 2k+2 ...
///   a fault      an odd progress names the operation that began and did not end
///
/// The communicator does not block: a rank that waits for others in one of NCCL's calls would not hear that they have failed.
class NcclLine {
public:
  explicit NcclLine(const LineKey &key);
  /// Gives up what is under way when it is left by an exception.
  ~NcclLine();
  NcclLine(const NcclLine &) = delete;
  NcclLine &operator=(const NcclLine &) = delete;

  /// Collective among the members. Ends when they are connected: otherwise the first message would wait on the host for its receiver to
  /// begin, which a timeline does not foresee.
  void connect(const ncclUniqueId &id, const Look &look);

  ncclComm_t comm() const { return comm_; }
  cudaStream_t stream() const { return stream_; }

  /// A step of this phase begins. One that is replayed puts nothing on the line by itself.
  void begin_step(int phase);
  /// Puts an operation of this name on the stream. `call`: what NCCL is told.
  void run(const std::string &name, const std::function<ncclResult_t()> &call, const Look &look);
  /// The operation that has begun and not ended, or "".
  std::string under_way() const;
  bool has_member(int rank) const;
  /// Throws Error when NCCL has found a fault by itself.
  void check_fault() const;
  /// Ends what is under way.
  void abort();

private:
  /// Until NCCL has done what it was told.
  void settle(ncclResult_t status, const std::string &what, const Look &look);
  void mark(std::size_t number);

  LineKey key_;
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  std::vector<std::vector<std::string>> names_; ///< of each phase: its operations in their order
  std::size_t phase_ = 0, next_ = 0;            ///< where the step stands that is put on the line
  volatile int *progress_ = nullptr;            ///< in host memory that the GPU writes
  int *numbers_ = nullptr;                      ///< on the device: 0, 1, 2...
  int uncaught_;
};

/// Collective: the lines of this rank by their keys.
std::map<std::string, std::unique_ptr<NcclLine>> make_lines(World &world, const std::vector<LineKey> &keys, const Look &look);

/// Throws Error for a failed call.
void check_nccl(ncclResult_t status, const std::string &what);

} // namespace dtcrt

#endif
