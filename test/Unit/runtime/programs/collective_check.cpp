// Run by mpirun: checks one thing about the collectives that part tensors, or hand them on, on every rank; exit status 0 when it holds, else
// one line that says what does not.
#include "Begun.h"

#include <dtcrt/comm.h>
#include <dtcrt/world.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

using namespace dtcrt;

namespace {

void expect(bool holds, const std::string &what) {
  if (!holds)
    throw Error(what);
}

/// What rank r has at element i in round k: small whole numbers, so that sums are exact in f32, and values in all types.
int number(int rank, dtcrt::index i, int round) { return static_cast<int>((i * 7 + rank * 13 + round * 3) % 101); }

template <class T> T value(int rank, dtcrt::index i, int round) {
  if constexpr (std::is_same_v<T, bf16>)
    return bf16(static_cast<f32>(number(rank, i, round)));
  else
    return static_cast<T>(number(rank, i, round));
}

template <class T> bool is_same(T a, T b) { return std::memcmp(&a, &b, sizeof a) == 0; }

template <class T> void fill(const Tensor<T> &t, int rank, int round) {
  for (dtcrt::index i = 0; i < t.size(); ++i)
    t.data()[i] = value<T>(rank, i, round);
}

/// What must be there is overwritten first, with what nobody has.
template <class T> void spoil(const Tensor<T> &t) { std::memset(t.data(), 0xEE, t.bytes()); }

template <class T> void check(const Tensor<T> &t, const std::string &what, const std::function<T(dtcrt::index)> &wanted) {
  for (dtcrt::index i = 0; i < t.size(); ++i)
    expect(is_same(t.data()[i], wanted(i)), what + ": element " + std::to_string(i) + " of " + std::to_string(t.size()) + " is wrong");
}

/// The ranks that take part, in their order, and this one's place among them.
struct Members {
  std::vector<int> ranks;
  int own;
  const char *axis = "";
  int count() const { return static_cast<int>(ranks.size()); }
  dtcrt::index part(dtcrt::index elements) const { return (elements + count() - 1) / count(); }
};

Members all(const World &world) {
  Members members{{}, world.rank()};
  for (int rank = 0; rank < world.ranks(); ++rank)
    members.ranks.push_back(rank);
  return members;
}

/// Places tensors side by side, each at a multiple of 64 bytes, in an arena or elsewhere.
class Placer {
public:
  explicit Placer(std::byte *base) : at_(base) {}
  template <class T> Tensor<T> place(dtcrt::index elements) {
    Tensor<T> tensor(reinterpret_cast<T *>(at_), {elements});
    at_ += (tensor.bytes() + 63) / 64 * 64;
    return tensor;
  }
  void skip(std::size_t bytes) { at_ += bytes; }

private:
  std::byte *at_;
};

/// One collective of each kind: started, then checked.
struct Scatter {
  static constexpr const char *word = "reduce-scatter";
  std::vector<Tensor<f32>> wholes, parts;
  int round;
  Reduction reduction;

  Scatter(Placer &placer, const Members &members, dtcrt::index size, int round, Reduction reduction = Reduction::sum)
      : round(round), reduction(reduction) {
    for (const dtcrt::index elements : {size, size / 2 + 1}) {
      wholes.push_back(placer.place<f32>(elements));
      parts.push_back(placer.place<f32>(members.part(elements)));
      fill(wholes.back(), members.ranks[static_cast<std::size_t>(members.own)], round);
      spoil(parts.back());
    }
  }
  Pending start(Context &ctx, const Members &members) const {
    return reduce_scatter_start(ctx, {{wholes[0], parts[0]}, {wholes[1], parts[1]}}, {.reduction = reduction, .axis = members.axis, .name = "scattered"});
  }
  void check(const Members &members, const std::string &what) const {
    for (std::size_t t = 0; t < wholes.size(); ++t) {
      ::check<f32>(parts[t], what + " reduce-scatter", [&](dtcrt::index i) {
        const dtcrt::index at = members.own * parts[t].size() + i;
        if (at >= wholes[t].size())
          return 0.0f;
        f32 result = value<f32>(members.ranks[0], at, round);
        for (std::size_t m = 1; m < members.ranks.size(); ++m) {
          const f32 other = value<f32>(members.ranks[m], at, round);
          result = reduction == Reduction::max ? std::max(result, other) : result + other;
        }
        return result;
      });
      ::check<f32>(wholes[t], what + " reduce-scatter's operand",
                   [&](dtcrt::index i) { return value<f32>(members.ranks[static_cast<std::size_t>(members.own)], i, round); });
    }
  }
};

template <class T> struct Gather {
  static constexpr const char *word = "all-gather";
  std::vector<Tensor<T>> wholes, parts;
  int round;

  Gather(Placer &placer, const Members &members, dtcrt::index size, int round) : round(round) {
    for (const dtcrt::index elements : {size, size / 2 + 1}) {
      parts.push_back(placer.place<T>(members.part(elements)));
      wholes.push_back(placer.place<T>(elements));
      fill(parts.back(), members.ranks[static_cast<std::size_t>(members.own)], round);
      spoil(wholes.back());
    }
  }
  Pending start(Context &ctx, const Members &members) const {
    return all_gather_start(ctx, {{parts[0], wholes[0]}, {parts[1], wholes[1]}}, {.axis = members.axis, .name = "gathered"});
  }
  void check(const Members &members, const std::string &what) const {
    for (std::size_t t = 0; t < wholes.size(); ++t) {
      const dtcrt::index part = parts[t].size();
      ::check<T>(wholes[t], what + " all-gather",
                 [&](dtcrt::index i) { return value<T>(members.ranks[static_cast<std::size_t>(i / part)], i % part, round); });
    }
  }
};

template <class T> struct Exchange {
  static constexpr const char *word = "all-to-all";
  std::vector<Tensor<T>> from, to;
  int round;

  Exchange(Placer &placer, const Members &members, dtcrt::index size, int round) : round(round) {
    for (const dtcrt::index part : {size, size / 2 + 1}) {
      from.push_back(placer.place<T>(part * members.count()));
      to.push_back(placer.place<T>(part * members.count()));
      fill(from.back(), members.ranks[static_cast<std::size_t>(members.own)], round);
      spoil(to.back());
    }
  }
  Pending start(Context &ctx, const Members &members) const {
    return all_to_all_start(ctx, {{from[0], to[0]}, {from[1], to[1]}}, {.axis = members.axis, .name = "exchanged"});
  }
  void check(const Members &members, const std::string &what) const {
    for (std::size_t t = 0; t < from.size(); ++t) {
      const dtcrt::index part = from[t].size() / members.count();
      ::check<T>(to[t], what + " all-to-all", [&](dtcrt::index i) {
        return value<T>(members.ranks[static_cast<std::size_t>(i / part)], members.own * part + i % part, round);
      });
    }
  }
};

template <class T> struct Broadcast {
  static constexpr const char *word = "broadcast";
  Tensor<T> tensor;
  int round, root;

  Broadcast(Placer &placer, const Members &members, dtcrt::index size, int round)
      : tensor(placer.place<T>(size)), round(round), root(round % members.count()) {
    fill(tensor, members.ranks[static_cast<std::size_t>(members.own)], round);
  }
  Pending start(Context &ctx, const Members &members) const {
    return broadcast_start(ctx, tensor, {.root = root, .axis = members.axis, .name = "handed on"});
  }
  void check(const Members &members, const std::string &what) const {
    ::check<T>(tensor, what + " broadcast", [&](dtcrt::index i) { return value<T>(members.ranks[static_cast<std::size_t>(root)], i, round); });
  }
};

/// One of each kind under way at once, awaited in another order.
template <class T> void check_each(Context &ctx, const Members &members, std::byte *memory, dtcrt::index size, int round, const std::string &what) {
  Placer placer(memory);
  const Scatter scatter(placer, members, size, round);
  const Gather<T> gather(placer, members, size, round + 1);
  const Exchange<T> exchange(placer, members, size, round + 2);
  const Broadcast<T> broadcast(placer, members, size, round + 3);
  Pending scattered = scatter.start(ctx, members), gathered = gather.start(ctx, members), exchanged = exchange.start(ctx, members),
          handed_on = broadcast.start(ctx, members);
  gathered.wait();
  gather.check(members, what);
  handed_on.wait();
  broadcast.check(members, what);
  scattered.wait();
  scatter.check(members, what);
  exchanged.wait();
  exchange.check(members, what);
}

constexpr std::size_t room = std::size_t(48) << 20;

void check_sizes(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const Members members = all(world);
  int round = 0;
  for (const dtcrt::index size : {0, 1, 2, 3, 5, 17, 1000, 4096, 4097, 16384, 16385, 100003, 300000})
    check_each<f32>(ctx, members, arena.base(), size, ++round, "size " + std::to_string(size));
  for (const Reduction reduction : {Reduction::sum, Reduction::max})
    for (const dtcrt::index size : {1, 7, 5000, 70001}) {
      Placer placer(arena.base());
      const Scatter scatter(placer, members, size, ++round, reduction);
      scatter.start(ctx, members).wait();
      scatter.check(members, "reduction " + std::to_string(static_cast<int>(reduction)) + " of " + std::to_string(size));
    }
  for (round = 0; round < 100; ++round) // the ring goes around several times
    check_each<f32>(ctx, members, arena.base() + 64 * (round % 5), 1 + round % 9, round, "round " + std::to_string(round));
}

void check_types(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const Members members = all(world);
  for (const dtcrt::index size : {1, 3, 10001, 50000}) {
    check_each<bf16>(ctx, members, arena.base(), size, 1, "bf16");
    check_each<i64>(ctx, members, arena.base(), size, 2, "i64");
    check_each<i32>(ctx, members, arena.base(), size, 3, "i32");
    check_each<u8>(ctx, members, arena.base(), size, 4, "u8");
  }
}

/// A reduce-scatter with an all-gather gives the bits of an all-reduce, whatever the sum's order changes, NaN included.
void check_bits(World &world, bool in_arena) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  std::vector<std::byte> outside(in_arena ? 0 : room);
  const Members members = all(world);
  for (const Reduction reduction : {Reduction::sum, Reduction::max})
    for (const dtcrt::index size : {1, 5, 4099, 100003}) {
      Placer placer(in_arena ? arena.base() : outside.data());
      placer.skip(static_cast<std::size_t>(size % 64) * 64);
      const Tensor<f32> reduced = placer.place<f32>(size), whole = placer.place<f32>(size), gathered = placer.place<f32>(size),
                        part = placer.place<f32>(members.part(size));
      for (dtcrt::index i = 0; i < size; ++i) {
        f32 mine = 1.0f / static_cast<f32>(1 + (i * 31 + world.rank() * 17) % 1009) * (i % 3 ? 1e6f : -1.0f);
        if (i % 1001 == 4 && world.rank() == static_cast<int>(i % world.ranks()))
          mine = i % 2 ? std::numeric_limits<f32>::quiet_NaN() : std::numeric_limits<f32>::infinity();
        reduced.data()[i] = whole.data()[i] = mine;
      }
      all_reduce(ctx, reduced, {.reduction = reduction, .name = "reduced"});
      reduce_scatter(ctx, {{whole, part}}, {.reduction = reduction, .name = "scattered"});
      all_gather(ctx, {{part, gathered}}, {.name = "gathered"});
      expect(std::memcmp(reduced.data(), gathered.data(), reduced.bytes()) == 0,
             "a reduce-scatter with an all-gather has other bits than an all-reduce of " + std::to_string(size) + " elements, reduction " +
                 std::to_string(static_cast<int>(reduction)));
    }
}

/// Roles have arenas of their own sizes, and their tensors in different places.
void check_offsets(World &world) {
  Context ctx(world);
  const int rank = world.rank();
  const Arena arena = world.allocate(room + (std::size_t(1) << 20) * static_cast<std::size_t>(rank));
  for (int round = 0; round < 60; ++round)
    check_each<f32>(ctx, all(world), arena.base() + 64 * ((rank * 37 + round * 11) % 101), round % 2 ? 7 : 30000, round, "round " + std::to_string(round));
}

/// Outside the arena, and half in what of it is not shared.
void check_outside(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room, 5000);
  std::vector<std::byte> memory(room);
  for (int round = 0; round < 5; ++round) {
    check_each<f32>(ctx, all(world), memory.data(), 30000, round, "outside");
    check_each<i64>(ctx, all(world), arena.base(), 1000, round, "in part");
  }
}

/// Two axes: ranks 0 1 / 2 3. Along "pipe" 0 with 1, along "data" 0 with 2.
void check_mesh(World &world) {
  world.set_mesh({{"data", 2}, {"pipe", 2}});
  Context ctx(world);
  const Arena arena = world.allocate(2 * room);
  const int rank = world.rank();
  const Members data{{rank % 2, rank % 2 + 2}, rank / 2, "data"}, pipe{{rank / 2 * 2, rank / 2 * 2 + 1}, rank % 2, "pipe"};
  for (int round = 0; round < 30; ++round) {
    check_each<f32>(ctx, data, arena.base(), 20000, round, "along data");
    check_each<f32>(ctx, pipe, arena.base() + room, 5 + round, round, "along pipe");
  }
}

std::string error_of(World &world, const std::function<void()> &call) {
  try {
    call();
  } catch (const Error &error) {
    world.fail();
    return error.what();
  }
  return "";
}

void check_unequal(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const std::string said = error_of(world, [&] {
    all_gather(ctx, {{Tensor<f32>(arena, 0, {10}), Tensor<f32>(arena, 4096, {10 * world.ranks() - world.rank()})}}, {.axis = "data", .name = "weights"});
  });
  expect(said.find("all-gather 'weights' over 'data': ") == 0 || said == "another rank failed", "said: '" + said + "'");
}

/// The second tensor is at another distance from the first on one rank.
void check_layout(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const std::size_t second = world.rank() == 0 ? 1024 : 2048;
  const std::string said = error_of(world, [&] {
    const Tensor<f32> first(arena, 0, {10}), whole(arena, 4096, {10 * world.ranks()}), other(arena, second, {10}), behind(arena, 8192, {10 * world.ranks()});
    all_gather(ctx, {{first, whole}, {other, behind}}, {.axis = "data", .name = "weights"});
  });
  expect(said.find("all-gather 'weights' over 'data': on another rank it is another collective, or its tensors lie otherwise") == 0 ||
             said == "another rank failed",
         "said: '" + said + "'");
}

/// On one rank it is another collective.
void check_kinds(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const dtcrt::index size = 4 * world.ranks();
  const std::string said = error_of(world, [&] {
    const Tensor<f32> a(arena, 0, {size}), b(arena, 1024, {size});
    if (world.rank() == 0)
      all_to_all(ctx, {{a, b}}, {.name = "a"});
    else
      all_reduce(ctx, a, {.name = "a"});
  });
  expect(said.find(" 'a' over '': on another rank it is another collective") != std::string::npos || said == "another rank failed",
         "said: '" + said + "'");
}

/// What the compiler must not emit.
void check_refused(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const Tensor<f32> whole(arena, 0, {10 * world.ranks()}), part(arena, 4096, {9}), strided(reinterpret_cast<f32 *>(arena.base()), {5, 2}, {3, 1});
  const std::pair<const char *, std::function<void()>> calls[] = {
      {"reduce_scatter: a part is the whole over the ranks", [&] { reduce_scatter(ctx, {{whole, part}}); }},
      {"all_gather: a part is the whole over the ranks", [&] { all_gather(ctx, {{part, whole}}); }},
      {"all_gather: both sides have the same elements", [&] { all_gather(ctx, {{Tensor<i64>(arena, 4096, {10}), whole}}); }},
      {"all_to_all: both sides have the same number of elements, equal parts for all ranks", [&] { all_to_all(ctx, {{whole, part}}); }},
      {"broadcast: the root is a coordinate of the axis", [&] { broadcast(ctx, whole, {.root = world.ranks()}); }},
      {"broadcast: the tensors are dense", [&] { broadcast(ctx, strided, {.root = 0}); }}};
  for (const auto &[wanted, call] : calls) {
    std::string said;
    try {
      call();
    } catch (const std::logic_error &error) {
      said = error.what();
    }
    expect(said == wanted, "said: '" + said + "', not '" + wanted + "'");
  }
}

Pending start_kind(Context &ctx, const Members &members, const Arena &arena, const std::string &kind) {
  Placer placer(arena.base());
  if (kind == "reduce-scatter")
    return Scatter(placer, members, 100000, 0).start(ctx, members);
  if (kind == "all-gather")
    return Gather<f32>(placer, members, 100000, 0).start(ctx, members);
  if (kind == "all-to-all")
    return Exchange<f32>(placer, members, 100000, 0).start(ctx, members);
  return Broadcast<f32>(placer, members, 100000, 0).start(ctx, members);
}

/// The last rank gives up instead of taking part: the others hear of it and none hangs.
void check_failure(World &world, const std::string &kind) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  if (world.rank() == world.ranks() - 1) {
    test::await_begun(world);
    world.fail();
    return;
  }
  try {
    Pending pending = start_kind(ctx, all(world), arena, kind);
    test::tell_begun(world);
    pending.wait();
  } catch (const Error &) {
    return;
  }
  throw Error("a collective ended although a rank had failed");
}

/// The last rank is killed: the first to see it says which, and during what.
void check_death(World &world, const std::string &kind) {
  Context ctx(world);
  const Arena arena = world.allocate(room);
  const int last = world.ranks() - 1;
  if (world.rank() == last) {
    test::await_begun(world);
    std::raise(SIGKILL);
  }
  std::string said;
  try {
    Pending pending = start_kind(ctx, all(world), arena, kind);
    test::tell_begun(world);
    pending.wait();
  } catch (const Error &error) {
    said = error.what();
  }
  const std::string wanted = "rank " + std::to_string(last) + " has died; under way: " + kind + " of '";
  expect(said.find(wanted) == 0 || said == "another rank failed", "said: '" + said + "'");
  world.fail([&] { std::fprintf(stderr, "%s\n", said.c_str()); });
  world.leave(0);
  throw Error("a rank stays although another one has died");
}

} // namespace

int main(int argc, char **argv) {
  World world(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "", kind = argc > 2 ? argv[2] : "";
  try {
    if (what == "sizes")
      check_sizes(world);
    else if (what == "types")
      check_types(world);
    else if (what == "bits")
      check_bits(world, kind != "outside");
    else if (what == "offsets")
      check_offsets(world);
    else if (what == "outside")
      check_outside(world);
    else if (what == "mesh")
      check_mesh(world);
    else if (what == "unequal")
      check_unequal(world);
    else if (what == "layout")
      check_layout(world);
    else if (what == "kinds")
      check_kinds(world);
    else if (what == "refused")
      check_refused(world);
    else if (what == "failure")
      check_failure(world, kind);
    else if (what == "death")
      check_death(world, kind);
    else
      throw Error("nothing called '" + what + "' to check");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "rank %d: %s\n", world.rank(), error.what());
    world.fail();
    return 1;
  }
  return 0;
}
