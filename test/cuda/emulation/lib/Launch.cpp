// Launches: a grid's blocks, one after the other.
#include "Block.h"
#include "Faults.h"
#include "Memory.h"
#include "Settings.h"
#include "Stream.h"
#include "Symbols.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace cuda_emulation {

namespace {

std::mt19937 &random_engine() {
  static std::mt19937 engine(settings().seed);
  return engine;
}

/// One kernel runs at a time: its threads' indices are global variables.
std::mutex running;

/// Shared memory, which begins every block with bytes that are NaNs, so that nobody relies on what another block has left.
class SharedMemory {
public:
  SharedMemory() : variables_(shared_variables()) { clear(); }
  void clear() {
    for (const std::span<std::byte> variable : variables_)
      std::memset(variable.data(), 0xFF, variable.size());
  }
  /// From now on only the variables that the kernel uses are cleared.
  void keep_used() {
    const auto is_unused = [](std::span<std::byte> v) { return std::all_of(v.begin(), v.end(), [](std::byte b) { return b == std::byte{0xFF}; }); };
    variables_.erase(std::remove_if(variables_.begin(), variables_.end(), is_unused), variables_.end());
  }

private:
  std::vector<std::span<std::byte>> variables_;
};

std::string name(uint3 block) { return "block (" + std::to_string(block.x) + ", " + std::to_string(block.y) + ", " + std::to_string(block.z) + ")"; }

} // namespace

Block &running_block() {
  static Block block;
  return block;
}

void set_order(Order order, unsigned seed) {
  settings().order = order;
  settings().seed = seed;
  random_engine().seed(seed);
}

cudaError_t launch(const cudaLaunchConfig_t &config, const void *kernel, std::function<void()> body) {
  const dim3 grid = config.gridDim, threads = config.blockDim;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535 || threads.x == 0 || threads.y == 0 ||
      threads.z == 0 || threads.x > 1024 || threads.y > 1024 || threads.z > 64 || threads.x * threads.y * threads.z > 1024)
    return remember(cudaErrorInvalidConfiguration);
  if (config.dynamicSmemBytes > 0)
    return remember(cudaErrorNotSupported);
  return remember(enqueue(config.stream, Kind::kernel, [=, body = std::move(body)] {
    const std::lock_guard lock(running);
    if (is_recorded())
      record(kernel_name(kernel));
    gridDim = grid;
    SharedMemory shared;
    bool is_first = true;
    for (uint3 block{0, 0, 0}; block.z < grid.z; ++block.z)
      for (block.y = 0; block.y < grid.y; ++block.y)
        for (block.x = 0; block.x < grid.x; ++block.x) {
          if (!is_first)
            shared.clear();
          try {
            running_block().run(body, threads, block, settings().order, random_engine());
          } catch (const Failure &failure) {
            return set_failed(cudaErrorLaunchFailure, kernel_name(kernel) + ", " + name(block) + ": " + failure.what());
          }
          if (std::exchange(is_first, false))
            shared.keep_used();
        }
    if (const std::string damage = damaged_guard(); !damage.empty())
      set_failed(cudaErrorIllegalAddress, kernel_name(kernel) + " " + damage);
  }));
}

} // namespace cuda_emulation
