// The inside of World: communicators, the control block that the ranks of a host share, groups of ranks that reduce together.
#pragma once

#include "comm/Clock.h"
#include "comm/Doorbell.h"
#include "comm/Lifeline.h"
#include "comm/Operation.h"
#include "comm/SharedMemory.h"
#include "dtcrt/world.h"

#include <mpi.h>
#include <sched.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dtcrt {

/// Another rank has failed and tells why; this rank only has to stop.
class PeerFailure : public Error {
public:
  PeerFailure() : Error("another rank failed") {}
};

/// A rank of this host has died without a word.
class RankDied : public Error {
public:
  explicit RankDied(int rank) : Error("rank " + std::to_string(rank) + " has died"), rank(rank) {}
  /// With what a rank that lives was waiting for.
  Error during(const std::string &operation) const { return Error(std::string(what()) + "; under way: " + operation); }
  const int rank;
};

/// Nanoseconds between two looks of a rank that waits, whether the others live.
inline constexpr i64 between_looks = 100'000'000;

/// One collective of a group, in memory shared by the ranks of a host. An entry serves every 64th collective;
/// the last rank to arrive sets it anew.
///
///   start:  arrived += 1; the last one sets arrived, next, done and copied to 0, then ready = sequence number
///   wait:   until ready: sleep;  while a chunk is left: reduce it;  until finished: sleep
struct alignas(64) SharedOperation {
  std::atomic<std::uint32_t> arrived, ready, next, done, finished;
  std::atomic<std::uint32_t> exchanged, copied; ///< several hosts: the leader has the result; ranks that have copied it
};

/// What a rank brings to a collective: ranks of different roles have it in different places.
struct Arrival {
  std::uint64_t from, to; ///< offsets in its arena: what the first tensor is read from, and written to
  std::uint64_t bytes;    ///< of all tensors
  std::uint64_t layout;   ///< a hash of where the others lie from there, and of what is done
};

/// A group uses the operations in the ring of its first member on the host; every member has arrivals of its own.
inline constexpr std::uint32_t ring_size = 64;
struct Ring {
  SharedOperation operations[ring_size];
  Arrival arrivals[ring_size];
};

/// A message from one rank of a host to another, as the sender describes it.
struct Envelope {
  static constexpr std::size_t name_bytes = 32;
  std::uint64_t offset; ///< in the sender's arena
  std::uint64_t bytes;
  std::int64_t microbatch;
  std::uint32_t outside; ///< of the arena: the bytes come by MPI
  std::uint32_t hash;    ///< of the whole name
  char name[name_bytes]; ///< as much as fits, ended by 0
};
static_assert(sizeof(Envelope) == 64);

/// The messages of an ordered pair of ranks: the sender fills entry sent % size, the receiver empties entry taken % size.
inline constexpr std::uint32_t channel_size = 16;
struct Channel {
  alignas(64) std::atomic<std::uint32_t> sent;
  alignas(64) std::atomic<std::uint32_t> taken;
  alignas(64) Envelope envelopes[channel_size];
};

/// Shared by the ranks of a host: a failure flag, then a doorbell for each local rank, a ring for each axis and local rank,
/// a channel for each ordered pair of them, and a lifeline for each.
struct alignas(64) Control {
  std::atomic<std::uint32_t> failed;
  std::atomic<std::uint32_t> reported; ///< a rank has claimed the right to print
};

/// The ranks of an axis among which this rank reduces and sends.
struct Group {
  std::string axis;
  int number = 0;         ///< among this rank's groups
  int first = 0;          ///< rank of the member with coordinate 0
  int stride = 1;         ///< from one member's rank to the next one's
  int coordinate = 0;     ///< of this rank
  MPI_Comm comm = MPI_COMM_NULL;
  int size = 1;
  std::vector<int> local; ///< local ranks of the members on this host, ascending
  int hosts = 1;
  MPI_Comm leaders = MPI_COMM_NULL; ///< the first member of every host; null on the others
  bool is_leader = true;
  std::uint32_t started = 0;  ///< collectives so far
  std::uint32_t sequence = 0; ///< of those, the ones in the window
  std::uint64_t busy = 0; ///< entries of the ring in use, a bit each
};

struct World::Impl {
  bool mpi = false;
  int rank = 0, ranks = 1, local_rank = 0, local_ranks = 1, hosts = 1;
  int host_ranks = 1; ///< that share the machine's cores
  int device_rank = 0, device_ranks = 1; ///< that share its devices
  std::vector<int> local_of{0}; ///< local rank of every rank; -1 on other hosts
  std::vector<int> host_of{0}; ///< of every rank: the first rank of its host
  MPI_Comm local = MPI_COMM_NULL, messages = MPI_COMM_NULL;
  std::vector<Mapping> control_memory, arena_memory; ///< by local rank
  std::string notice; ///< why messages do not go through shared memory; "": they do
  Control *control = nullptr;
  Doorbell *bells = nullptr;
  Ring *rings = nullptr;
  Channel *channels = nullptr;
  Lifeline *lifelines = nullptr;
  std::vector<std::byte *> arenas; ///< of the local ranks, in this process's addresses
  std::size_t arena_bytes = 0;
  std::size_t shared_bytes = 0; ///< at the beginning of the arena: what the ranks of the host see of it
  std::vector<Group> groups; ///< groups[0]: all ranks; then one for each mesh axis
  Progress progress;
  bool measures_waits = false;  ///< for a trace
  i64 blocked_nanoseconds = 0; ///< time in waits in which this rank had nothing to do, once measures_waits is set

  Group &group(std::string_view axis);
  Ring &ring_of(const Group &group, int member) const { return rings[group.number * local_ranks + member]; }
  /// From local rank to local rank.
  Channel &channel(int from, int to) const { return channels[from * local_ranks + to]; }
  /// Whether the bytes lie in what this rank's arena shares.
  bool is_shared(const void *data, std::size_t bytes) const;
  std::byte *arena() const { return arenas[static_cast<std::size_t>(local_rank)]; }

  /// A rank of this host that has died, or -1.
  int dead_rank();
  /// Throws PeerFailure when a rank of this host has failed, RankDied when one has died.
  void check_peers();

  void make_group(std::string_view axis, int first, int stride, int size);
  void allocate_control(World &world);
  std::string share(World &world, std::size_t bytes, std::size_t shared, std::vector<Mapping> &of);

  /// Starts a call of MPI's in which other ranks take part, and waits for its end; throws as check_peers. `memory` is what the call
  /// reads and writes: MPI's for good if the wait is given up.
  void complete(const char *what, std::shared_ptr<void> memory, const std::function<int(MPI_Request *)> &start);
  static constexpr std::size_t most_error_bytes = 4096;
  std::string first_error(const std::string &own);

  /// Waits until `done()`, moving this rank's other communication on meanwhile. `polls`: what it waits for rings no bell.
  /// Throws as check_peers.
  template <class Done> void wait_until(Done done, bool polls = false);
};

/// Axes that a mesh can have at most; groups[0] comes on top.
inline constexpr int max_axes = 7;

/// Throws Error for a failed MPI call.
void check_mpi(int status, const char *what);

template <class Done> void World::Impl::wait_until(Done done, bool polls) {
  // A few microseconds: longer than a peer that runs at the same time needs for a small message. Then the core goes to others for some
  // turns, which costs less than sleeping if one of them is the peer.
  constexpr int spins = 100;
  const int yields = polls || progress.polls() ? 1000 : 20; // more where there is no bell
  // MPI has no bell: look at it this often.
  constexpr long poll_nanoseconds = 50'000;
  if (done())
    return;
  const i64 start = measures_waits ? steady_nanoseconds() : 0;
  i64 worked = 0;
  const auto advance = [&] {
    const i64 before = measures_waits ? steady_nanoseconds() : 0;
    const bool moved = progress.advance();
    if (moved && measures_waits)
      worked += steady_nanoseconds() - before;
    return moved;
  };
  bool over = false;
  for (int i = 0; i < spins + yields && !over; ++i) {
    advance();
    over = done();
    if (i < spins)
      __builtin_ia32_pause();
    else
      sched_yield();
  }
  Doorbell &bell = bells[local_rank];
  i64 looked = steady_nanoseconds();
  while (!over) {
    const std::uint32_t seen = bell.rings.load();
    const bool moved = advance();
    over = done();
    if (over || moved)
      continue;
    if (control->failed.load())
      throw PeerFailure();
    if (const i64 now = steady_nanoseconds(); now - looked >= between_looks) {
      looked = now;
      check_peers();
    }
    sleep(bell, seen, polls || progress.polls() ? poll_nanoseconds : between_looks);
  }
  if (measures_waits)
    blocked_nanoseconds += steady_nanoseconds() - start - worked;
}

} // namespace dtcrt
