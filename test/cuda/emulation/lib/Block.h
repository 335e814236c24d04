// One block of a kernel: its threads as fibres, its barriers, its warps.
#pragma once

#include "Fibre.h"
#include "cuda_emulation.h"
#include "device_threads.h"

#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace cuda_emulation {

/// What a kernel did that no kernel may do.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs blocks one after the other. Its threads are advanced, in an order that can be chosen, each until its next barrier.
class Block {
public:
  /// Throws Failure.
  void run(const std::function<void()> &body, dim3 threads, uint3 block, Order order, std::mt19937 &random);

  // Called by the running thread.
  int barrier(Vote vote, bool predicate, const Where &where);
  WarpResult warp(const char *operation, unsigned mask, unsigned long long value, int source, bool predicate, const Where &where);
  unsigned lane() const { return current_ % 32; }
  unsigned active_lanes() const;

private:
  enum class State { ready, at_barrier, at_warp, ended };
  struct Thread {
    State state = State::ready;
    uint3 position{};
    // Where it waits, and with what.
    const char *operation = nullptr;
    Where where;
    bool predicate = false;
    unsigned mask = 0;
    unsigned long long value = 0;
    int source = -1;
    WarpResult result{};
  };

  [[noreturn]] void fail(const std::string &message);
  [[noreturn]] void fail_stuck() const;
  void release_barrier();
  void release_warp(unsigned first, unsigned mask);
  std::string name(unsigned thread) const;

  std::vector<std::unique_ptr<Fibre>> fibres_;
  std::vector<Thread> threads_;
  std::vector<unsigned> order_;
  unsigned count_ = 0, current_ = 0, arrived_ = 0, counted_ = 0;
  std::string failure_;
};

/// The block that is running.
Block &running_block();

} // namespace cuda_emulation
