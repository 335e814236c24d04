// All-reduce: in the shared arenas of a host without copies, between hosts and outside the arenas by MPI.
#include "comm/WorldImpl.h"
#include "dtcrt/comm.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

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

} // namespace

struct Pending::Operation {
  enum class Path { alone, shared, mpi };
  World::Impl *world = nullptr;
  Group *group = nullptr;
  Path path = Path::alone;
  f32 *data = nullptr;
  index size = 0;
  Reduction reduction = Reduction::sum;
  std::uint32_t sequence = 0;
  int threads = 1;
  MPI_Request request = MPI_REQUEST_NULL;

  SharedOperation &shared() const { return group->ring->operations[sequence % ring_size]; }
  f32 *of_peer(int local_rank) const {
    const auto offset = reinterpret_cast<std::byte *>(data) - world->arenas[static_cast<std::size_t>(world->local_rank)];
    return reinterpret_cast<f32 *>(world->arenas[static_cast<std::size_t>(local_rank)] + offset);
  }
  std::uint32_t chunks() const { return static_cast<std::uint32_t>((size + chunk - 1) / chunk); }

  void start();
  void finish();
  void reduce(index begin, index end) const;
  void exchange_between_hosts();
  void scale(f32 *values) const;
};

/// Sums elements [begin, end) over the members on this host, in rank order, and writes the result to all of them
/// (with several hosts: to the leader, who exchanges it).
void Pending::Operation::reduce(index begin, index end) const {
  const bool final = group->hosts == 1;
  const f32 factor = final && reduction == Reduction::mean ? 1.0f / static_cast<f32>(group->size) : 1.0f;
  alignas(64) f32 sums[block];
  for (index at = begin; at < end; at += block) {
    const index count = std::min(block, end - at);
    std::memcpy(sums, of_peer(group->local.front()) + at, static_cast<std::size_t>(count) * sizeof(f32));
    for (std::size_t member = 1; member < group->local.size(); ++member) {
      const f32 *values = of_peer(group->local[member]) + at;
      if (reduction == Reduction::max) {
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
    for (int member : group->local) {
      std::memcpy(of_peer(member) + at, sums, static_cast<std::size_t>(count) * sizeof(f32));
      if (!final)
        break;
    }
  }
}

void Pending::Operation::scale(f32 *values) const {
  if (reduction != Reduction::mean)
    return;
  const f32 factor = 1.0f / static_cast<f32>(group->size);
  for (index i = 0; i < size; ++i)
    values[i] *= factor;
}

void Pending::Operation::start() {
  if (path == Path::alone)
    return;
  if (path == Path::mpi) {
    if (size > mpi_elements)
      throw std::logic_error("an all-reduce outside the arena has at most 2^30 elements");
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, data, static_cast<int>(size), MPI_FLOAT, reduction == Reduction::max ? MPI_MAX : MPI_SUM,
                             group->comm, &request),
              "start an all-reduce");
    return;
  }
  sequence = ++group->sequence;
  const std::uint64_t mine = std::uint64_t(1) << (sequence % ring_size);
  if (group->busy & mine)
    throw std::logic_error("an all-reduce on the axis '" + group->axis + "' is still under way 64 all-reduces later");
  group->busy |= mine;
  SharedOperation &op = shared();
  if (op.arrived.fetch_add(1) + 1 < group->local.size())
    return;
  // The last to arrive. All ranks have left the entry's previous use, or they could not be here.
  op.arrived.store(0);
  op.next.store(0);
  op.done.store(0);
  op.copied.store(0);
  if (size <= small) {
    reduce(0, size);
    op.next.store(chunks());
    publish(op, op.ready, sequence);
    publish(op, op.finished, sequence);
  } else {
    publish(op, op.ready, sequence);
  }
}

void Pending::Operation::finish() {
  if (path == Path::alone)
    return;
  if (path == Path::mpi) {
    for (int done = 0; !done;) {
      check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "finish an all-reduce");
      if (!done && world->control->failed.load())
        throw PeerFailure();
    }
    return scale(data);
  }
  SharedOperation &op = shared();
  Control &control = *world->control;
  if (size > small) {
    sleep_until(control, op, op.ready, sequence);
    const std::uint32_t count = chunks();
#pragma omp parallel num_threads(threads) if (threads > 1 && count > 1)
    for (std::uint32_t mine; (mine = op.next.fetch_add(1)) < count;) {
      const index begin = index(mine) * chunk;
      reduce(begin, std::min(begin + chunk, size));
      if (op.done.fetch_add(1) + 1 == count)
        publish(op, op.finished, sequence);
    }
  }
  sleep_until(control, op, op.finished, sequence);
  if (group->hosts > 1)
    exchange_between_hosts();
  group->busy &= ~(std::uint64_t(1) << (sequence % ring_size));
}

/// The leaders hold their hosts' sums: they reduce them by MPI, and the other ranks copy the result from them.
void Pending::Operation::exchange_between_hosts() {
  SharedOperation &op = shared();
  Control &control = *world->control;
  const std::uint32_t others = static_cast<std::uint32_t>(group->local.size()) - 1;
  if (group->is_leader) {
    for (index at = 0; at < size; at += mpi_elements)
      check_mpi(MPI_Allreduce(MPI_IN_PLACE, data + at, static_cast<int>(std::min(mpi_elements, size - at)), MPI_FLOAT,
                              reduction == Reduction::max ? MPI_MAX : MPI_SUM, group->leaders),
                "reduce between hosts");
    scale(data);
    publish(op, op.exchanged, sequence);
    sleep_until(control, op, op.copied, others);
  } else {
    sleep_until(control, op, op.exchanged, sequence);
    std::memcpy(data, of_peer(group->local.front()), static_cast<std::size_t>(size) * sizeof(f32));
    if (op.copied.fetch_add(1) + 1 == others)
      publish(op, op.copied, others);
  }
}

Pending::Pending(Pending &&other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}

Pending &Pending::operator=(Pending &&other) noexcept {
  std::swap(operation_, other.operation_);
  return *this;
}

Pending::~Pending() noexcept(false) {
  if (!operation_)
    return;
  if (std::uncaught_exceptions() == 0)
    wait();
  delete operation_;
}

void Pending::wait() {
  const std::unique_ptr<Operation> operation(std::exchange(operation_, nullptr));
  if (operation)
    operation->finish();
}

Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  if (!tensor.is_dense())
    throw std::logic_error("all_reduce: the tensor is dense");
  auto operation = std::make_unique<Pending::Operation>();
  if (ctx.world() && tensor.size() > 0) {
    World::Impl &world = ctx.world()->impl();
    operation->world = &world;
    operation->group = &world.group(options.axis);
    operation->data = tensor.data();
    operation->size = tensor.size();
    operation->reduction = options.reduction;
    operation->threads = ctx.threads();
    if (operation->group->size > 1) {
      const auto *begin = reinterpret_cast<const std::byte *>(tensor.data());
      const std::byte *arena = world.arenas.empty() ? nullptr : world.arenas[static_cast<std::size_t>(world.local_rank)];
      const bool inside = arena && begin >= arena && begin + tensor.bytes() <= arena + world.arena_bytes;
      operation->path = inside ? Pending::Operation::Path::shared : Pending::Operation::Path::mpi;
    }
    operation->start();
  }
  return Pending(operation.release());
}

void all_reduce(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  all_reduce_start(ctx, tensor, options).wait();
}

} // namespace dtcrt
