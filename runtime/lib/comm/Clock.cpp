// Ranks of a host have one steady clock; those of other hosts ask rank 0 for the time (Cristian's algorithm).
#include "comm/Clock.h"
#include "comm/Gather.h"
#include "comm/WorldImpl.h"

#include <chrono>
#include <limits>

namespace dtcrt {

namespace {
/// The quickest answer of these counts.
constexpr int questions = 16;
} // namespace

i64 steady_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

i64 common_origin(World &world) {
  World::Impl &w = world.impl();
  i64 origin = steady_nanoseconds();
  if (!w.mpi)
    return origin;
  const auto shared = std::make_shared<i64>(origin);
  w.complete("tell the time", shared, [&](MPI_Request *request) {
    return MPI_Ibcast(shared.get(), 1, MPI_INT64_T, 0, MPI_COMM_WORLD, request);
  });
  origin = *shared;
  if (w.hosts == 1)
    return origin;
  i64 ahead = 0; // of rank 0's clock
  for (int rank = 1; rank < w.ranks; ++rank) {
    if (w.rank != 0 && w.rank != rank)
      continue;
    i64 quickest = std::numeric_limits<i64>::max();
    for (int i = 0; i < questions; ++i) {
      i64 theirs = 0;
      if (w.rank == 0) {
        receive_bytes(world, rank, &theirs, sizeof theirs);
        theirs = steady_nanoseconds();
        send_bytes(world, rank, &theirs, sizeof theirs);
        continue;
      }
      const i64 asked = steady_nanoseconds();
      send_bytes(world, 0, &theirs, sizeof theirs);
      receive_bytes(world, 0, &theirs, sizeof theirs);
      const i64 answered = steady_nanoseconds();
      if (answered - asked < quickest) {
        quickest = answered - asked;
        ahead = asked + quickest / 2 - theirs;
      }
    }
  }
  return origin + ahead;
}

} // namespace dtcrt
