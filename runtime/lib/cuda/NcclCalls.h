// A collective as calls of NCCL's.
#pragma once

#ifdef DTCRT_NCCL

#include "comm/Collective.h"
#include "comm/WorldImpl.h"

#include <nccl.h>

namespace dtcrt {

/// Puts the call on the stream, as one group of operations where it is on several tensors: they then are under way together.
/// What NCCL says of the last, ncclInProgress where the communicator does not block.
ncclResult_t call_nccl(const CollectiveCall &call, const Group &group, ncclComm_t comm, cudaStream_t stream);

} // namespace dtcrt

#endif
