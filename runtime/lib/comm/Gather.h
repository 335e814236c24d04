// Bytes between ranks outside the steps: what all ranks have to know of each other, and what rank 0 writes for all.
#pragma once

#include "dtcrt/world.h"

#include <functional>
#include <string>
#include <vector>

namespace dtcrt {

/// Collective: the texts of all ranks, by rank, on all of them.
std::vector<std::string> all_gather(World &world, const std::string &text);

/// Blocking, of any size; each side names the other and the same number of bytes.
void send_bytes(World &world, int to, const void *data, std::size_t bytes);
void receive_bytes(World &world, int from, void *data, std::size_t bytes);

/// Collective, an agreed section and what follows it: every rank does `prepare`, which gives where the `bytes` of rank `owner` lie on
/// that rank, and where they are to lie on rank 0; then they are there.
void bring_to_first(World &world, int owner, std::size_t bytes, const std::function<void *()> &prepare);

} // namespace dtcrt
