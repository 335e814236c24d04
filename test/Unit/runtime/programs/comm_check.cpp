// Run by mpirun: checks one thing about collectives on every rank; exit status 0 when it holds, else one line that says what does not.
#include "comm/Agreement.h"
#include "comm/Gather.h"
#include "Begun.h"

#include <dtcrt/comm.h>
#include <dtcrt/world.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

using namespace dtcrt;

namespace {

void expect(bool holds, const std::string &what) {
  if (!holds)
    throw Error(what);
}

/// What rank r brings at element i in round k: sums of these are exact, so every order gives the same.
f32 value(int rank, dtcrt::index i, int round) { return static_cast<f32>((i * 7 + rank * 13 + round * 3) % 101 - 50); }

f32 expected(const std::vector<int> &members, dtcrt::index i, int round, Reduction reduction) {
  f32 result = value(members[0], i, round);
  for (std::size_t m = 1; m < members.size(); ++m)
    result = reduction == Reduction::max ? std::max(result, value(members[m], i, round)) : result + value(members[m], i, round);
  return result;
}

void fill(const Tensor<f32> &t, int rank, int round) {
  for (dtcrt::index i = 0; i < t.size(); ++i)
    t.data()[i] = value(rank, i, round);
}

void check(const Tensor<f32> &t, const std::vector<int> &members, int round, Reduction reduction, const std::string &what) {
  for (dtcrt::index i = 0; i < t.size(); ++i) {
    const f32 wanted = expected(members, i, round, reduction);
    expect(std::abs(t.data()[i] - wanted) <= 1e-5f * (1 + std::abs(wanted)),
           what + ": element " + std::to_string(i) + " is " + std::to_string(t.data()[i]) + ", not " + std::to_string(wanted));
  }
}

std::vector<int> all_ranks(const World &world) {
  std::vector<int> ranks;
  for (int r = 0; r < world.ranks(); ++r)
    ranks.push_back(r);
  return ranks;
}

/// Every size around the limits of the small path and of a chunk, every reduction, several under way, waited for out of order.
void check_sizes(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(8) << 20);
  const auto members = all_ranks(world);
  int round = 0;
  for (const Reduction reduction : {Reduction::sum, Reduction::max})
    for (const dtcrt::index size : {1, 3, 4096, 4097, 16384, 16385, 100003, 300000}) {
      const std::string what = "size " + std::to_string(size) + " reduction " + std::to_string(int(reduction));
      Tensor<f32> a(arena, 0, {size}), b(arena, std::size_t(2) << 20, {size}), c(arena, std::size_t(4) << 20, {17});
      fill(a, world.rank(), ++round);
      fill(b, world.rank(), round + 1);
      fill(c, world.rank(), round + 2);
      Pending first = all_reduce_start(ctx, a, {.reduction = reduction, .axis = "data", .name = "a"});
      Pending second = all_reduce_start(ctx, b, {.reduction = reduction, .axis = "data", .name = "b"});
      Pending third = all_reduce_start(ctx, c, {.reduction = reduction, .axis = "data", .name = "c"});
      third.wait();
      check(c, members, round + 2, reduction, what + " third");
      second.wait();
      check(b, members, round + 1, reduction, what + " second");
      first.wait();
      check(a, members, round, reduction, what + " first");
    }
  for (round = 0; round < 200; ++round) { // the ring goes around several times
    Tensor<f32> t(arena, 64 * static_cast<std::size_t>(round % 5), {1 + round % 9});
    fill(t, world.rank(), round);
    all_reduce(ctx, t, {.axis = "data"});
    check(t, members, round, Reduction::sum, "round " + std::to_string(round));
  }
}

/// Values whose sum depends on the order of addition end as the same bits on all ranks.
void check_bits(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20);
  Tensor<f32> t(arena, 0, {100000});
  for (dtcrt::index i = 0; i < t.size(); ++i)
    t.data()[i] = 1.0f / static_cast<f32>(1 + (i * 31 + world.rank() * 17) % 1009);
  all_reduce(ctx, t);
  double sum = 0;
  for (dtcrt::index i = 0; i < t.size(); ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, t.data() + i, sizeof bits);
    sum += static_cast<double>(bits % 65521) * static_cast<double>(1 + i % 97);
  }
  expect(sum == world.broadcast(sum), "rank " + std::to_string(world.rank()) + " has other bits than rank 0");
}

/// Roles have arenas of their own sizes, and the buffer in different places.
void check_offsets(World &world) {
  Context ctx(world);
  const int rank = world.rank();
  const Arena arena = world.allocate((std::size_t(1) << 20) * static_cast<std::size_t>(rank + 1));
  for (int round = 0; round < 150; ++round)
    for (const dtcrt::index size : {5, 50000}) {
      Tensor<f32> t(arena, 64 * static_cast<std::size_t>((rank * 37 + round * 11) % 101), {size});
      fill(t, rank, round);
      all_reduce(ctx, t);
      check(t, all_ranks(world), round, Reduction::sum, "round " + std::to_string(round));
    }
}

void check_unequal(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(4096);
  std::string said;
  try {
    all_reduce(ctx, Tensor<f32>(arena, 0, {10 + world.rank()}), {.axis = "data", .name = "grads"});
  } catch (const Error &error) {
    said = error.what();
    world.fail();
  }
  expect(said.find("all-reduce 'grads' over 'data': ") == 0 || said == "another rank failed", "said: '" + said + "'");
}

void check_outside(World &world) {
  Context ctx(world);
  world.allocate(4096);
  std::vector<f32> memory(5000);
  Tensor<f32> t(memory.data(), {5000});
  fill(t, world.rank(), 1);
  all_reduce(ctx, t, {.reduction = Reduction::max});
  check(t, all_ranks(world), 1, Reduction::max, "outside the arena");
}

/// Only the first part of the arena is shared; MPI reduces what lies behind it.
void check_part(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20, 5000);
  for (int round = 0; round < 3; ++round) {
    Tensor<f32> shared(arena, 64, {1000}), own(arena, 8192, {1000});
    fill(shared, world.rank(), round);
    fill(own, world.rank(), round + 7);
    Pending first = all_reduce_start(ctx, shared), second = all_reduce_start(ctx, own);
    second.wait();
    first.wait();
    check(shared, all_ranks(world), round, Reduction::sum, "in the shared part");
    check(own, all_ranks(world), round + 7, Reduction::sum, "behind it");
  }
}

/// A section that fails on one rank fails on all, inside another one too; one that ends in another collective's middle does not exist.
void check_sections(World &world) {
  const int last = world.ranks() - 1;
  const auto failing = [&](const std::function<void()> &work) {
    try {
      together(world, work);
    } catch (const AgreedError &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string prefix = last == 0 ? "" : "rank " + std::to_string(last) + ": ";
  const auto fail_last = [&] {
    if (world.rank() == last)
      throw std::bad_alloc();
  };
  expect(failing([] {}).empty(), "a section fails where nobody does");
  expect(failing(fail_last) == prefix + "out of memory", "said: " + failing(fail_last));
  int passed = 0;
  const std::string said = failing([&] {
    together(world, [&] { ++passed; });
    fail_last(); // between two sections: the others learn of it in the next one
    together(world, [&] { ++passed; });
    ++passed;
  });
  expect(said == prefix + "out of memory", "said of nested sections: " + said);
  expect(passed == (world.rank() == last ? 1 : 2), "went on " + std::to_string(passed) + " times");
  expect(failing([] {}).empty(), "a section fails after one that did");
}

/// A rank fails while the others already agree on something.
void check_late_failure(World &world) {
  if (world.rank() == world.ranks() - 1) {
    world.fail();
    return;
  }
  try {
    world.agree("");
  } catch (const AgreedError &) {
    throw Error("the others have agreed with a rank that has failed");
  } catch (const Error &) {
    return;
  }
  throw Error("ranks have agreed although one had failed");
}

/// A rank dies while the others agree, or gather.
void check_late_death(World &world, bool gathers) {
  if (world.rank() == world.ranks() - 1)
    std::raise(SIGKILL);
  std::string said;
  try {
    if (gathers)
      all_gather(world, "text");
    else
      world.agree("");
  } catch (const Error &error) {
    said = error.what();
  }
  expect(said == "rank " + std::to_string(world.ranks() - 1) + " has died" || said == "another rank failed", "said: '" + said + "'");
  world.fail([&] { std::fprintf(stderr, "%s\n", said.c_str()); });
  world.leave(0);
  throw Error("a rank stays although another one has died");
}

/// Two axes: ranks 0 1 / 2 3. Along "pipe" 0 with 1, along "data" 0 with 2.
void check_mesh(World &world) {
  world.set_mesh({{"data", 2}, {"pipe", 2}});
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20);
  const int rank = world.rank();
  for (int round = 0; round < 100; ++round) {
    Tensor<f32> t(arena, 0, {20000}), s(arena, 1 << 18, {5});
    fill(t, rank, round);
    fill(s, rank, round);
    Pending along_data = all_reduce_start(ctx, t, {.axis = "data"});
    Pending along_pipe = all_reduce_start(ctx, s, {.axis = "pipe"});
    along_data.wait();
    along_pipe.wait();
    check(t, {rank % 2, rank % 2 + 2}, round, Reduction::sum, "along data");
    check(s, {rank / 2 * 2, rank / 2 * 2 + 1}, round, Reduction::sum, "along pipe");
  }
}

/// The last rank gives up instead of taking part: the others hear of it and none hangs.
void check_failure(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20);
  Tensor<f32> t(arena, 0, {100000});
  if (world.rank() == world.ranks() - 1) {
    test::await_begun(world);
    bool is_first = false;
    world.fail([&] { is_first = true; });
    expect(is_first, "the first to fail is not told so");
    return;
  }
  try {
    Pending pending = all_reduce_start(ctx, t);
    test::tell_begun(world);
    pending.wait();
  } catch (const Error &) {
    return;
  }
  throw Error("an all-reduce ended although a rank had failed");
}

/// The last rank is killed in the middle of what the others wait for: the first to see it says which, and during what; all leave without it.
void check_death(World &world, bool receives) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20);
  Tensor<f32> t(arena, 0, {100000});
  const int last = world.ranks() - 1;
  if (world.rank() == last) {
    test::await_begun(world);
    std::raise(SIGKILL);
  }
  const std::string own = std::to_string(world.rank()), dead = std::to_string(last);
  std::string said;
  try {
    Pending pending = receives && world.rank() == 0 ? recv_start(ctx, t, {.axis = "", .peer = last, .name = "activations", .microbatch = 3})
                                                    : all_reduce_start(ctx, t, {.name = "gradients"});
    test::tell_begun(world);
    pending.wait();
  } catch (const Error &error) {
    said = error.what();
  }
  const std::string wanted = "rank " + dead + " has died; under way: " +
                             (receives && world.rank() == 0 ? "receiving 'activations' (microbatch 3) from rank " + dead + " to rank 0"
                                                            : "all-reduce of 'gradients' on rank " + own);
  expect(said == wanted || said == "another rank failed", "said: '" + said + "'");
  world.fail([&] { std::fprintf(stderr, "%s\n", said.c_str()); });
  world.leave(0);
  throw Error("a rank stays although another one has died");
}

void check_agreement(World &world) {
  world.agree("");
  try {
    world.agree(world.rank() == 0 ? "" : "rank " + std::to_string(world.rank()) + " has no disk");
  } catch (const AgreedError &error) {
    expect(std::string(error.what()) == "rank 1: rank 1 has no disk", std::string("agreed on: ") + error.what());
    return;
  }
  expect(world.ranks() == 1, "nobody heard of the error");
}

} // namespace

int main(int argc, char **argv) {
  World world(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "sizes")
      check_sizes(world);
    else if (what == "bits")
      check_bits(world);
    else if (what == "offsets")
      check_offsets(world);
    else if (what == "unequal")
      check_unequal(world);
    else if (what == "outside")
      check_outside(world);
    else if (what == "mesh")
      check_mesh(world);
    else if (what == "failure")
      check_failure(world);
    else if (what == "death")
      check_death(world, argc > 2);
    else if (what == "part")
      check_part(world);
    else if (what == "sections")
      check_sections(world);
    else if (what == "late-failure")
      check_late_failure(world);
    else if (what == "late-death")
      check_late_death(world, argc > 2);
    else if (what == "agreement")
      check_agreement(world);
    else
      throw Error("nothing called '" + what + "' to check");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "rank %d: %s\n", world.rank(), error.what());
    world.fail();
    return 1;
  }
  return 0;
}
