// Fibres: functions with stacks of their own that give way to each other where they say so.
#pragma once

#include <cstddef>
#include <functional>

namespace cuda_emulation {

/// Runs one job after the other; a job may be left in its middle with yield() and resumed later.
class Fibre {
public:
  Fibre();
  ~Fibre();
  Fibre(const Fibre &) = delete;
  Fibre &operator=(const Fibre &) = delete;

  /// Forgets a job that was left in its middle, and takes this one.
  void start(const std::function<void()> &job);
  /// Runs the job until it yields or ends. The caller is not a fibre.
  void resume();
  bool is_done() const { return done_; }
  /// Called by a running job: back to resume()'s caller.
  void yield();

private:
  void reset();
  void switch_to_fibre();
  void switch_to_caller();
  static void run(Fibre *self);
  static void enter();

  std::byte *memory_;
  void *own_ = nullptr, *caller_ = nullptr; ///< saved stack pointers, or contexts
  const std::function<void()> *job_ = nullptr;
  bool done_ = true;
  /// What the address sanitizer wants to know of the stacks.
  void *own_fake_ = nullptr, *caller_fake_ = nullptr;
  const void *caller_stack_ = nullptr;
  std::size_t caller_bytes_ = 0;
};

} // namespace cuda_emulation
