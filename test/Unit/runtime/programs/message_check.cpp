// Run by mpirun: checks one thing about messages on every rank; exit status 0 when it holds, else one line that says what does not.
#include <dtcrt/comm.h>
#include <dtcrt/world.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace dtcrt;

namespace {

void expect(bool holds, const std::string &what) {
  if (!holds)
    throw Error(what);
}

/// Byte i of message `number` from rank to rank.
u8 content(int from, int to, int number, dtcrt::index i) { return static_cast<u8>(from * 31 + to * 17 + number * 7 + i * 13 + i / 251); }

/// What every rank knows about message `number` from rank to rank.
dtcrt::index size_of(int from, int to, int number) {
  std::minstd_rand random(static_cast<unsigned>(from * 1000003 + to * 10007 + number + 1));
  random.discard(3);
  const unsigned kind = random() % 4, value = random();
  return kind == 0 ? value % 3 : kind == 1 ? value % 100 : kind == 2 ? value % 5000 : value % 200000;
}

struct Posted {
  bool is_send = false;
  int peer = 0, number = 0;
  dtcrt::index microbatch = 0;
  std::string name;
  std::vector<u8> memory; ///< when it does not lie in the arena
  Tensor<u8> tensor;
  Pending pending;
};

/// Every rank sends to every other one, in an order of its own, and waits in yet another one, sleeping now and then. All sends of a
/// pair come before its receives on some ranks, and after them on others: without queues this would hang.
void check_random(World &world, int messages, bool outside) {
  Context ctx(world);
  const int ranks = world.ranks(), rank = world.rank();
  const Arena arena = world.allocate((std::size_t(1) << 20) * static_cast<std::size_t>(1 + rank));
  std::mt19937 random(static_cast<unsigned>(rank * 7919 + 11));
  const auto jitter = [&] {
    if (random() % 8 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 500));
  };
  for (int round = 0; round < 6; ++round) {
    std::vector<std::unique_ptr<Posted>> all;
    std::vector<int> sent(static_cast<std::size_t>(ranks)), received(static_cast<std::size_t>(ranks));
    std::vector<std::pair<bool, int>> order;
    for (int peer = 0; peer < ranks; ++peer)
      if (peer != rank)
        for (int i = 0; i < messages; ++i) {
          order.push_back({true, peer});
          order.push_back({false, peer});
        }
    if (round == 1)
      std::sort(order.begin(), order.end()); // receives first
    else if (round == 2)
      std::sort(order.rbegin(), order.rend()); // sends first
    else
      std::shuffle(order.begin(), order.end(), random);
    std::size_t at = 0;
    for (const auto &[is_send, peer] : order) {
      jitter();
      auto posted = std::make_unique<Posted>();
      posted->is_send = is_send;
      posted->peer = peer;
      posted->number = round * messages + (is_send ? sent : received)[static_cast<std::size_t>(peer)]++;
      posted->microbatch = posted->number % 5 - 1;
      posted->name = "message " + std::to_string(posted->number);
      const int from = is_send ? rank : peer, to = is_send ? peer : rank;
      const dtcrt::index size = size_of(from, to, posted->number);
      const bool fits = at + static_cast<std::size_t>(size) <= arena.bytes();
      if (outside && random() % 2 == 0)
        posted->memory.resize(static_cast<std::size_t>(size) + 1);
      else if (!fits)
        posted->memory.resize(static_cast<std::size_t>(size) + 1);
      posted->tensor = posted->memory.empty() ? Tensor<u8>(arena, at, {size}) : Tensor<u8>(posted->memory.data(), {size});
      if (posted->memory.empty())
        at += static_cast<std::size_t>(size + 63) / 64 * 64;
      for (dtcrt::index i = 0; i < size; ++i)
        posted->tensor.data()[i] = is_send ? content(from, to, posted->number, i) : 0xEE;
      const MessageOptions options{.axis = "", .peer = peer, .name = posted->name.c_str(), .microbatch = posted->microbatch};
      posted->pending = is_send ? send_start(ctx, posted->tensor, options) : recv_start(ctx, posted->tensor, options);
      all.push_back(std::move(posted));
    }
    std::shuffle(all.begin(), all.end(), random);
    for (auto &posted : all) {
      jitter();
      posted->pending.wait();
      if (posted->is_send) { // the buffer is ours again: nobody may still read it
        std::fill_n(posted->tensor.data(), posted->tensor.size(), u8(0xAA));
        continue;
      }
      for (dtcrt::index i = 0; i < posted->tensor.size(); ++i)
        expect(posted->tensor.data()[i] == content(posted->peer, rank, posted->number, i),
               "byte " + std::to_string(i) + " of " + posted->name + " from rank " + std::to_string(posted->peer));
    }
  }
}

/// A ring of ranks, all of which send before they receive, with an all-reduce under way and waited for first.
void check_ring(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(4) << 20);
  const int ranks = world.ranks(), rank = world.rank(), next = (rank + 1) % ranks, previous = (rank + ranks - 1) % ranks;
  Tensor<f32> out(arena, 0, {100000}), in(arena, std::size_t(1) << 20, {100000}), sum(arena, std::size_t(2) << 20, {50000});
  for (int round = 0; round < 50; ++round) {
    std::fill_n(out.data(), out.size(), static_cast<f32>(rank + round));
    std::fill_n(sum.data(), sum.size(), static_cast<f32>(rank + 1));
    Pending send = send_start(ctx, out, {.axis = "data", .peer = next, .name = "token"});
    Pending reduced = all_reduce_start(ctx, sum, {.axis = "data", .name = "sum"});
    Pending received = recv_start(ctx, in, {.axis = "data", .peer = previous, .name = "token"});
    if (rank % 2 == 0)
      send.wait();
    reduced.wait();
    received.wait();
    expect(in.data()[0] == static_cast<f32>(previous + round) && in.data()[in.size() - 1] == static_cast<f32>(previous + round), "the token");
    expect(sum.data()[sum.size() - 1] == static_cast<f32>(ranks * (ranks + 1) / 2), "the sum");
  }
}

/// Peers are coordinates on the axis: ranks 0 1 / 2 3.
void check_mesh(World &world) {
  world.set_mesh({{"data", 2}, {"pipe", 2}});
  Context ctx(world);
  const Arena arena = world.allocate(4096);
  const int rank = world.rank(), data = rank / 2, pipe = rank % 2;
  Tensor<i64> value(arena, 0, {}), along_pipe(arena, 64, {}), along_data(arena, 128, {});
  *value.data() = rank;
  Pending a = send_start(ctx, value, {.axis = "pipe", .peer = 1 - pipe, .name = "p"});
  Pending b = send_start(ctx, value, {.axis = "data", .peer = 1 - data, .name = "d"});
  recv_start(ctx, along_data, {.axis = "data", .peer = 1 - data, .name = "d"}).wait();
  recv_start(ctx, along_pipe, {.axis = "pipe", .peer = 1 - pipe, .name = "p"}).wait();
  expect(*along_pipe.data() == data * 2 + (1 - pipe) && *along_data.data() == (1 - data) * 2 + pipe, "the peers are others");
}

/// Rank 0 sends, rank 1 receives something else; `what` is a part of the error of rank 1, the others hear of it.
void check_mismatch(World &world, const std::string &kind) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20);
  Tensor<f32> eight(arena, 0, {8}), nine(arena, 64, {9});
  std::string said;
  try {
    if (world.rank() == 0)
      send_start(ctx, eight, {.axis = "", .peer = 1, .name = "pool1", .microbatch = 2}).wait();
    else if (world.rank() == 1)
      recv_start(ctx, kind == "size" ? nine : eight,
                 {.axis = "", .peer = 0, .name = kind == "name" ? "pool2" : "pool1", .microbatch = kind == "microbatch" ? 3 : 2})
          .wait();
    else
      all_reduce(ctx, eight);
  } catch (const Error &error) {
    said = error.what();
    world.fail();
  }
  const std::string wanted =
      kind == "size"   ? "message 'pool1' (microbatch 2) from rank 0 to rank 1: 32 bytes are sent, 36 received"
      : kind == "name" ? "messages from rank 0 to rank 1: the next that is sent is 'pool1' (microbatch 2), the next that is received 'pool2' (microbatch 2)"
                       : "messages from rank 0 to rank 1: the next that is sent is 'pool1' (microbatch 2), the next that is received 'pool1' (microbatch 3)";
  expect(said == (world.rank() == 1 ? wanted : "another rank failed"), "said: '" + said + "'");
}

/// The last rank gives up: those who wait to receive from it, to be received by it, and for others, all hear of it.
void check_failure(World &world) {
  Context ctx(world);
  const Arena arena = world.allocate(std::size_t(1) << 20);
  Tensor<f32> t(arena, 0, {1000});
  const int last = world.ranks() - 1, rank = world.rank();
  if (rank == last) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    bool is_first = false;
    world.fail([&] { is_first = true; });
    expect(is_first, "the first to fail is not told so");
    return;
  }
  try {
    if (rank == 0)
      recv_start(ctx, t, {.axis = "", .peer = last, .name = "never"}).wait();
    else if (rank == 1)
      send_start(ctx, t, {.axis = "", .peer = last, .name = "never taken"}).wait();
    else
      all_reduce(ctx, t);
  } catch (const Error &) {
    return;
  }
  throw Error("a wait ended although a rank had failed");
}

void check_refused(World &world) {
  Context ctx(world), alone(1);
  const Arena arena = world.allocate(4096);
  Tensor<f32> t(arena, 0, {4, 4}), strided(t.data(), {2, 2}, Dims{8, 2});
  const auto refused = [&](Context &context, const Tensor<f32> &tensor, const MessageOptions &options) {
    try {
      send_start(context, tensor, options).wait();
    } catch (const std::logic_error &) {
      return true;
    }
    return false;
  };
  expect(refused(ctx, t, {.axis = "", .peer = world.rank(), .name = "self"}), "a message to oneself");
  expect(refused(ctx, t, {.axis = "", .peer = world.ranks(), .name = "beyond"}), "a message beyond the axis");
  expect(refused(ctx, t, {.axis = "", .peer = -1, .name = "none"}), "a message to nobody");
  expect(refused(ctx, t, {.axis = "no such", .peer = 0, .name = "axis"}), "a message along no axis");
  expect(refused(ctx, strided, {.axis = "", .peer = 1 - world.rank(), .name = "strided"}), "a strided message");
  expect(refused(alone, t, {.axis = "", .peer = 0, .name = "alone"}), "a message of a rank alone");
}

} // namespace

int main(int argc, char **argv) {
  World world(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "random")
      check_random(world, std::atoi(argv[2]), false);
    else if (what == "outside")
      check_random(world, std::atoi(argv[2]), true);
    else if (what == "ring")
      check_ring(world);
    else if (what == "mesh")
      check_mesh(world);
    else if (what == "mismatch")
      check_mismatch(world, argv[2]);
    else if (what == "failure")
      check_failure(world);
    else if (what == "refused")
      check_refused(world);
    else
      throw Error("nothing called '" + what + "' to check");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "rank %d: %s\n", world.rank(), error.what());
    world.fail();
    world.abandon();
    return 1;
  }
  return 0;
}
