// Collectives between the ranks of a mesh axis.
//
// Ranks of one host reduce in place in their shared arenas, without copies: start publishes "my values are there"; once all
// have arrived, whoever waits takes the next chunk, sums it over all peers in rank order and writes the result to all of them.
// Hosts exchange their sums by MPI. All ranks end with the same bits.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

enum class Reduction : u8 { sum, mean, max };
inline constexpr Reduction sum = Reduction::sum;
inline constexpr Reduction mean = Reduction::mean;

struct AllReduceOptions {
  Reduction reduction = Reduction::sum;
  const char *axis = ""; ///< the mesh axis whose ranks reduce together; empty: all ranks
  const char *name = ""; ///< for errors and traces
};

/// A collective under way. The buffer belongs to it until wait(). It ends before 64 others begin on its axis.
/// The destructor waits.
class Pending {
public:
  Pending() = default;
  Pending(Pending &&other) noexcept;
  Pending &operator=(Pending &&other) noexcept;
  ~Pending() noexcept(false);
  void wait();

  struct Operation;
  explicit Pending(Operation *operation) : operation_(operation) {}

private:
  Operation *operation_ = nullptr;
};

/// Starts reducing `tensor` (dense) in place over the ranks of the axis. All ranks give the same shape and, for a tensor in the
/// arena, the same offset. A tensor outside the arena goes through MPI_Allreduce.
[[nodiscard]] Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options = {});
/// Starts and waits.
void all_reduce(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options = {});

} // namespace dtcrt
