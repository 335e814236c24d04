// NCCL as its documentation describes it, between processes of one host: communicators that block or do not, collectives, send and
// receive, groups of them. What dtcrt does not use is not here, as one communicator on two streams (which is refused).
//
// Strict where NCCL may be lenient: a send ends when its receiver has taken everything; without `blocking`, a call's work is on its
// stream when ncclCommGetAsyncError has been asked, not before.
#include "../lib/Faults.h"
#include "Enqueue.h"
#include "NcclMemory.h"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace cuda_emulation;

namespace {

/// What a communicator's operations share; they may outlive its handle.
struct State {
  std::unique_ptr<NcclMemory> memory;
  int ranks, rank;
  bool is_blocking, is_aborted = false;
  ncclResult_t result = ncclSuccess;        ///< what ncclCommGetAsyncError tells
  std::function<ncclResult_t()> unfinished; ///< what a call has left to do, asked until it is no longer in progress
  cudaStream_t stream = nullptr;            ///< the one that all operations are on

  /// Goes on with what is unfinished.
  void advance() {
    if (unfinished && (result = unfinished()) != ncclInProgress)
      unfinished = nullptr;
  }
  /// The call's end, or ncclInProgress for a communicator that does not block.
  ncclResult_t begin(std::function<ncclResult_t()> what) {
    unfinished = std::move(what);
    result = ncclInProgress;
    while (is_blocking && unfinished) {
      advance();
      if (unfinished)
        usleep(100);
    }
    return result;
  }
};

/// One operation, over and over: a graph may hold it.
class Operation {
public:
  Operation(std::shared_ptr<State> state, const Agreement &agreement, std::string name)
      : state_(std::move(state)), agreement_(agreement), name_(std::move(name)) {}
  virtual ~Operation() = default;
  /// Operations of a group that have the same go on one after the other.
  virtual const void *order() const = 0;

  /// Does what can be done now. True when the operation has ended, and can begin again.
  bool advance() {
    if (state_->is_aborted)
      return true;
    if (!has_begun_) {
      has_begun_ = true;
      at_ = 0;
      record(name_ + " begins");
      fate_ = next_communication();
    }
    if (fate_ == Fate::fails) {
      state_->result = ncclRemoteError;
      return false;
    }
    while (at_ < agreement_.bytes) {
      if (fate_ == Fate::dies && at_ + NcclMemory::chunk > agreement_.bytes / 2)
        die();
      if (!advance(at_, std::min<std::size_t>(NcclMemory::chunk, agreement_.bytes - at_)))
        return false;
      at_ += NcclMemory::chunk;
    }
    record(name_ + " ends");
    has_begun_ = false;
    return true;
  }

protected:
  /// Moves a chunk on. True when it is through.
  virtual bool advance(std::size_t at, std::size_t bytes) = 0;

  using Lane = NcclMemory::Lane;
  /// Puts a chunk into the lane, where there is room for it.
  void post(Lane &lane, const void *data, std::size_t bytes) const {
    const std::uint64_t number = lane.posted.load();
    lane.agreements[number % 2] = agreement_;
    if (data)
      std::memcpy(lane.slots[number % 2], data, bytes);
    lane.posted.store(number + 1);
  }
  /// The chunk of this number, when it is there and belongs to the same operation.
  const std::byte *posted(const Lane &lane, std::uint64_t number) const {
    return lane.posted.load() > number && lane.agreements[number % 2] == agreement_ ? lane.slots[number % 2] : nullptr;
  }

  const std::shared_ptr<State> state_;
  const Agreement agreement_;

private:
  const std::string name_;
  std::size_t at_ = 0; ///< bytes that are through
  bool has_begun_ = false;
  Fate fate_ = Fate::well;
};

template <class T> T reduced(ncclRedOp_t reduction, T a, T b) { return reduction == ncclMax ? (a > b || a != a ? a : b) : a + b; }

/// What an operation is, for those who have to agree on it.
enum What : std::int32_t { message, all_reduce, reduce_scatter, reduce, all_gather, broadcast };

/// All bring the same number of bytes, and see what all have brought.
class Collective : public Operation {
public:
  /// `from`: what this rank brings, nullptr where nobody looks at it.
  Collective(std::shared_ptr<State> state, const void *from, const Agreement &agreement, std::string name)
      : Operation(std::move(state), agreement, std::move(name)), from_(static_cast<const std::byte *>(from)) {}
  const void *order() const override { return &state_->memory->collective(state_->rank); }

protected:
  /// These bytes of all ranks, by rank.
  virtual void take(std::size_t at, std::size_t bytes, const std::vector<const std::byte *> &of_ranks) = 0;

  bool advance(std::size_t at, std::size_t bytes) override {
    NcclMemory &memory = *state_->memory;
    Lane &own = memory.collective(state_->rank);
    const std::uint64_t round = own.taken.load();
    if (own.posted.load() == round) {
      for (int r = 0; r < state_->ranks; ++r)
        if (memory.collective(r).taken.load() + 1 < round)
          return false;
      post(own, from_ ? from_ + at : nullptr, bytes);
    }
    std::vector<const std::byte *> of_ranks;
    for (int r = 0; r < state_->ranks; ++r) {
      const std::byte *chunk = posted(memory.collective(r), round);
      if (!chunk)
        return false;
      of_ranks.push_back(chunk);
    }
    take(at, bytes, of_ranks);
    own.taken.store(round + 1);
    return true;
  }

private:
  const std::byte *from_;
};

/// In the order of the ranks, on each of them. An average is one of values that were divided before. Of all elements this rank
/// gets `count` from `first` on.
template <class T> class Reduction final : public Collective {
public:
  Reduction(std::shared_ptr<State> state, const void *from, void *to, std::size_t first, std::size_t count, const Agreement &agreement,
            const std::string &name)
      : Collective(std::move(state), from, agreement, name + " of " + std::to_string(agreement.bytes / sizeof(T)) + " elements"),
        to_(static_cast<T *>(to)), first_(first), count_(count) {}

protected:
  void take(std::size_t at, std::size_t bytes, const std::vector<const std::byte *> &of_ranks) override {
    const auto reduction = static_cast<ncclRedOp_t>(agreement_.reduction);
    const auto scaled = [&](T value) { return reduction == ncclAvg ? static_cast<T>(value / static_cast<T>(state_->ranks)) : value; };
    const std::size_t begin = at / sizeof(T), end = begin + bytes / sizeof(T);
    for (std::size_t i = std::max(begin, first_); i < std::min(end, first_ + count_); ++i) {
      const auto of = [&](std::size_t rank) { return scaled(reinterpret_cast<const T *>(of_ranks[rank])[i - begin]); };
      T sum = of(0);
      for (std::size_t r = 1; r < of_ranks.size(); ++r)
        sum = reduced(reduction, sum, of(r));
      to_[i - first_] = sum;
    }
  }

private:
  T *to_;
  const std::size_t first_, count_;
};

class AllGather final : public Collective {
public:
  AllGather(std::shared_ptr<State> state, const void *from, void *to, const Agreement &agreement)
      : Collective(std::move(state), from, agreement, "all-gather of " + std::to_string(agreement.bytes) + " bytes"), to_(static_cast<std::byte *>(to)) {}

protected:
  void take(std::size_t at, std::size_t bytes, const std::vector<const std::byte *> &of_ranks) override {
    for (std::size_t rank = 0; rank < of_ranks.size(); ++rank)
      std::memcpy(to_ + rank * agreement_.bytes + at, of_ranks[rank], bytes);
  }

private:
  std::byte *to_;
};

class Broadcast final : public Collective {
public:
  Broadcast(std::shared_ptr<State> state, const void *from, void *to, const Agreement &agreement)
      : Collective(state, state->rank == agreement.root ? from : nullptr, agreement, "broadcast of " + std::to_string(agreement.bytes) + " bytes"),
        to_(static_cast<std::byte *>(to)) {}

protected:
  void take(std::size_t at, std::size_t bytes, const std::vector<const std::byte *> &of_ranks) override {
    std::memmove(to_ + at, of_ranks[static_cast<std::size_t>(agreement_.root)], bytes);
  }

private:
  std::byte *to_;
};

class Send final : public Operation {
public:
  Send(std::shared_ptr<State> state, const void *data, int peer, const Agreement &agreement)
      : Operation(std::move(state), agreement, "send of " + std::to_string(agreement.bytes) + " bytes"), data_(static_cast<const std::byte *>(data)),
        lane_(state_->memory->message(state_->rank, peer)) {}
  const void *order() const override { return &lane_.posted; }

protected:
  bool advance(std::size_t at, std::size_t bytes) override {
    if (!is_posted_) {
      if (lane_.taken.load() + 1 < lane_.posted.load())
        return false;
      post(lane_, data_ + at, bytes);
      is_posted_ = true;
    }
    // The last one has to be taken, and with it all before.
    if (at + bytes == agreement_.bytes && lane_.taken.load() != lane_.posted.load())
      return false;
    is_posted_ = false;
    return true;
  }

private:
  const std::byte *data_;
  Lane &lane_;
  bool is_posted_ = false;
};

class Receive final : public Operation {
public:
  Receive(std::shared_ptr<State> state, void *data, int peer, const Agreement &agreement)
      : Operation(std::move(state), agreement, "receive of " + std::to_string(agreement.bytes) + " bytes"), data_(static_cast<std::byte *>(data)),
        lane_(state_->memory->message(peer, state_->rank)) {}
  const void *order() const override { return &lane_.taken; }

protected:
  bool advance(std::size_t at, std::size_t bytes) override {
    const std::uint64_t number = lane_.taken.load();
    const std::byte *chunk = posted(lane_, number);
    if (!chunk)
      return false;
    std::memcpy(data_ + at, chunk, bytes);
    lane_.taken.store(number + 1);
    return true;
  }

private:
  std::byte *data_;
  Lane &lane_;
};

/// Operations that begin together: none waits for another, but for those of one kind to one rank.
class Together {
public:
  void add(std::shared_ptr<Operation> operation) { operations_.push_back({std::move(operation), false}); }

  bool advance() {
    std::vector<const void *> busy;
    for (Entry &entry : operations_) {
      const void *const order = entry.operation->order();
      if (entry.is_over || std::find(busy.begin(), busy.end(), order) != busy.end())
        continue;
      entry.is_over = entry.operation->advance();
      if (!entry.is_over)
        busy.push_back(order);
    }
    if (std::any_of(operations_.begin(), operations_.end(), [](const Entry &entry) { return !entry.is_over; }))
      return false;
    for (Entry &entry : operations_)
      entry.is_over = false;
    return true;
  }

private:
  struct Entry {
    std::shared_ptr<Operation> operation;
    bool is_over;
  };
  std::vector<Entry> operations_;
};

std::size_t size_of(ncclDataType_t type) {
  switch (type) {
  case ncclUint8: return 1;
  case ncclInt: return 4;
  case ncclFloat: return 4;
  default: return 0;
  }
}

} // namespace

/// A handle.
struct ncclComm {
  std::shared_ptr<State> state;
};

namespace {

ncclResult_t make(ncclComm_t *handle, int ranks, const ncclUniqueId &id, int rank, bool is_blocking) {
  if (!handle || ranks < 1 || rank < 0 || rank >= ranks)
    return ncclInvalidArgument;
  *handle = nullptr;
  if (next_connection() == Fate::fails)
    return ncclSystemError;
  int device = 0;
  if (cudaGetDevice(&device) != cudaSuccess)
    return ncclUnhandledCudaError;
  auto state = std::make_shared<State>();
  state->ranks = ranks;
  state->rank = rank;
  state->is_blocking = is_blocking;
  try {
    state->memory = std::make_unique<NcclMemory>(id.internal, ranks, rank, device);
  } catch (const std::runtime_error &) {
    return ncclSystemError;
  }
  *handle = new ncclComm{state};
  return state->begin([memory = state->memory.get()] {
    return !memory->is_complete() ? ncclInProgress : memory->has_shared_device() ? ncclInvalidUsage : ncclSuccess;
  });
}

/// What a call on this communicator returns before it does anything.
ncclResult_t ready(const State &state) { return state.result == ncclInProgress ? ncclInvalidArgument : state.result; }

/// A thread's calls between ncclGroupStart and ncclGroupEnd.
struct Group {
  struct Member {
    std::shared_ptr<State> state;
    cudaStream_t stream;
    std::shared_ptr<Together> operations;
  };
  int depth = 0;
  std::vector<Member> members;
};
thread_local Group group;

ncclResult_t launch(const std::shared_ptr<State> &state, cudaStream_t stream, std::shared_ptr<Operation> operation) {
  if (const ncclResult_t result = ready(*state); result != ncclSuccess)
    return result;
  if (state->stream && state->stream != stream)
    return ncclInvalidUsage;
  state->stream = stream;
  if (group.depth > 0) {
    auto member = std::find_if(group.members.begin(), group.members.end(), [&](const Group::Member &one) { return one.state == state; });
    if (member == group.members.end())
      member = group.members.insert(member, {state, stream, std::make_shared<Together>()});
    member->operations->add(std::move(operation));
    return ncclSuccess;
  }
  return state->begin([stream, operation = std::move(operation)] {
    return enqueue_communication(stream, [operation] { return operation->advance(); }) == 0 ? ncclSuccess : ncclUnhandledCudaError;
  });
}

ncclResult_t launch_reduction(const void *from, void *to, std::size_t first, std::size_t count, const Agreement &agreement, ncclComm_t comm,
                              cudaStream_t stream, const char *name) {
  const ncclRedOp_t reduction = static_cast<ncclRedOp_t>(agreement.reduction);
  if (!comm || (agreement.type != ncclFloat && agreement.type != ncclInt) || (reduction != ncclSum && reduction != ncclAvg && reduction != ncclMax))
    return ncclInvalidArgument;
  if (agreement.type == ncclFloat)
    return launch(comm->state, stream, std::make_shared<Reduction<float>>(comm->state, from, to, first, count, agreement, name));
  return launch(comm->state, stream, std::make_shared<Reduction<std::int32_t>>(comm->state, from, to, first, count, agreement, name));
}

} // namespace

extern "C" {

ncclResult_t ncclGetVersion(int *version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}

const char *ncclGetErrorString(ncclResult_t result) {
  switch (result) {
  case ncclSuccess: return "no error";
  case ncclUnhandledCudaError: return "unhandled cuda error";
  case ncclSystemError: return "unhandled system error";
  case ncclInternalError: return "internal error";
  case ncclInvalidArgument: return "invalid argument";
  case ncclInvalidUsage: return "invalid usage";
  case ncclRemoteError: return "remote process exited or there was a network error";
  case ncclInProgress: return "NCCL operation in progress";
  default: return "unknown result code";
  }
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
  static int count = 0;
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  *id = {};
  std::snprintf(id->internal, sizeof id->internal, "/cuda-emulation-nccl-%d-%d-%llx", static_cast<int>(getpid()), ++count,
                static_cast<unsigned long long>(now));
  return ncclSuccess;
}

ncclResult_t ncclCommInitRank(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank) { return make(comm, ranks, id, rank, true); }

ncclResult_t ncclCommInitRankConfig(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t *config) {
  const ncclConfig_t known = NCCL_CONFIG_INITIALIZER;
  if (config && (config->magic != known.magic || config->size != known.size))
    return ncclInvalidArgument;
  return make(comm, ranks, id, rank, !config || config->blocking != 0);
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *result) {
  if (!comm)
    return ncclInvalidArgument;
  comm->state->advance();
  *result = comm->state->result;
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  if (!comm)
    return ncclInvalidArgument;
  if (const ncclResult_t result = ready(*comm->state); result != ncclSuccess)
    return result;
  return comm->state->begin([stream = comm->state->stream] {
    return stream && cudaStreamQuery(stream) == cudaErrorNotReady ? ncclInProgress : ncclSuccess;
  });
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  if (comm && comm->state->stream)
    static_cast<void>(cudaStreamSynchronize(comm->state->stream));
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  if (comm) {
    comm->state->is_aborted = true;
    comm->state->unfinished = nullptr; // it may hold its own communicator
  }
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void *from, void *to, std::size_t count, ncclDataType_t type, ncclRedOp_t reduction, ncclComm_t comm,
                           cudaStream_t stream) {
  return launch_reduction(from, to, 0, count, {count * size_of(type), type, reduction, all_reduce}, comm, stream, "all-reduce");
}

ncclResult_t ncclReduceScatter(const void *from, void *to, std::size_t count, ncclDataType_t type, ncclRedOp_t reduction, ncclComm_t comm,
                               cudaStream_t stream) {
  if (!comm)
    return ncclInvalidArgument;
  const auto ranks = static_cast<std::size_t>(comm->state->ranks), rank = static_cast<std::size_t>(comm->state->rank);
  return launch_reduction(from, to, rank * count, count, {ranks * count * size_of(type), type, reduction, reduce_scatter}, comm, stream,
                          "reduce-scatter");
}

ncclResult_t ncclReduce(const void *from, void *to, std::size_t count, ncclDataType_t type, ncclRedOp_t reduction, int root, ncclComm_t comm,
                        cudaStream_t stream) {
  if (!comm || root < 0 || root >= comm->state->ranks)
    return ncclInvalidArgument;
  return launch_reduction(from, to, 0, comm->state->rank == root ? count : 0, {count * size_of(type), type, reduction, reduce, root}, comm, stream,
                          "reduce");
}

ncclResult_t ncclAllGather(const void *from, void *to, std::size_t count, ncclDataType_t type, ncclComm_t comm, cudaStream_t stream) {
  if (!comm || size_of(type) == 0)
    return ncclInvalidArgument;
  return launch(comm->state, stream, std::make_shared<AllGather>(comm->state, from, to, Agreement{count * size_of(type), type, 0, all_gather}));
}

ncclResult_t ncclBroadcast(const void *from, void *to, std::size_t count, ncclDataType_t type, int root, ncclComm_t comm, cudaStream_t stream) {
  if (!comm || size_of(type) == 0 || root < 0 || root >= comm->state->ranks)
    return ncclInvalidArgument;
  return launch(comm->state, stream,
                std::make_shared<Broadcast>(comm->state, from, to, Agreement{count * size_of(type), type, 0, broadcast, root}));
}

ncclResult_t ncclGroupStart() {
  ++group.depth;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (group.depth == 0)
    return ncclInvalidUsage;
  if (--group.depth > 0)
    return ncclSuccess;
  ncclResult_t result = ncclSuccess;
  for (const Group::Member &member : std::exchange(group.members, {})) {
    const ncclResult_t begun = member.state->begin([stream = member.stream, operations = member.operations] {
      return enqueue_communication(stream, [operations] { return operations->advance(); }) == 0 ? ncclSuccess : ncclUnhandledCudaError;
    });
    if (result == ncclSuccess || result == ncclInProgress)
      result = begun == ncclSuccess ? result : begun;
  }
  return result;
}

ncclResult_t ncclSend(const void *data, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  if (!comm || size_of(type) == 0 || peer < 0 || peer >= comm->state->ranks)
    return ncclInvalidArgument;
  return launch(comm->state, stream, std::make_shared<Send>(comm->state, data, peer, Agreement{count * size_of(type)}));
}

ncclResult_t ncclRecv(void *data, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  if (!comm || size_of(type) == 0 || peer < 0 || peer >= comm->state->ranks)
    return ncclInvalidArgument;
  return launch(comm->state, stream, std::make_shared<Receive>(comm->state, data, peer, Agreement{count * size_of(type)}));
}

} // extern "C"
