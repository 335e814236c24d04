// Times the runtime's collectives beside MPI's in one run, for sizes from 4 bytes to 64 MiB:
//   mpirun -n 4 collectives [all-reduce|reduce-scatter|all-gather|all-to-all|broadcast ...]
// A size is that of the whole tensor. Prints a line a size: microseconds of both (the median of the rounds' slowest rank) and their ratio.
// For people, not a test.
#include "slowest_rank.h"

#include <dtcrt/comm.h>
#include <dtcrt/world.h>

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

using namespace dtcrt;

namespace {

/// What both sides work on: in the arena, and in memory of MPI's own.
struct Operands {
  Context &ctx;
  Tensor<f32> whole, part, other;
  std::vector<f32> in, out;
  int count; ///< of a part
};

struct Collective {
  const char *name;
  void (*ours)(const Operands &);
  void (*mpi)(Operands &);
};

const Collective collectives[] = {
    {"all-reduce", [](const Operands &o) { all_reduce(o.ctx, o.whole); },
     [](Operands &o) { MPI_Allreduce(MPI_IN_PLACE, o.in.data(), static_cast<int>(o.in.size()), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }},
    {"reduce-scatter", [](const Operands &o) { reduce_scatter(o.ctx, {{o.whole, o.part}}); },
     [](Operands &o) { MPI_Reduce_scatter_block(o.in.data(), o.out.data(), o.count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }},
    {"all-gather", [](const Operands &o) { all_gather(o.ctx, {{o.part, o.whole}}); },
     [](Operands &o) { MPI_Allgather(o.out.data(), o.count, MPI_FLOAT, o.in.data(), o.count, MPI_FLOAT, MPI_COMM_WORLD); }},
    {"all-to-all", [](const Operands &o) { all_to_all(o.ctx, {{o.whole, o.other}}); },
     [](Operands &o) { MPI_Alltoall(o.in.data(), o.count, MPI_FLOAT, o.out.data(), o.count, MPI_FLOAT, MPI_COMM_WORLD); }},
    {"broadcast", [](const Operands &o) { broadcast(o.ctx, o.whole, {.root = 0}); },
     [](Operands &o) { MPI_Bcast(o.in.data(), static_cast<int>(o.in.size()), MPI_FLOAT, 0, MPI_COMM_WORLD); }},
};

} // namespace

int main(int argc, char **argv) {
  World world(&argc, &argv);
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (!initialized) {
    std::fprintf(stderr, "collectives: start it with mpirun -n RANKS\n");
    return 2;
  }
  constexpr std::size_t largest = std::size_t(64) << 20;
  Context ctx(world);
  const Arena arena = world.allocate(3 * largest);
  if (world.rank() == 0)
    std::printf("%d ranks on this host, %d thread(s) each\n", world.local_ranks(), ctx.threads());
  for (const Collective &collective : collectives) {
    if (argc > 1 && std::find(argv + 1, argv + argc, std::string(collective.name)) == argv + argc)
      continue;
    if (world.rank() == 0)
      std::printf("%s\n%12s %14s %14s %8s\n", collective.name, "bytes", "dtcrt [us]", "MPI [us]", "ratio");
    for (std::size_t bytes = 4; bytes <= largest; bytes *= 4) {
      // A multiple of the ranks, which is what MPI's equal parts need.
      const dtcrt::index ranks = world.ranks(), count = (static_cast<dtcrt::index>(bytes / 4) + ranks - 1) / ranks, elements = count * ranks;
      if (static_cast<std::size_t>(elements) * 4 > largest)
        break;
      const auto size = static_cast<std::size_t>(elements);
      Operands operands{ctx, Tensor<f32>(arena, 0, {elements}), Tensor<f32>(arena, largest, {count}), Tensor<f32>(arena, 2 * largest, {elements}),
                        std::vector<f32>(size), std::vector<f32>(size), static_cast<int>(count)};
      const int rounds = bytes < 1 << 20 ? 101 : 15;
      const double ours = time_of(rounds, [&] { collective.ours(operands); });
      const double mpi = time_of(rounds, [&] { collective.mpi(operands); });
      if (world.rank() == 0)
        std::printf("%12zu %14.1f %14.1f %8.2f\n", size * 4, ours, mpi, mpi / ours);
    }
  }
  return 0;
}
