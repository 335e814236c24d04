// All-reduce: in the shared arenas of a host without copies, between hosts and outside the arenas by MPI.
#include "comm/HostComm.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace dtcrt {

namespace {

/// Elements that a rank takes at a time: small enough to share evenly, large enough that taking is free.
constexpr index chunk = 16384;
/// Up to this many elements the last rank to arrive reduces at once: nobody has to be woken for it.
constexpr index small = 4096;
/// MPI counts with an int.
constexpr index mpi_elements = index(1) << 30;
/// Elements summed at a time, in the first-level cache.
constexpr index block = 1024;

class AllReduce final : public Pending::Operation {
public:
  AllReduce(World::Impl &world, Group &group, const Tensor<f32> &tensor, const AllReduceOptions &options, int threads)
      : Operation(world.progress), world_(world), group_(group), data_(tensor.data()), size_(tensor.size()),
        reduction_(options.reduction), name_(options.name), threads_(threads),
        path_(world.is_shared(tensor.data(), tensor.bytes()) ? Path::shared : Path::mpi) {}

  void start();
  void finish() override;
  std::string describe() const override { return "all-reduce of '" + name_ + "' on rank " + std::to_string(world_.rank); }
  bool begin() override;
  bool test() override;

private:
  enum class Path { shared, mpi };

  SharedOperation &shared() const { return world_.ring_of(group_, group_.local.front()).operations[sequence_ % ring_size]; }
  Arrival &arrival(int member) const { return world_.ring_of(group_, member).arrivals[sequence_ % ring_size]; }
  f32 *of_peer(int member) const {
    return reinterpret_cast<f32 *>(world_.arenas[static_cast<std::size_t>(member)] + arrival(member).offset);
  }
  std::uint32_t chunks() const { return static_cast<std::uint32_t>((size_ + chunk - 1) / chunk); }

  void check_sizes() const;
  void exchange(MPI_Comm comm);
  void publish(std::atomic<std::uint32_t> &word, std::uint32_t value) const;
  void reduce(index begin, index end) const;
  void reduce_chunks() const;
  void scale(f32 *values) const;
  bool is_last_copied() const { return shared().copied.load(std::memory_order_acquire) + 1 == group_.local.size(); }

  World::Impl &world_;
  Group &group_;
  f32 *data_;
  index size_;
  Reduction reduction_;
  std::string name_;
  int threads_;
  Path path_;
  std::uint32_t sequence_ = 0;
  std::vector<MPI_Request> requests_; ///< of MPI_Iallreduce
  bool complete_ = false;             ///< the engine has seen their end, or copied the leader's result
};

/// Sets a word and wakes the members that may be asleep until then.
void AllReduce::publish(std::atomic<std::uint32_t> &word, std::uint32_t value) const {
  word.store(value);
  for (int member : group_.local)
    if (member != world_.local_rank)
      ring(world_.bells[member]);
}

/// Sums elements [begin, end) over the members on this host, in rank order, and writes the result to all of them
/// (with several hosts: to the leader, who exchanges it).
void AllReduce::reduce(index begin, index end) const {
  const bool final = group_.hosts == 1;
  const f32 factor = final && reduction_ == Reduction::mean ? 1.0f / static_cast<f32>(group_.size) : 1.0f;
  alignas(64) f32 sums[block];
  for (index at = begin; at < end; at += block) {
    const index count = std::min(block, end - at);
    std::memcpy(sums, of_peer(group_.local.front()) + at, static_cast<std::size_t>(count) * sizeof(f32));
    for (std::size_t member = 1; member < group_.local.size(); ++member) {
      const f32 *values = of_peer(group_.local[member]) + at;
      if (reduction_ == Reduction::max) {
#pragma omp simd
        for (index i = 0; i < count; ++i)
          sums[i] = values[i] > sums[i] || values[i] != values[i] ? values[i] : sums[i];
      } else {
#pragma omp simd
        for (index i = 0; i < count; ++i)
          sums[i] += values[i];
      }
    }
    if (factor != 1.0f)
      for (index i = 0; i < count; ++i)
        sums[i] *= factor;
    for (int member : group_.local) {
      std::memcpy(of_peer(member) + at, sums, static_cast<std::size_t>(count) * sizeof(f32));
      if (!final)
        break;
    }
  }
}

void AllReduce::scale(f32 *values) const {
  if (reduction_ != Reduction::mean)
    return;
  const f32 factor = 1.0f / static_cast<f32>(group_.size);
  for (index i = 0; i < size_; ++i)
    values[i] *= factor;
}

void AllReduce::check_sizes() const {
  for (int member : group_.local)
    if (arrival(member).elements != static_cast<std::uint64_t>(size_))
      throw Error("all-reduce '" + name_ + "' over '" + group_.axis + "': " + std::to_string(size_) + " elements on rank " +
                  std::to_string(world_.rank) + ", " + std::to_string(arrival(member).elements) + " on another");
}

void AllReduce::exchange(MPI_Comm comm) {
  for (index at = 0; at < size_; at += mpi_elements)
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, data_ + at, static_cast<int>(std::min(mpi_elements, size_ - at)), MPI_FLOAT,
                             reduction_ == Reduction::max ? MPI_MAX : MPI_SUM, comm, &requests_.emplace_back()),
              "start an all-reduce");
  progress_.watch(*this);
}

void AllReduce::start() {
  if (path_ == Path::mpi)
    return exchange(group_.comm);
  sequence_ = ++group_.sequence;
  const std::uint64_t mine = std::uint64_t(1) << (sequence_ % ring_size);
  if (group_.busy & mine)
    throw std::logic_error("an all-reduce on the axis '" + group_.axis + "' is still under way 64 all-reduces later");
  group_.busy |= mine;
  arrival(world_.local_rank) = {static_cast<std::uint64_t>(reinterpret_cast<std::byte *>(data_) - world_.arena()),
                                static_cast<std::uint64_t>(size_)};
  if (group_.hosts > 1) {
    if (group_.is_leader)
      progress_.enqueue(Progress::exchanges(group_.number), *this);
    else
      progress_.watch(*this);
  }
  SharedOperation &op = shared();
  if (op.arrived.fetch_add(1) + 1 < group_.local.size())
    return;
  // The last to arrive. All ranks have left the entry's previous use, or they could not be here.
  op.arrived.store(0);
  op.next.store(0);
  op.done.store(0);
  op.copied.store(0);
  check_sizes();
  if (size_ <= small) {
    reduce(0, size_);
    op.next.store(chunks());
    op.ready.store(sequence_);
    publish(op.finished, sequence_);
  } else {
    publish(op.ready, sequence_);
  }
}

/// Takes chunks while there are any; whoever does the last one says so.
void AllReduce::reduce_chunks() const {
  SharedOperation &op = shared();
  const std::uint32_t count = chunks();
  if (op.next.load(std::memory_order_relaxed) >= count)
    return;
#pragma omp parallel num_threads(threads_) if (threads_ > 1 && count > 1)
  for (std::uint32_t mine; (mine = op.next.fetch_add(1)) < count;) {
    const index begin = index(mine) * chunk;
    reduce(begin, std::min(begin + chunk, size_));
    if (op.done.fetch_add(1) + 1 == count)
      publish(op.finished, sequence_);
  }
}

void AllReduce::finish() {
  if (path_ == Path::mpi)
    return world_.wait_until([&] { return complete_; }, true);
  SharedOperation &op = shared();
  const auto is = [&](std::atomic<std::uint32_t> &word) { return word.load(std::memory_order_acquire) == sequence_; };
  if (size_ > small) {
    world_.wait_until([&] { return is(op.ready); });
    reduce_chunks();
  }
  world_.wait_until([&] { return is(op.finished); });
  if (group_.hosts > 1) {
    world_.wait_until([&] { return complete_; });
    if (group_.is_leader)
      world_.wait_until([&] { return is_last_copied(); });
  }
  group_.busy &= ~(std::uint64_t(1) << (sequence_ % ring_size));
}

/// The leaders of several hosts exchange their hosts' sums, in the order in which the collectives were started.
bool AllReduce::begin() {
  SharedOperation &op = shared();
  if (op.ready.load(std::memory_order_acquire) != sequence_)
    return false;
  reduce_chunks();
  if (op.finished.load(std::memory_order_acquire) != sequence_)
    return false;
  exchange(group_.leaders);
  return true;
}

/// Looks for the end of what MPI does; the others copy the result from their leader.
bool AllReduce::test() {
  SharedOperation &op = shared();
  if (path_ == Path::shared && !group_.is_leader) {
    if (op.exchanged.load(std::memory_order_acquire) != sequence_)
      return false;
    std::memcpy(data_, of_peer(group_.local.front()), static_cast<std::size_t>(size_) * sizeof(f32));
    op.copied.fetch_add(1);
    ring(world_.bells[group_.local.front()]);
    return complete_ = true;
  }
  int done = 0;
  check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE), "finish an all-reduce");
  if (!done)
    return false;
  scale(data_);
  if (path_ == Path::shared)
    publish(op.exchanged, sequence_);
  return complete_ = true;
}

} // namespace

Pending host::all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  if (!tensor.is_dense())
    throw std::logic_error("all_reduce: the tensor is dense");
  if (!ctx.world() || tensor.size() == 0)
    return Pending();
  World::Impl &world = ctx.world()->impl();
  Group &group = world.group(options.axis);
  if (group.size == 1)
    return Pending();
  if (ctx.probe())
    ctx.probe()->jitter();
  auto operation = std::make_unique<AllReduce>(world, group, tensor, options, ctx.threads());
  operation->watch(ctx.probe(),
                   {.kind = TraceEvent::Kind::all_reduce, .name = options.name, .axis = options.axis, .bytes = tensor.bytes()});
  operation->start();
  return Pending(operation.release());
}

void all_reduce(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  all_reduce_start(ctx, tensor, options).wait();
}

} // namespace dtcrt
