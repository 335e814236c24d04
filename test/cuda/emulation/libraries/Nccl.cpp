// NCCL as its documentation describes it, between processes of one host: communicators that block or do not, all-reduce, send and
// receive. What dtcrt does not use is not here: groups, other collectives, one communicator on two streams (which is refused).
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

/// In the order of the ranks, on each of them. An average is one of values that were divided before.
template <class T> class AllReduce final : public Operation {
public:
  AllReduce(std::shared_ptr<State> state, const void *from, void *to, const Agreement &agreement)
      : Operation(std::move(state), agreement, "all-reduce of " + std::to_string(agreement.bytes / sizeof(T)) + " elements"),
        from_(static_cast<const T *>(from)), to_(static_cast<T *>(to)) {}

protected:
  bool advance(std::size_t at, std::size_t bytes) override {
    NcclMemory &memory = *state_->memory;
    Lane &own = memory.collective(state_->rank);
    const std::uint64_t round = own.taken.load();
    const std::size_t first = at / sizeof(T), count = bytes / sizeof(T);
    if (own.posted.load() == round) {
      for (int r = 0; r < state_->ranks; ++r)
        if (memory.collective(r).taken.load() + 1 < round)
          return false;
      post(own, from_ + first, bytes);
    }
    std::vector<const T *> values;
    for (int r = 0; r < state_->ranks; ++r) {
      const std::byte *chunk = posted(memory.collective(r), round);
      if (!chunk)
        return false;
      values.push_back(reinterpret_cast<const T *>(chunk));
    }
    const auto reduction = static_cast<ncclRedOp_t>(agreement_.reduction);
    const auto scaled = [&](T value) { return reduction == ncclAvg ? static_cast<T>(value / static_cast<T>(state_->ranks)) : value; };
    for (std::size_t i = 0; i < count; ++i) {
      T sum = scaled(values[0][i]);
      for (std::size_t r = 1; r < values.size(); ++r)
        sum = reduced(reduction, sum, scaled(values[r][i]));
      to_[first + i] = sum;
    }
    own.taken.store(round + 1);
    return true;
  }

private:
  const T *from_;
  T *to_;
};

class Send final : public Operation {
public:
  Send(std::shared_ptr<State> state, const void *data, int peer, const Agreement &agreement)
      : Operation(std::move(state), agreement, "send of " + std::to_string(agreement.bytes) + " bytes"), data_(static_cast<const std::byte *>(data)),
        lane_(state_->memory->message(state_->rank, peer)) {}

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

ncclResult_t launch(const std::shared_ptr<State> &state, cudaStream_t stream, std::shared_ptr<Operation> operation) {
  if (const ncclResult_t result = ready(*state); result != ncclSuccess)
    return result;
  if (state->stream && state->stream != stream)
    return ncclInvalidUsage;
  state->stream = stream;
  return state->begin([stream, operation = std::move(operation)] {
    return enqueue_communication(stream, [operation] { return operation->advance(); }) == 0 ? ncclSuccess : ncclUnhandledCudaError;
  });
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
  if (!comm || (type != ncclFloat && type != ncclInt) || (reduction != ncclSum && reduction != ncclAvg && reduction != ncclMax))
    return ncclInvalidArgument;
  const Agreement agreement{count * size_of(type), type, reduction};
  if (type == ncclFloat)
    return launch(comm->state, stream, std::make_shared<AllReduce<float>>(comm->state, from, to, agreement));
  return launch(comm->state, stream, std::make_shared<AllReduce<std::int32_t>>(comm->state, from, to, agreement));
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
