// How long something takes that all ranks do together.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

inline double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The median over rounds of the time that the slowest rank takes, in microseconds. Collective.
template <class Call> double time_of(int rounds, Call call) {
  std::vector<double> times;
  for (int round = -3; round < rounds; ++round) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now();
    call();
    double mine = now() - start, slowest = 0;
    MPI_Allreduce(&mine, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    if (round >= 0)
      times.push_back(slowest * 1e6);
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}
