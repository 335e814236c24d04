// The frame of collectives: arriving, sharing the work out, waiting; and which operation a call is.
#include "comm/Window.h"
#include "comm/HostComm.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace dtcrt {

namespace {

/// Bytes that a rank takes at a time: small enough to share evenly, large enough that taking is free.
constexpr std::size_t chunk_bytes = 64 * 1024;
/// Up to this many bytes the last rank to arrive does all at once: nobody has to be woken for it.
constexpr std::size_t small_bytes = 16 * 1024;
/// MPI counts with an int.
constexpr std::size_t mpi_bytes = std::size_t(1) << 30;

class Hash { // FNV-1a
public:
  template <class T> void add(T value) {
    static_assert(std::is_integral_v<T>);
    for (std::size_t i = 0; i < sizeof value; ++i)
      hash_ = (hash_ ^ (static_cast<std::uint64_t>(value) >> 8 * i & 0xFF)) * 1099511628211u;
  }
  std::uint64_t value() const { return hash_; }

private:
  std::uint64_t hash_ = 14695981039346656037u;
};

} // namespace

WindowOperation::WindowOperation(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared)
    : Operation(world.progress), ctx_(ctx), world_(world), group_(group), call_(call), is_shared_(is_shared), name_(call.name) {
  call_.name = name_.c_str();
  call_.axis = group.axis.c_str();
  Hash hash;
  hash.add(static_cast<int>(call.kind));
  hash.add(static_cast<int>(call.reduction));
  hash.add(call.root);
  std::uint32_t chunks = 0;
  for (const Transfer &tensor : call.tensors) {
    first_chunks_.push_back(chunks);
    chunks += static_cast<std::uint32_t>((tensor.bytes() + chunk_bytes - 1) / chunk_bytes);
    hash.add(tensor.from - call.tensors.front().from);
    hash.add(tensor.to - call.tensors.front().to);
    hash.add(tensor.bytes());
  }
  first_chunks_.push_back(chunks);
  layout_ = hash.value();
}

std::byte *WindowOperation::from_of(int member, const Transfer &tensor) const {
  return world_.arenas[static_cast<std::size_t>(member)] + arrival(member).from + (tensor.from - call_.tensors.front().from);
}

std::byte *WindowOperation::to_of(int member, const Transfer &tensor) const {
  return world_.arenas[static_cast<std::size_t>(member)] + arrival(member).to + (tensor.to - call_.tensors.front().to);
}

void WindowOperation::publish(std::atomic<std::uint32_t> &word, std::uint32_t value) const {
  word.store(value);
  for (int member : group_.local)
    if (member != world_.local_rank)
      ring(world_.bells[member]);
}

/// Collectives that are under way together have different ones.
static int tag_of(std::uint32_t number, int phase) { return static_cast<int>(number % 16384) * 2 + phase; }

void WindowOperation::send(MPI_Comm comm, int rank, const std::byte *data, std::size_t bytes, int phase) {
  for (std::size_t at = 0; at < bytes; at += mpi_bytes)
    check_mpi(MPI_Isend(data + at, static_cast<int>(std::min(mpi_bytes, bytes - at)), MPI_BYTE, rank, tag_of(number_, phase), comm,
                        &requests_.emplace_back()),
              "send in a collective");
}

void WindowOperation::receive(MPI_Comm comm, int rank, std::byte *data, std::size_t bytes, int phase) {
  for (std::size_t at = 0; at < bytes; at += mpi_bytes)
    check_mpi(MPI_Irecv(data + at, static_cast<int>(std::min(mpi_bytes, bytes - at)), MPI_BYTE, rank, tag_of(number_, phase), comm,
                        &requests_.emplace_back()),
              "receive in a collective");
}

void WindowOperation::check_arrivals() const {
  const auto refuse = [&](const std::string &what) {
    throw Error(std::string(text_of(call_.kind).word) + " '" + name_ + "' over '" + group_.axis + "': " + what);
  };
  for (int member : group_.local) {
    const Arrival &other = arrival(member);
    if (other.bytes != call_.bytes())
      refuse(std::to_string(call_.bytes()) + " bytes on rank " + std::to_string(world_.rank) + ", " + std::to_string(other.bytes) + " on another");
    if (other.layout != layout_)
      refuse("on another rank it is another collective, or its tensors lie otherwise to each other than on rank " + std::to_string(world_.rank));
  }
}

void WindowOperation::start() {
  number_ = ++group_.started;
  prepare();
  if (!is_shared_) {
    exchange();
    progress_.watch(*this);
    return;
  }
  sequence_ = ++group_.sequence;
  const std::uint64_t mine = std::uint64_t(1) << (sequence_ % ring_size);
  if (group_.busy & mine)
    throw std::logic_error("a collective on the axis '" + group_.axis + "' is still under way 64 collectives later");
  group_.busy |= mine;
  const auto offset = [&](const std::byte *data) { return static_cast<std::uint64_t>(data - world_.arena()); };
  arrival(world_.local_rank) = {offset(call_.tensors.front().from), offset(call_.tensors.front().to), call_.bytes(), layout_};
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
  check_arrivals();
  if (call_.bytes() <= small_bytes) {
    for (const Transfer &tensor : call_.tensors)
      work(tensor, 0, tensor.bytes());
    op.next.store(first_chunks_.back());
    op.ready.store(sequence_);
    publish(op.finished, sequence_);
  } else {
    publish(op.ready, sequence_);
  }
}

void WindowOperation::work_on(std::uint32_t chunk) const {
  const auto behind = std::upper_bound(first_chunks_.begin(), first_chunks_.end(), chunk);
  const auto index = static_cast<std::size_t>(behind - first_chunks_.begin()) - 1;
  const Transfer &tensor = call_.tensors[index];
  const std::size_t begin = (chunk - first_chunks_[index]) * chunk_bytes;
  work(tensor, begin, std::min(begin + chunk_bytes, tensor.bytes()));
}

void WindowOperation::take_chunks() const {
  SharedOperation &op = shared();
  const std::uint32_t count = first_chunks_.back();
  if (op.next.load(std::memory_order_relaxed) >= count)
    return;
  [[maybe_unused]] const int threads = ctx_.threads();
#pragma omp parallel num_threads(threads) if (threads > 1 && count > 1)
  for (std::uint32_t mine; (mine = op.next.fetch_add(1)) < count;) {
    work_on(mine);
    if (op.done.fetch_add(1) + 1 == count)
      publish(op.finished, sequence_);
  }
}

void WindowOperation::finish() {
  if (!is_shared_) {
    world_.wait_until([&] { return is_complete_; }, true);
  } else {
    SharedOperation &op = shared();
    if (call_.bytes() > small_bytes) {
      world_.wait_until([&] { return has(op.ready); });
      take_chunks();
    }
    world_.wait_until([&] { return has(op.finished); });
    if (group_.hosts > 1)
      finish_between_hosts();
    group_.busy &= ~(std::uint64_t(1) << (sequence_ % ring_size));
  }
  // All may be parameters, but for sums, which are not.
  if (call_.kind != TraceEvent::Kind::all_reduce && call_.kind != TraceEvent::Kind::reduce_scatter)
    for (const Transfer &tensor : call_.tensors)
      ctx_.parameter_changed(tensor.to);
}

bool WindowOperation::test() {
  int done = 0;
  check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE), "finish a collective");
  if (!done)
    return false;
  requests_.clear();
  received();
  // It may have started more.
  return is_complete_ = requests_.empty();
}

/// Of one rank: its part is the whole.
static void copy_alone(const CollectiveCall &call) {
  for (const Transfer &tensor : call.tensors)
    if (tensor.from != tensor.to)
      std::memcpy(tensor.to, tensor.from, tensor.bytes());
}

Pending host::collective_start(Context &ctx, const CollectiveCall &call) {
  Group *group = ctx.world() ? &ctx.world()->impl().group(call.axis) : nullptr;
  if (!group || group->size == 1) {
    copy_alone(call);
    for (const Transfer &tensor : call.tensors)
      if (tensor.from != tensor.to)
        ctx.parameter_changed(tensor.to);
    return Pending();
  }
  if (ctx.probe())
    ctx.probe()->jitter();
  World::Impl &world = ctx.world()->impl();
  const bool is_shared = std::all_of(call.tensors.begin(), call.tensors.end(), [&](const Transfer &tensor) {
    return world.is_shared(tensor.from, tensor.from_bytes) && world.is_shared(tensor.to, tensor.to_bytes);
  });
  const auto make = [&] {
    switch (call.kind) {
    case TraceEvent::Kind::reduce_scatter:
      return make_reduce_scatter;
    case TraceEvent::Kind::all_gather:
      return make_all_gather;
    case TraceEvent::Kind::all_to_all:
      return make_all_to_all;
    case TraceEvent::Kind::broadcast:
      return make_broadcast;
    default:
      return make_all_reduce;
    }
  }();
  auto operation = make(ctx, world, *group, call, is_shared);
  operation->watch(ctx.probe(), {.kind = call.kind, .name = call.name, .axis = call.axis, .bytes = call.bytes()});
  operation->start();
  return Pending(operation.release());
}

} // namespace dtcrt
