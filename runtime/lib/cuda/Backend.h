// What stands behind a CUDA context: the GPU, its streams, workspaces, plans that calls have made, what a step complains of.
#pragma once

#include "core/CallKey.h"
#include "core/Require.h"
#include "dtcrt/context.h"
#include "dtcrt/device.h"
#include "math/BadOperand.h"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace dtcrt {

class Network;

struct Context::Backend {
  /// Takes the GPU of the host's rank `local_rank` of `local_ranks`. Error in one line: no driver, an old one, no GPU.
  Backend(int local_rank, int local_ranks);
  ~Backend();
  Backend(const Backend &) = delete;
  Backend &operator=(const Backend &) = delete;

  int device = 0;        ///< CUDA's number of the GPU
  int sharers = 1;       ///< ranks of this host that compute on it
  int multiprocessors = 1;
  cudaStream_t compute = nullptr;

  bool autotune = false; ///< plans are chosen by timing them
  bool tf32 = false;     ///< matrix products and convolutions of f32 may round their operands to tf32

  MadeCalls made;
  std::unique_ptr<Network> network; ///< to the other ranks; absent for a rank alone
  BadOperand *bad_operand = nullptr; ///< on the device: the first that a loss found; `sample` is -1 while there is none
  std::uint32_t *arrivals = nullptr; ///< on the device: blocks of a running kernel that have ended; 0 between kernels

  /// Masks of relu (MatmulOptions::relu_mask) that a call was given to write, and whether cuBLASLt wrote it: nobody else can read it.
  std::unordered_map<const void *, bool> relu_masks;

  /// Counts the changes of declared parameters.
  std::unordered_map<const void *, std::uint64_t> generations;

  /// One block on the device for a call's own intermediate values; the next call on the compute stream overwrites it. It grows in the
  /// first step of a phase; std::logic_error when it would have to grow while a step is captured.
  void *workspace(std::size_t bytes);

  /// The fragments that are open, for messages and ranges.
  std::vector<const char *> fragments;

private:
  void *workspace_ = nullptr;
  std::size_t workspace_bytes_ = 0;
  std::vector<void *> outgrown_; ///< graphs that were captured before may work in them
};

} // namespace dtcrt
