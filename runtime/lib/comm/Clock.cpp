// Ranks of a host have one steady clock; those of other hosts ask rank 0 for the time (Cristian's algorithm).
#include "comm/Clock.h"
#include "comm/Gather.h"
#include "comm/WorldImpl.h"

#include <chrono>
#include <limits>

namespace dtcrt {

namespace {
/// The quickest answer counts: its time is twice the bound of the error. On a busy host most take a time slice of another process.
constexpr int least_questions = 16;
constexpr i64 quick_ns = 100'000, patience_ns = 200'000'000;
} // namespace

i64 steady_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Answers until nothing more is asked.
static void tell_time(World &world, int rank) {
  for (;;) {
    i64 message = 0;
    receive_bytes(world, rank, &message, sizeof message);
    if (!message)
      return;
    message = steady_nanoseconds();
    send_bytes(world, rank, &message, sizeof message);
  }
}

/// How far this rank's clock is ahead of rank 0's.
static i64 ask_time(World &world) {
  i64 ahead = 0, quickest = std::numeric_limits<i64>::max();
  const i64 begun = steady_nanoseconds();
  for (int i = 0; i < least_questions || (quickest > quick_ns && steady_nanoseconds() - begun < patience_ns); ++i) {
    i64 message = 1;
    const i64 asked = steady_nanoseconds();
    send_bytes(world, 0, &message, sizeof message);
    receive_bytes(world, 0, &message, sizeof message);
    const i64 answered = steady_nanoseconds();
    if (answered - asked < quickest) {
      quickest = answered - asked;
      ahead = asked + quickest / 2 - message;
    }
  }
  i64 done = 0;
  send_bytes(world, 0, &done, sizeof done);
  return ahead;
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
    if (w.rank == 0)
      tell_time(world, rank);
    else
      ahead = ask_time(world);
  }
  return origin + ahead;
}

} // namespace dtcrt
