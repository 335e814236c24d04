// All-reduce: the ranks of a host sum in their window, the leaders of several hosts exchange their hosts' sums by MPI.
//
// What three or more exchange they reduce-scatter and then gather: MPI's own all-reduce may add up each element in another order, by
// where it lies, and a reduce-scatter gives the same bits as an all-reduce here. So do two with what MPI's maximum would make of NaN.
#include "comm/Sums.h"
#include "comm/Window.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

/// MPI counts with an int.
constexpr index mpi_elements = index(1) << 30;

class AllReduce final : public WindowOperation {
public:
  using WindowOperation::WindowOperation;
  ~AllReduce() override {
    // MPI may still write there.
    if (!requests_.empty())
      static_cast<void>(arrived_.release());
  }
  bool begin() override;
  bool test() override;

protected:
  void work(const Transfer &tensor, std::size_t begin, std::size_t end) const override;
  void exchange() override { reduce(group_.comm); }
  void received() override;
  void finish_between_hosts() override;

private:
  f32 *data() const { return reinterpret_cast<f32 *>(call_.tensors.front().to); }
  index size() const { return static_cast<index>(call_.bytes() / sizeof(f32)); }
  void reduce(MPI_Comm comm);
  /// Elements of the part of a rank of comm_.
  index begin_of(int rank) const { return std::min(size(), rank * ((size() + ranks_ - 1) / ranks_)); }
  std::size_t bytes_of(int rank) const { return static_cast<std::size_t>(begin_of(rank + 1) - begin_of(rank)) * sizeof(f32); }
  std::byte *part_of(int rank) const { return reinterpret_cast<std::byte *>(data() + begin_of(rank)); }
  bool has_parts() const { return ranks_ > 2 || call_.reduction == Reduction::max; }
  void sum_parts();

  MPI_Comm comm_ = MPI_COMM_NULL; ///< who exchange
  int rank_ = 0, ranks_ = 1;      ///< there
  bool has_scattered_ = false;
  std::unique_ptr<std::vector<std::byte>> arrived_ = std::make_unique<std::vector<std::byte>>(); ///< the own part, of each of the others

  bool is_last_copied() const { return shared().copied.load(std::memory_order_acquire) + 1 == group_.local.size(); }
};

/// Sums over the members on this host, in rank order, and writes the result to all of them (with several hosts: to the leader, who
/// exchanges it).
void AllReduce::work(const Transfer &tensor, std::size_t begin, std::size_t end) const {
  const bool final = group_.hosts == 1;
  const auto of = [&](int member) { return reinterpret_cast<f32 *>(to_of(member, tensor)); };
  alignas(64) f32 sums[sum_block];
  const index last = static_cast<index>(end / sizeof(f32));
  for (index at = static_cast<index>(begin / sizeof(f32)); at < last; at += sum_block) {
    const index count = std::min(sum_block, last - at);
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(f32);
    std::memcpy(sums, of(group_.local.front()) + at, bytes);
    for (std::size_t member = 1; member < group_.local.size(); ++member)
      combine(call_.reduction, sums, of(group_.local[member]) + at, count);
    for (int member : group_.local) {
      std::memcpy(of(member) + at, sums, bytes);
      if (!final)
        break;
    }
  }
}

void AllReduce::reduce(MPI_Comm comm) {
  comm_ = comm;
  MPI_Comm_rank(comm, &rank_);
  MPI_Comm_size(comm, &ranks_);
  if (has_parts()) {
    arrived_->resize(bytes_of(rank_) * static_cast<std::size_t>(ranks_));
    for (int other = 0; other < ranks_; ++other)
      if (other != rank_)
        receive(comm, other, arrived_->data() + static_cast<std::size_t>(other) * bytes_of(rank_), bytes_of(rank_));
    for (int turn = 1; turn < ranks_; ++turn)
      send(comm, (rank_ + turn) % ranks_, part_of((rank_ + turn) % ranks_), bytes_of((rank_ + turn) % ranks_));
    return;
  }
  for (index at = 0; at < size(); at += mpi_elements)
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, data() + at, static_cast<int>(std::min(mpi_elements, size() - at)), MPI_FLOAT,
                             MPI_SUM, comm, &requests_.emplace_back()),
              "start an all-reduce");
}

/// In the order of the ranks.
void AllReduce::sum_parts() {
  f32 *const own = reinterpret_cast<f32 *>(part_of(rank_));
  const index size = static_cast<index>(bytes_of(rank_) / sizeof(f32));
  const auto of = [&](int rank) {
    return rank == rank_ ? own : reinterpret_cast<const f32 *>(arrived_->data() + static_cast<std::size_t>(rank) * bytes_of(rank_));
  };
  alignas(64) f32 sums[sum_block];
  for (index at = 0; at < size; at += sum_block) {
    const index count = std::min(sum_block, size - at);
    std::memcpy(sums, of(0) + at, static_cast<std::size_t>(count) * sizeof(f32));
    for (int rank = 1; rank < ranks_; ++rank)
      combine(call_.reduction, sums, of(rank) + at, count);
    std::memcpy(own + at, sums, static_cast<std::size_t>(count) * sizeof(f32));
  }
}

void AllReduce::received() {
  if (has_parts() && !has_scattered_) {
    sum_parts();
    has_scattered_ = true;
    for (int other = 0; other < ranks_; ++other)
      if (other != rank_)
        receive(comm_, other, part_of(other), bytes_of(other), 1);
    for (int turn = 1; turn < ranks_; ++turn)
      send(comm_, (rank_ + turn) % ranks_, part_of(rank_), bytes_of(rank_), 1);
  }
}

/// The leaders of several hosts exchange their hosts' sums, in the order in which the collectives were started.
bool AllReduce::begin() {
  SharedOperation &op = shared();
  if (!has(op.ready))
    return false;
  take_chunks();
  if (!has(op.finished))
    return false;
  reduce(group_.leaders);
  progress_.watch(*this);
  return true;
}

/// Looks for the end of what MPI does; the others copy the result from their leader.
bool AllReduce::test() {
  if (!is_shared_ || group_.is_leader) {
    if (!WindowOperation::test())
      return false;
    if (is_shared_)
      publish(shared().exchanged, sequence_);
    return true;
  }
  if (!has(shared().exchanged))
    return false;
  const Transfer &tensor = call_.tensors.front();
  std::memcpy(tensor.to, to_of(group_.local.front(), tensor), tensor.bytes());
  shared().copied.fetch_add(1);
  ring(world_.bells[group_.local.front()]);
  return is_complete_ = true;
}

void AllReduce::finish_between_hosts() {
  world_.wait_until([&] { return is_complete_; });
  if (group_.is_leader)
    world_.wait_until([&] { return is_last_copied(); });
}

} // namespace

std::unique_ptr<WindowOperation> make_all_reduce(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared) {
  return std::make_unique<AllReduce>(ctx, world, group, call, is_shared);
}

} // namespace dtcrt
