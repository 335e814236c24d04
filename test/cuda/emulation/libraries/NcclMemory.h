// What the processes of an emulated communicator share: POSIX shared memory under the name that the unique id carries.
//
// Data goes in chunks. Everyone has a lane for what all read (collectives), and one to every other rank (messages). A lane has two slots:
//
//   writer   waits until the chunk before the last has been taken; fills slot posted % 2; posted += 1
//   reader   waits until posted > taken; compares what both say of the operation; takes the chunk; taken += 1
//
// Nobody has to help another one after his own part is done.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cuda_emulation {

/// What both ends of an operation have to agree on. Where they do not, they wait for each other for good, as NCCL's kernels do.
struct Agreement {
  std::uint64_t bytes = 0;
  std::int32_t type = 0, reduction = 0, what = 0, root = 0;
  bool operator==(const Agreement &) const = default;
};

class NcclMemory {
public:
  static constexpr std::size_t chunk = 64 * 1024; ///< bytes

  struct alignas(64) Lane {
    std::atomic<std::uint64_t> posted; ///< chunks
    /// Chunks: of a message's lane by its reader; of a collective's by its owner, from all lanes.
    alignas(64) std::atomic<std::uint64_t> taken;
    Agreement agreements[2];
    alignas(64) std::byte slots[2][chunk];
  };

  /// Opens the memory, or makes it. Throws std::runtime_error.
  NcclMemory(const std::string &name, int ranks, int rank, int device);
  ~NcclMemory();
  NcclMemory(const NcclMemory &) = delete;

  /// Whether all ranks have come. Its name is then gone.
  bool is_complete();
  /// Whether two ranks compute on one GPU. When all have come.
  bool has_shared_device() const;

  Lane &collective(int rank) const { return lanes_[rank]; }
  Lane &message(int from, int to) const { return lanes_[ranks_ + from * ranks_ + to]; }

private:
  struct alignas(64) Header {
    std::atomic<int> arrived;
    int devices[];
  };
  std::size_t header_bytes() const;

  std::string name_;
  int ranks_;
  std::size_t bytes_ = 0;
  Header *header_ = nullptr;
  Lane *lanes_ = nullptr;
  bool is_named_ = true;
};

} // namespace cuda_emulation
