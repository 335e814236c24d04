// One way, from the start of the send to the end of the receive. The receiver waits already, long enough to be asleep, as stages do that
// wait for the one before; ping-pong would find it spinning.
#include "measure/Messages.h"

#include "comm/Clock.h"
#include "comm/Gather.h"
#include "dtcrt/comm.h"
#include "measure/Median.h"

#include <array>
#include <cstring>

namespace dtcrt {

namespace {

constexpr std::array<std::size_t, 7> sizes = {64, 4 << 10, 32 << 10, 128 << 10, 512 << 10, 2 << 20, 4 << 20};
constexpr int rounds = 25;
constexpr i64 pause = 400'000; ///< nanoseconds

/// The place as a tensor of bytes.
Tensor<u8> tensor_at(std::byte *place, std::size_t bytes) {
  return Tensor<u8>(reinterpret_cast<u8 *>(place), {static_cast<index>(bytes)});
}

} // namespace

std::size_t message_arena_bytes() { return 2 * sizes.back(); }

std::vector<TimedMessage> time_messages(World &world, Context &ctx, std::byte *place) {
  std::vector<TimedMessage> result;
  const int rank = world.rank();
  // Steady clocks of one host are one clock; between hosts their common origin makes them comparable.
  const i64 origin = common_origin(world);
  for (const std::size_t bytes : sizes) {
    std::vector<f64> times;
    const Tensor<u8> sent = tensor_at(place, bytes), received = tensor_at(place + sizes.back(), bytes);
    for (int round = -3; round < rounds; ++round) {
      world.barrier();
      i64 moment = 0;
      if (rank == 0) {
        // A stage has just made what it sends.
        std::memset(sent.data(), round + 4, bytes);
        const i64 until = steady_nanoseconds() + pause;
        while (steady_nanoseconds() < until)
          ;
        moment = steady_nanoseconds() - origin;
        send_start(ctx, sent, {.axis = "", .peer = 1, .name = "message"}).wait();
        i64 arrived = 0;
        receive_bytes(world, 1, &arrived, sizeof arrived);
        if (round >= 0)
          times.push_back(static_cast<f64>(arrived - moment) * 1e-9);
      } else if (rank == 1) {
        recv_start(ctx, received, {.axis = "", .peer = 0, .name = "message"}).wait();
        moment = steady_nanoseconds() - origin;
        send_bytes(world, 0, &moment, sizeof moment);
      }
    }
    if (rank == 0)
      result.push_back({bytes, median(times)});
  }
  return result;
}

} // namespace dtcrt
