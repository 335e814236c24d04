// Communication between the ranks of a mesh axis: all-reduce, send and receive.
//
// Ranks of one host reduce in place in what they share of their arenas, without copies: start publishes "my values are there"; once all
// have arrived, whoever waits takes the next chunk, sums it over all peers in rank order and writes the result to all of them.
// Hosts exchange their sums by MPI. All ranks end with the same bits.
//
// A message between ranks of one host is copied once, by the receiver, straight out of the sender's arena; between hosts MPI
// carries it. Nothing ever waits inside a start. A rank that waits for one thing moves all its others on: a set of sends and
// receives that ends in some order of the waits ends in any.
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

/// Communication under way. The buffer belongs to it until wait(). A collective ends before 64 others begin on its axis.
/// The destructor waits.
class Pending {
public:
  Pending() = default;
  Pending(Pending &&other) noexcept;
  Pending &operator=(Pending &&other) noexcept;
  ~Pending() noexcept(false);
  void wait();

  class Operation;
  explicit Pending(Operation *operation) : operation_(operation) {}

private:
  Operation *operation_ = nullptr;
};

/// Starts reducing `tensor` (dense) in place over the ranks of the axis. All ranks give the same number of
/// elements; where the tensor lies in the arena, and how large that is, may differ. Outside the arena (then on all ranks) MPI
/// reduces it.
[[nodiscard]] Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options = {});
/// Starts and waits.
void all_reduce(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options = {});

struct MessageOptions {
  const char *axis = "";  ///< the mesh axis along which it travels
  int peer = -1;          ///< the other rank's coordinate on that axis
  const char *name = "";  ///< the same at both ends
  index microbatch = -1;  ///< the same at both ends; -1: none
};

namespace detail {
[[nodiscard]] Pending send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options);
[[nodiscard]] Pending recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options);
[[noreturn]] void message_not_dense(const MessageOptions &options);
} // namespace detail

/// Starts sending `tensor` (dense) to the peer. Between two ranks the k-th send meets the k-th receive, in the order of the
/// starts: Error when their names, microbatches or sizes differ. After wait() the tensor may be overwritten.
template <class T> [[nodiscard]] Pending send_start(Context &ctx, const Tensor<T> &tensor, const MessageOptions &options) {
  if (!tensor.is_dense())
    detail::message_not_dense(options);
  return detail::send_start(ctx, tensor.data(), tensor.bytes(), options);
}
/// Starts receiving into `tensor` (dense), byte by byte what the peer sends: with the same layout. After wait() it is there.
template <class T> [[nodiscard]] Pending recv_start(Context &ctx, const Tensor<T> &tensor, const MessageOptions &options) {
  if (!tensor.is_dense())
    detail::message_not_dense(options);
  return detail::recv_start(ctx, tensor.data(), tensor.bytes(), options);
}

} // namespace dtcrt
