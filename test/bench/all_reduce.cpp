// Times the runtime's all-reduce beside MPI_Allreduce in one run, for sizes from 4 bytes to 64 MiB:
//   mpirun -n 4 all_reduce
// Prints a line a size: microseconds of both (the median of the rounds' slowest rank) and their ratio. For people, not a test.
#include <dtcrt/comm.h>
#include <dtcrt/world.h>

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The median over rounds of the time that the slowest rank takes, in microseconds.
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

} // namespace

int main(int argc, char **argv) {
  using namespace dtcrt;
  World world(&argc, &argv);
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (!initialized) {
    std::fprintf(stderr, "all_reduce: start it with mpirun -n RANKS\n");
    return 2;
  }
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(64) << 20);
  if (world.rank() == 0)
    std::printf("%d ranks on this host, %d thread(s) each\n%12s %14s %14s %8s\n", world.local_ranks(), ctx.threads(), "bytes",
                "dtcrt [us]", "MPI [us]", "ratio");
  for (dtcrt::index bytes = 4; bytes <= dtcrt::index(64) << 20; bytes *= 4) {
    const Tensor<f32> tensor(arena, 0, {bytes / 4});
    std::vector<f32> plain(static_cast<std::size_t>(bytes / 4));
    const int rounds = bytes < 1 << 20 ? 101 : 15;
    const double ours = time_of(rounds, [&] { all_reduce(ctx, tensor); });
    const double mpi = time_of(rounds, [&] {
      MPI_Allreduce(MPI_IN_PLACE, plain.data(), static_cast<int>(bytes / 4), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    });
    if (world.rank() == 0)
      std::printf("%12lld %14.1f %14.1f %8.2f\n", static_cast<long long>(bytes), ours, mpi, mpi / ours);
  }
  return 0;
}
