// The inside of World: communicators, the shared control block, groups of ranks that reduce together.
#pragma once

#include "dtcrt/world.h"

#include <mpi.h>

#include <atomic>
#include <string>
#include <vector>

namespace dtcrt {

/// Another rank has failed and tells why; this rank only has to stop.
class PeerFailure : public Error {
public:
  PeerFailure() : Error("another rank failed") {}
};

/// One collective of a group, in memory shared by the ranks of a host. An entry serves every 64th collective;
/// the last rank to arrive sets it anew.
///
///   start:  arrived += 1; the last one sets arrived, next, done and copied to 0, then ready = sequence number
///   wait:   until ready: sleep;  while a chunk is left: reduce it;  until finished: sleep
struct alignas(64) SharedOperation {
  std::atomic<std::uint32_t> arrived, ready, next, done, finished;
  std::atomic<std::uint32_t> exchanged, copied; ///< several hosts: the leader has the result; ranks that have copied it
  std::atomic<std::uint32_t> sleepers;
};

inline constexpr std::uint32_t ring_size = 64;
struct Ring {
  SharedOperation operations[ring_size];
};

/// Shared by the ranks of a host: a failure flag, then the rings, one for each axis and local rank (a group uses its first rank's).
struct alignas(64) Control {
  std::atomic<std::uint32_t> failed;
  std::atomic<std::uint32_t> reported; ///< a rank has claimed the right to print
};

/// The ranks of an axis among which this rank reduces.
struct Group {
  std::string axis;
  MPI_Comm comm = MPI_COMM_NULL;
  int size = 1;
  std::vector<int> local; ///< local ranks of the members on this host, ascending
  int hosts = 1;
  MPI_Comm leaders = MPI_COMM_NULL; ///< the first member of every host; null on the others
  bool is_leader = true;
  Ring *ring = nullptr;
  std::uint32_t sequence = 0;
  std::uint64_t busy = 0; ///< entries of the ring in use, a bit each
};

struct World::Impl {
  bool mpi = false;
  int rank = 0, ranks = 1, local_rank = 0, local_ranks = 1, hosts = 1;
  int host_ranks = 1; ///< that share the machine's cores
  MPI_Comm local = MPI_COMM_NULL;
  MPI_Win control_window = MPI_WIN_NULL, arena_window = MPI_WIN_NULL;
  Control *control = nullptr;
  Ring *rings = nullptr;
  void *private_control = nullptr, *private_arena = nullptr;
  std::vector<std::byte *> arenas; ///< of the local ranks, in this process's addresses
  std::size_t arena_bytes = 0;
  std::vector<Group> groups; ///< groups[0]: all ranks; then one for each mesh axis

  Group &group(const char *axis);
  void make_group(const std::string &axis, int color);
  void allocate_control();
};

/// Axes that a mesh can have at most; groups[0] comes on top.
inline constexpr int max_axes = 7;

/// Sleeps until `word` is `value`. Throws PeerFailure when a rank of this host has failed.
void sleep_until(Control &control, SharedOperation &operation, std::atomic<std::uint32_t> &word, std::uint32_t value);
/// Sets a word that others may be asleep on.
void publish(SharedOperation &operation, std::atomic<std::uint32_t> &word, std::uint32_t value);

/// Throws Error for a failed MPI call.
void check_mpi(int status, const char *what);

} // namespace dtcrt
