// Gathering by MPI.
#include "comm/Gather.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace dtcrt {

namespace {
/// MPI counts with an int.
constexpr std::size_t most = std::size_t(1) << 30;
constexpr int tag = 2; // besides those of messages
} // namespace

std::vector<std::string> all_gather(World &world, const std::string &text) {
  if (!world.impl().mpi)
    return {text};
  const auto ranks = static_cast<std::size_t>(world.ranks());
  std::vector<int> lengths(ranks), offsets(ranks);
  const int length = static_cast<int>(std::min(text.size(), most));
  MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, MPI_COMM_WORLD);
  if (std::accumulate(lengths.begin(), lengths.end(), std::size_t(0)) > most || text.size() > most)
    throw std::logic_error("the ranks have more than 1 GiB to tell each other");
  std::exclusive_scan(lengths.begin(), lengths.end(), offsets.begin(), 0);
  std::string all(static_cast<std::size_t>(offsets.back() + lengths.back()), 0);
  MPI_Allgatherv(text.data(), length, MPI_CHAR, all.data(), lengths.data(), offsets.data(), MPI_CHAR, MPI_COMM_WORLD);
  std::vector<std::string> texts;
  for (std::size_t r = 0; r < ranks; ++r)
    texts.push_back(all.substr(static_cast<std::size_t>(offsets[r]), static_cast<std::size_t>(lengths[r])));
  return texts;
}

void send_bytes(World &world, int to, const void *data, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += most)
    check_mpi(MPI_Send(static_cast<const char *>(data) + at, static_cast<int>(std::min(most, bytes - at)), MPI_BYTE, to, tag,
                       world.impl().messages),
              "send to another rank");
}

void receive_bytes(World &world, int from, void *data, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += most)
    check_mpi(MPI_Recv(static_cast<char *>(data) + at, static_cast<int>(std::min(most, bytes - at)), MPI_BYTE, from, tag,
                       world.impl().messages, MPI_STATUS_IGNORE),
              "receive from another rank");
}

} // namespace dtcrt
