// The context: what every runtime call of one rank shares (who it is, its threads, its caches).
#pragma once

#include "dtcrt/tensor.h"

#include <memory>
#include <stdexcept>
#include <string>

namespace dtcrt {

class World;
class Probe;

/// A mistake of the user or of the environment, told in one line. run() prints it from one rank and exits with status 2.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// An Error that all ranks have thrown together (World::agree): one of them tells it.
class AgreedError : public Error {
public:
  AgreedError(const std::string &what, bool is_told_here) : Error(what), is_told_here(is_told_here) {}
  const bool is_told_here;
};

/// Shared by all calls of one rank. Not thread-safe: one step runs on one thread, which uses `threads()` workers inside a call.
class Context {
public:
  /// A rank alone, without MPI. `threads` = 0: as many as the machine offers, or DTCRT_THREADS.
  explicit Context(int threads = 0);
  /// A rank of `world`, which must outlive the context.
  explicit Context(World &world);
  ~Context();
  Context(const Context &) = delete;
  Context &operator=(const Context &) = delete;

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  /// Worker threads of a call.
  int threads() const { return threads_; }

  /// What random values of a step are drawn by, besides what their calls say; the same on all ranks (--seed).
  std::uint64_t seed() const { return seed_; }
  void set_seed(std::uint64_t seed) { seed_ = seed; }

  /// Declares `data` to be the start of a parameter. Library formats of a declared parameter (packed weights) are kept
  /// until the next update of it; of any other tensor they are made anew in every call.
  void declare_parameter(const void *data);
  /// The update calls and the checkpoint loader say that a parameter's values have changed;
  /// code that writes a parameter in another way (a kernel of its own) says so too. nullptr: all parameters.
  void parameter_changed(const void *data);

  /// The world this rank belongs to, or nullptr when it is alone.
  World *world() const { return world_; }

  /// What watches this rank (a trace, jitter), or nullptr. It must outlive its use here.
  Probe *probe() const { return probe_; }
  void set_probe(Probe *probe) { probe_ = probe; }

  /// Caches and handles of the library behind the calls (oneDNN here); defined in runtime/lib.
  struct Backend;
  Backend &backend() const { return *backend_; }

private:
  int rank_ = 0, ranks_ = 1, threads_ = 1;
  std::uint64_t seed_ = 0;
  World *world_ = nullptr;
  Probe *probe_ = nullptr;
  std::unique_ptr<Backend> backend_;
};

} // namespace dtcrt
