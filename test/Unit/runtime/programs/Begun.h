// Ranks that are to see the last one fail in the middle of something: it waits until all others have begun. Over MPI alone, so that nothing of the
// runtime's own is under way for it.
#pragma once
#include <mpi.h>

#include <dtcrt/world.h>

namespace dtcrt::test {

constexpr int begun_tag = 77;

/// On every rank but the last, once it has started what it will wait for.
inline void tell_begun(const World &world) {
  char none = 0;
  MPI_Send(&none, 1, MPI_CHAR, world.ranks() - 1, begun_tag, MPI_COMM_WORLD);
}

/// On the last rank.
inline void await_begun(const World &world) {
  char none;
  for (int rank = 0; rank < world.ranks() - 1; ++rank)
    MPI_Recv(&none, 1, MPI_CHAR, rank, begun_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

} // namespace dtcrt::test
