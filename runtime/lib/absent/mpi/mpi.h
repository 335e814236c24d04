// In the place of MPI's header on a machine without MPI: the runtime then serves one rank, which calls none of this (World touches MPI
// only when a launcher has started the process). Just what the runtime names.
#pragma once

#include <stdexcept>

namespace dtcrt_without_mpi {
struct Handle {
  int id = 0;
  bool operator==(const Handle &) const = default;
};
/// World refuses to start under a launcher, so nobody comes here.
[[noreturn]] inline int absent() { throw std::logic_error("this program was built without MPI"); }
} // namespace dtcrt_without_mpi

using MPI_Comm = dtcrt_without_mpi::Handle;
using MPI_Info = dtcrt_without_mpi::Handle;
using MPI_Request = dtcrt_without_mpi::Handle;
using MPI_Datatype = dtcrt_without_mpi::Handle;
using MPI_Op = dtcrt_without_mpi::Handle;
using MPI_Errhandler = dtcrt_without_mpi::Handle;
struct MPI_Status {};

inline constexpr MPI_Comm MPI_COMM_NULL{}, MPI_COMM_WORLD{1};
inline constexpr MPI_Info MPI_INFO_NULL{};
inline constexpr MPI_Request MPI_REQUEST_NULL{};
inline constexpr MPI_Datatype MPI_BYTE{1}, MPI_CHAR{2}, MPI_INT{3}, MPI_FLOAT{4}, MPI_DOUBLE{5}, MPI_INT64_T{6};
inline constexpr MPI_Op MPI_SUM{1}, MPI_MIN{2}, MPI_MAX{3};
inline constexpr MPI_Errhandler MPI_ERRORS_RETURN{1};
inline constexpr int MPI_SUCCESS = 0, MPI_UNDEFINED = -1, MPI_COMM_TYPE_SHARED = 1, MPI_MAX_ERROR_STRING = 256;
inline constexpr MPI_Status *MPI_STATUS_IGNORE = nullptr, *MPI_STATUSES_IGNORE = nullptr;
inline void *const MPI_IN_PLACE = nullptr;

#define DTCRT_ABSENT(name)                                                                                                           \
  template <class... Arguments> int name(const Arguments &...) { dtcrt_without_mpi::absent(); }
DTCRT_ABSENT(MPI_Abort)
DTCRT_ABSENT(MPI_Allgather)
DTCRT_ABSENT(MPI_Allreduce)
DTCRT_ABSENT(MPI_Cancel)
DTCRT_ABSENT(MPI_Comm_dup)
DTCRT_ABSENT(MPI_Comm_free)
DTCRT_ABSENT(MPI_Comm_rank)
DTCRT_ABSENT(MPI_Comm_set_errhandler)
DTCRT_ABSENT(MPI_Comm_size)
DTCRT_ABSENT(MPI_Comm_split)
DTCRT_ABSENT(MPI_Comm_split_type)
DTCRT_ABSENT(MPI_Error_string)
DTCRT_ABSENT(MPI_Finalize)
DTCRT_ABSENT(MPI_Iallgather)
DTCRT_ABSENT(MPI_Iallgatherv)
DTCRT_ABSENT(MPI_Iallreduce)
DTCRT_ABSENT(MPI_Ibcast)
DTCRT_ABSENT(MPI_Init)
DTCRT_ABSENT(MPI_Irecv)
DTCRT_ABSENT(MPI_Isend)
DTCRT_ABSENT(MPI_Request_free)
DTCRT_ABSENT(MPI_Test)
DTCRT_ABSENT(MPI_Testall)
#undef DTCRT_ABSENT
