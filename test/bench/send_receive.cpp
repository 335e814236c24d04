// Times the runtime's messages beside MPI_Isend/MPI_Irecv in one run, for sizes from 4 bytes to 16 MiB, between ranks 0 and 1:
//   mpirun -n 2 send_receive
// Prints a line a size: microseconds of half a round trip, and GB/s of a stream of 8 messages under way, of both. For people, not a test.
#include "slowest_rank.h"

#include <dtcrt/comm.h>
#include <dtcrt/world.h>

#include <mpi.h>

#include <array>
#include <cstdio>
#include <vector>

using namespace dtcrt;

namespace {

constexpr int in_flight = 8;

struct Runtime {
  Context &ctx;
  Slots<u8> slots;
  int peer;
  void ping_pong(bool first) {
    const MessageOptions options{.axis = "", .peer = peer, .name = "ball"};
    if (first)
      send_start(ctx, slots[0], options).wait();
    recv_start(ctx, slots[1], options).wait();
    if (!first)
      send_start(ctx, slots[0], options).wait();
  }
  void stream(bool sends) {
    std::array<Pending, in_flight> pending;
    for (int i = 0; i < in_flight; ++i) {
      const MessageOptions options{.axis = "", .peer = peer, .name = "stream", .microbatch = i};
      pending[static_cast<std::size_t>(i)] = sends ? send_start(ctx, slots[i], options) : recv_start(ctx, slots[i], options);
    }
    for (Pending &one : pending)
      one.wait();
  }
};

struct Mpi {
  Slots<u8> slots;
  int bytes, peer;
  void ping_pong(bool first) {
    if (first)
      MPI_Send(slots[0].data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
    MPI_Recv(slots[1].data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (!first)
      MPI_Send(slots[0].data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
  }
  void stream(bool sends) {
    std::array<MPI_Request, in_flight> requests;
    for (int i = 0; i < in_flight; ++i) {
      MPI_Request *request = &requests[static_cast<std::size_t>(i)];
      if (sends)
        MPI_Isend(slots[i].data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD, request);
      else
        MPI_Irecv(slots[i].data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD, request);
    }
    MPI_Waitall(in_flight, requests.data(), MPI_STATUSES_IGNORE);
  }
};

/// Half a round trip in microseconds, gigabytes a second.
template <class Way> std::pair<double, double> measure(Way way, dtcrt::index bytes, int rank) {
  const int rounds = bytes < 1 << 20 ? 301 : 31, turns = bytes < 1 << 16 ? 50 : 5;
  const double latency = time_of(rounds, [&] {
    for (int turn = 0; turn < turns && rank < 2; ++turn)
      way.ping_pong(rank == 0);
  });
  const double stream = time_of(rounds, [&] {
    if (rank < 2)
      way.stream(rank == 0);
  });
  return {latency / (2 * turns), static_cast<double>(bytes) * in_flight / stream * 1e-3};
}

} // namespace

int main(int argc, char **argv) {
  World world(&argc, &argv);
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (!initialized || world.ranks() < 2) {
    std::fprintf(stderr, "send_receive: start it with mpirun -n 2\n");
    return 2;
  }
  Context ctx(world);
  const dtcrt::index most = dtcrt::index(16) << 20;
  const Arena arena = world.allocate(static_cast<std::size_t>(most) * in_flight);
  if (world.rank() == 0)
    std::printf("%d ranks on this host, of which two send\n%12s %12s %12s %8s %14s %14s %8s\n", world.local_ranks(), "bytes", "dtcrt [us]",
                "MPI [us]", "ratio", "dtcrt [GB/s]", "MPI [GB/s]", "ratio");
  for (dtcrt::index bytes = 4; bytes <= most; bytes *= 8) {
    const Slots<u8> slots(arena, "slots", 0, in_flight, {bytes});
    const auto [our_latency, our_rate] = measure(Runtime{ctx, slots, 1 - world.rank()}, bytes, world.rank());
    const auto [mpi_latency, mpi_rate] = measure(Mpi{slots, static_cast<int>(bytes), 1 - world.rank()}, bytes, world.rank());
    if (world.rank() == 0)
      std::printf("%12lld %12.1f %12.1f %8.2f %14.2f %14.2f %8.2f\n", static_cast<long long>(bytes), our_latency, mpi_latency,
                  mpi_latency / our_latency, our_rate, mpi_rate, our_rate / mpi_rate);
  }
  return 0;
}
