// Gathering by MPI, in memory that outlives a wait that is given up.
#include "comm/Gather.h"
#include "comm/Agreement.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace dtcrt {

namespace {
/// MPI counts with an int.
constexpr std::size_t most = std::size_t(1) << 30;
/// Bytes that travel at a time.
constexpr std::size_t piece = std::size_t(4) << 20;
constexpr int tag = 2; // besides those of messages
} // namespace

std::vector<std::string> all_gather(World &world, const std::string &text) {
  World::Impl &w = world.impl();
  if (!w.mpi)
    return {text};
  const auto ranks = static_cast<std::size_t>(w.ranks);
  struct Exchange {
    int length = 0;
    std::vector<int> lengths, offsets;
    std::string own, all;
  };
  const auto shared = std::make_shared<Exchange>();
  Exchange &e = *shared;
  e.own = text;
  e.length = static_cast<int>(std::min(text.size(), most));
  e.lengths.resize(ranks);
  e.offsets.resize(ranks);
  w.complete("gather sizes", shared, [&](MPI_Request *request) {
    return MPI_Iallgather(&e.length, 1, MPI_INT, e.lengths.data(), 1, MPI_INT, MPI_COMM_WORLD, request);
  });
  const std::size_t total = std::accumulate(e.lengths.begin(), e.lengths.end(), std::size_t(0));
  if (total >= most)
    throw std::logic_error("the ranks have more than 1 GiB to tell each other");
  std::exclusive_scan(e.lengths.begin(), e.lengths.end(), e.offsets.begin(), 0);
  together(world, [&] { e.all.resize(total); });
  w.complete("gather texts", shared, [&](MPI_Request *request) {
    return MPI_Iallgatherv(e.own.data(), e.length, MPI_CHAR, e.all.data(), e.lengths.data(), e.offsets.data(), MPI_CHAR, MPI_COMM_WORLD, request);
  });
  std::vector<std::string> texts;
  for (std::size_t r = 0; r < ranks; ++r)
    texts.push_back(e.all.substr(static_cast<std::size_t>(e.offsets[r]), static_cast<std::size_t>(e.lengths[r])));
  return texts;
}

void send_bytes(World &world, int to, const void *data, std::size_t bytes) {
  World::Impl &w = world.impl();
  const auto buffer = std::make_shared<std::vector<char>>(std::min(bytes, piece));
  for (std::size_t at = 0; at < bytes; at += piece) {
    const std::size_t count = std::min(piece, bytes - at);
    std::memcpy(buffer->data(), static_cast<const char *>(data) + at, count);
    w.complete("send to another rank", buffer, [&](MPI_Request *request) {
      return MPI_Isend(buffer->data(), static_cast<int>(count), MPI_BYTE, to, tag, w.messages, request);
    });
  }
}

void receive_bytes(World &world, int from, void *data, std::size_t bytes) {
  World::Impl &w = world.impl();
  const auto buffer = std::make_shared<std::vector<char>>(std::min(bytes, piece));
  for (std::size_t at = 0; at < bytes; at += piece) {
    const std::size_t count = std::min(piece, bytes - at);
    w.complete("receive from another rank", buffer, [&](MPI_Request *request) {
      return MPI_Irecv(buffer->data(), static_cast<int>(count), MPI_BYTE, from, tag, w.messages, request);
    });
    std::memcpy(static_cast<char *>(data) + at, buffer->data(), count);
  }
}

void bring_to_first(World &world, int owner, std::size_t bytes, const std::function<void *()> &prepare) {
  void *data = nullptr;
  together(world, [&] { data = prepare(); });
  if (owner == 0 || (world.rank() != owner && world.rank() != 0))
    return;
  if (world.rank() == owner)
    send_bytes(world, 0, data, bytes);
  else
    receive_bytes(world, owner, data, bytes);
}

} // namespace dtcrt
