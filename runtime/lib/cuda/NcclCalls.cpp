// Each kind of collective on one tensor. Parts that are not equal have calls of their own: one for each rank's.
#ifdef DTCRT_NCCL

#include "cuda/NcclCalls.h"

#include <stdexcept>

namespace dtcrt {

namespace {

struct Caller {
  const CollectiveCall &call;
  const Group &group;
  ncclComm_t comm;
  cudaStream_t stream;

  ncclRedOp_t reduction() const {
    return call.reduction == Reduction::sum ? ncclSum : ncclMax;
  }
  static std::size_t floats(std::size_t bytes) { return bytes / sizeof(f32); }
  static std::byte *part_of(std::byte *whole, const Transfer &tensor, int rank) {
    return whole + static_cast<std::size_t>(rank) * tensor.part_bytes();
  }
  bool has_equal_parts(const Transfer &tensor) const { return tensor.part_bytes() * static_cast<std::size_t>(group.size) == tensor.bytes(); }

  /// Calls `one` for each rank until one fails.
  template <class One> ncclResult_t for_each_rank(One one) const {
    ncclResult_t result = ncclSuccess;
    for (int rank = 0; rank < group.size; ++rank)
      if (result = one(rank); result != ncclSuccess && result != ncclInProgress)
        return result;
    return result;
  }

  ncclResult_t all_reduce(const Transfer &tensor) const {
    return ncclAllReduce(tensor.from, tensor.to, floats(tensor.bytes()), ncclFloat, reduction(), comm, stream);
  }

  ncclResult_t reduce_scatter(const Transfer &tensor) const {
    if (has_equal_parts(tensor))
      return ncclReduceScatter(tensor.from, tensor.to, floats(tensor.part_bytes()), ncclFloat, reduction(), comm, stream);
    return for_each_rank([&](int rank) {
      const std::size_t bytes = tensor.part_bytes(rank);
      return bytes == 0 ? ncclSuccess
                        : ncclReduce(part_of(tensor.from, tensor, rank), tensor.to, floats(bytes), ncclFloat, reduction(), rank, comm, stream);
    });
  }

  ncclResult_t all_gather(const Transfer &tensor) const {
    if (has_equal_parts(tensor))
      return ncclAllGather(tensor.from, tensor.to, tensor.part_bytes(), ncclUint8, comm, stream);
    return for_each_rank([&](int rank) {
      const std::size_t bytes = tensor.part_bytes(rank);
      return bytes == 0 ? ncclSuccess : ncclBroadcast(tensor.from, part_of(tensor.to, tensor, rank), bytes, ncclUint8, rank, comm, stream);
    });
  }

  ncclResult_t all_to_all(const Transfer &tensor) const {
    const std::size_t part = tensor.bytes() / static_cast<std::size_t>(group.size);
    return for_each_rank([&](int rank) {
      const std::size_t at = static_cast<std::size_t>(rank) * part;
      const ncclResult_t sent = ncclSend(tensor.from + at, part, ncclUint8, rank, comm, stream);
      return sent != ncclSuccess && sent != ncclInProgress ? sent : ncclRecv(tensor.to + at, part, ncclUint8, rank, comm, stream);
    });
  }

  ncclResult_t broadcast(const Transfer &tensor) const {
    return ncclBroadcast(tensor.from, tensor.to, tensor.bytes(), ncclUint8, call.root, comm, stream);
  }

  ncclResult_t on(const Transfer &tensor) const {
    switch (call.kind) {
    case TraceEvent::Kind::all_reduce:
      return all_reduce(tensor);
    case TraceEvent::Kind::reduce_scatter:
      return reduce_scatter(tensor);
    case TraceEvent::Kind::all_gather:
      return all_gather(tensor);
    case TraceEvent::Kind::all_to_all:
      return all_to_all(tensor);
    case TraceEvent::Kind::broadcast:
      return broadcast(tensor);
    default:
      throw std::logic_error("not a collective");
    }
  }

  bool is_one_call() const {
    if (call.tensors.size() != 1 || call.kind == TraceEvent::Kind::all_to_all)
      return false;
    const bool has_parts = call.kind == TraceEvent::Kind::reduce_scatter || call.kind == TraceEvent::Kind::all_gather;
    return !has_parts || has_equal_parts(call.tensors.front());
  }
};

} // namespace

ncclResult_t call_nccl(const CollectiveCall &call, const Group &group, ncclComm_t comm, cudaStream_t stream) {
  const Caller caller{call, group, comm, stream};
  if (caller.is_one_call())
    return caller.on(call.tensors.front());
  ncclResult_t result = ncclGroupStart();
  if (result != ncclSuccess)
    return result;
  for (const Transfer &tensor : call.tensors)
    if (result = tensor.bytes() == 0 ? ncclSuccess : caller.on(tensor); result != ncclSuccess && result != ncclInProgress)
      break;
  const ncclResult_t end = ncclGroupEnd();
  return result == ncclSuccess || result == ncclInProgress ? end : result;
}

} // namespace dtcrt

#endif
