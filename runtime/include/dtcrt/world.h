// The ranks of a program: MPI's life, who shares a host, where the cores are, and the shared memory of the arenas.
#pragma once

#include "dtcrt/context.h"
#include "dtcrt/plan.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace dtcrt {

/// Starts MPI, and ends it when destroyed. One a process.
class World {
public:
  /// Collective. AgreedError where the ranks cannot work together.
  World(int *argc, char ***argv);
  ~World();
  World(const World &) = delete;
  World &operator=(const World &) = delete;

  int rank() const;
  int ranks() const;
  /// Ranks of this host, which share its cores and devices.
  int local_rank() const;
  int local_ranks() const;
  /// Worker threads of this rank: the host's cores over its ranks, at least 1; DTCRT_THREADS overrides
  /// (Error when it is not a number).
  int threads() const;

  /// Names the axes over which collectives run; their sizes multiply to ranks(). Collective. Without it: one axis "data".
  void set_mesh(const std::vector<MeshAxis> &mesh);
  /// This rank's arena, zeroed, aligned to 64 bytes. Of it the ranks of this host see the first `shared_bytes`, through which they reduce
  /// and send; the rest is this rank's own. Collective, once. AgreedError without memory.
  Arena allocate(std::size_t bytes, std::size_t shared_bytes = whole_arena);
  /// Why messages between ranks of a host go by MPI, in words for the user; "" where they go through shared memory. The same on all ranks.
  const std::string &notice() const;

  /// Collective: every rank brings its error ("" for none). If any has one, all ranks throw the same AgreedError:
  /// that of the lowest rank that has one.
  void agree(const std::string &error);
  void barrier();
  /// Collective: rank 0's value, on all ranks.
  double broadcast(double value);

  /// Not collective: this rank cannot go on. The first of this host's ranks to say so is the one to `tell` why; ranks that wait for
  /// it in a collective of this library then throw too.
  void fail(const std::function<void()> &tell = [] {});
  /// After a failure: ends the process with `status` where a rank of this host has died, since nothing that all ranks do ends any
  /// more, MPI's own end included.
  void leave(int status);
  /// After fail(), when the message is out: ends the ranks of other hosts, which nothing else would reach.
  void abandon();

  struct Impl;
  Impl &impl() const { return *impl_; }

private:
  explicit World(std::unique_ptr<Impl> impl);
  static std::unique_ptr<Impl> start(int *argc, char ***argv);
  void find_neighbours(int parts);

  std::unique_ptr<Impl> impl_;
};

} // namespace dtcrt
