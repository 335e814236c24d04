// Communication between the ranks of a mesh axis: collectives, and messages from one rank to another.
//
// Ranks of one host work in what they share of their arenas, without copies: start publishes "my values are there"; once all
// have arrived, whoever waits takes the next chunk, sums it over all peers in rank order (or copies it) and writes the result to those
// that get it. Between hosts all-reduces exchange the hosts' sums, and the other collectives send their parts, by MPI. Sums are taken in
// the order of the ranks, so all ranks end with the same bits, those of an all-reduce and of a reduce-scatter with an all-gather.
//
// A message between ranks of one host is copied once, by the receiver, straight out of the sender's arena; between hosts MPI
// carries it. Nothing ever waits inside a start. A rank that waits for one thing moves all its others on: a set of sends and
// receives that ends in some order of the waits ends in any.
#pragma once

#include "dtcrt/array.h"
#include "dtcrt/context.h"

namespace dtcrt {

enum class Reduction : u8 { sum, max };
inline constexpr Reduction sum = Reduction::sum;

struct AllReduceOptions {
  Reduction reduction = Reduction::sum;
  const char *axis = ""; ///< the mesh axis whose ranks reduce together; empty: all ranks
  const char *name = ""; ///< for errors and traces; empty: that of the (first) tensor which is written
};

namespace detail {
/// With the tensor's name, where the options have none.
template <class Options> Options named(Options options, const char *name) {
  if (!*options.name && name)
    options.name = name;
  return options;
}
} // namespace detail

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

/// Any tensor, as communication that computes nothing sees it.
struct Bytes {
  template <class T> Bytes(const Tensor<T> &tensor)
      : data(tensor.data()), size(tensor.bytes()), element(sizeof(T)), is_dense(tensor.is_dense()), name(tensor.name()) {}
  void *data;
  std::size_t size;    ///< bytes
  std::size_t element; ///< bytes
  bool is_dense;
  const char *name; ///< or null
};

struct CollectiveOptions {
  const char *axis = ""; ///< the mesh axis whose ranks take part; empty: all ranks
  const char *name = ""; ///< for errors and traces; empty: that of the first tensor which is written
};
using ReduceScatterOptions = AllReduceOptions;

// The collectives below take lists of tensors, which travel together. Their parts lie one behind the other in the whole: of m elements
// n ranks have pieces of ceil(m / n), the last ones less or none. All ranks give the same sizes. The tensors of a list lie at the same
// distances from each other on all ranks (Error otherwise); where a list begins may differ. All tensors are dense, none overlaps another
// one, and all are the operation's until wait().

struct ReduceScatterTensors {
  Tensor<f32> whole, part;
};
/// Starts reducing the wholes as all_reduce_start does; the rank with coordinate r gets part r of each. What a part has behind the whole's
/// end becomes 0. The wholes keep their values.
[[nodiscard]] Pending reduce_scatter_start(Context &ctx, ListOf<ReduceScatterTensors> tensors, const ReduceScatterOptions &options = {});
void reduce_scatter(Context &ctx, ListOf<ReduceScatterTensors> tensors, const ReduceScatterOptions &options = {});

struct AllGatherTensors {
  Bytes part, whole;
};
/// Starts putting together, on all ranks, the wholes of which the rank with coordinate r has part r.
[[nodiscard]] Pending all_gather_start(Context &ctx, ListOf<AllGatherTensors> tensors, const CollectiveOptions &options = {});
void all_gather(Context &ctx, ListOf<AllGatherTensors> tensors, const CollectiveOptions &options = {});

struct AllToAllTensors {
  Bytes from, to;
};
/// Of n equal parts of `from`, one behind the other, starts sending part s of the rank with coordinate r to the one with s: its part r of `to`.
/// std::logic_error where n does not divide the elements.
[[nodiscard]] Pending all_to_all_start(Context &ctx, ListOf<AllToAllTensors> tensors, const CollectiveOptions &options = {});
void all_to_all(Context &ctx, ListOf<AllToAllTensors> tensors, const CollectiveOptions &options = {});

struct BroadcastOptions {
  int root = 0;          ///< the coordinate of the rank whose values all get
  const char *axis = ""; ///< as in CollectiveOptions
  const char *name = ""; ///< for errors and traces; empty: the tensor's own
};
/// Starts giving all ranks of the axis the tensor (dense) of one of them, in place.
[[nodiscard]] Pending broadcast_start(Context &ctx, Bytes tensor, const BroadcastOptions &options);
void broadcast(Context &ctx, Bytes tensor, const BroadcastOptions &options);

struct PartOptions {
  int dimension = -1;    ///< along which the whole has equal slices; -1: it has pieces of ceil(elements / ranks), in row-major order
  const char *axis = ""; ///< as in CollectiveOptions
};
/// Writes this rank's part of what all ranks of the axis have: part r at coordinate r. What a piece has behind the whole's end is 0. Sends
/// nothing. Element types are those of movement.h.
template <class T> void take_part(Context &ctx, const Tensor<T> &whole, const Tensor<T> &part, const PartOptions &options);

struct MessageOptions {
  const char *axis = "";  ///< the mesh axis along which it travels
  int peer = -1;          ///< the other rank's coordinate on that axis
  const char *name = "";  ///< the same at both ends; empty: the tensor's own
  index microbatch = -1;  ///< the same at both ends; -1: none
};

namespace detail {
[[nodiscard]] Pending send_start(Context &ctx, const void *data, std::size_t bytes, const MessageOptions &options);
[[nodiscard]] Pending recv_start(Context &ctx, void *data, std::size_t bytes, const MessageOptions &options);
[[noreturn]] void message_not_dense(const MessageOptions &options);
} // namespace detail

/// Starts sending `tensor` (dense) to the peer. Between two ranks the k-th send meets the k-th receive, in the order of the
/// starts: Error when their names, microbatches or sizes differ. After wait() the tensor may be overwritten.
template <class T> [[nodiscard]] DTC_NOINLINE Pending send_start(Context &ctx, const Tensor<T> &tensor, const MessageOptions &options) {
  if (!tensor.is_dense())
    detail::message_not_dense(options);
  return detail::send_start(ctx, tensor.data(), tensor.bytes(), detail::named(options, tensor.name()));
}
/// Starts receiving into `tensor` (dense), byte by byte what the peer sends: with the same layout. After wait() it is there.
template <class T> [[nodiscard]] DTC_NOINLINE Pending recv_start(Context &ctx, const Tensor<T> &tensor, const MessageOptions &options) {
  if (!tensor.is_dense())
    detail::message_not_dense(options);
  return detail::recv_start(ctx, tensor.data(), tensor.bytes(), detail::named(options, tensor.name()));
}

} // namespace dtcrt
