// Times of messages between two ranks.
#pragma once

#include "dtcrt/world.h"

#include <vector>

namespace dtcrt {

struct TimedMessage {
  std::size_t bytes;
  f64 seconds; ///< median
};

/// What `time_messages` needs of an arena.
std::size_t message_arena_bytes();

/// Collective; needs two ranks or more. From rank 0 to rank 1, through the two halves of `place` (message_arena_bytes() in the arena).
/// Known on rank 0 alone.
std::vector<TimedMessage> time_messages(World &world, Context &ctx, std::byte *place);

} // namespace dtcrt
