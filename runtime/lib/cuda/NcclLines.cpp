// Making communicators, and keeping account of their operations.
#ifdef DTCRT_NCCL

#include "cuda/NcclLines.h"
#include "comm/Gather.h"

#include <cstring>
#include <numeric>
#include <stdexcept>

namespace dtcrt {

namespace {

using device::check;

/// Operations of one step on one line; more would have to be counted otherwise.
constexpr int most_operations = 1 << 16;

/// What a rank tells the others: for each line that it opens the key, a newline and the id.
std::string describe(const std::vector<std::pair<std::string, ncclUniqueId>> &opened) {
  std::string text;
  for (const auto &[key, id] : opened)
    text += key + "\n" + std::string(id.internal, sizeof id.internal);
  return text;
}

void read(const std::string &text, std::map<std::string, ncclUniqueId> &ids) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    ncclUniqueId &id = ids[text.substr(at, end - at)];
    std::memcpy(id.internal, text.data() + end + 1, sizeof id.internal);
    at = end + 1 + sizeof id.internal;
  }
}

} // namespace

void check_nccl(ncclResult_t status, const char *what) {
  if (status != ncclSuccess && status != ncclInProgress)
    throw Error(std::string("NCCL could not ") + what + ": " + ncclGetErrorString(status) + " (NCCL_DEBUG=WARN tells more)");
}

NcclLine::NcclLine(Use use, int ranks, int rank, const ncclUniqueId &id) {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "make a stream");
  void *host = nullptr;
  check(cudaMallocHost(&host, sizeof(int)), "allocate host memory");
  progress_ = static_cast<volatile int *>(host);
  *progress_ = 0;
  std::vector<int> numbers(most_operations + 1);
  std::iota(numbers.begin(), numbers.end(), 0);
  check(cudaMalloc(reinterpret_cast<void **>(&numbers_), numbers.size() * sizeof(int)), "allocate memory");
  check(cudaMemcpy(numbers_, numbers.data(), numbers.size() * sizeof(int), cudaMemcpyHostToDevice), "copy to the GPU");
  check_nccl(ncclCommInitRank(&comm_, ranks, id, rank), "connect the ranks");
  // A first operation, on a zero that stays one.
  check_nccl(use == Use::collectives ? ncclAllReduce(numbers_, numbers_, 1, ncclInt, ncclMax, comm_, stream_)
             : rank == 0             ? ncclSend(numbers_, 1, ncclInt, 1, comm_, stream_)
                                     : ncclRecv(numbers_, 1, ncclInt, 0, comm_, stream_),
             "connect the ranks");
  check(cudaStreamSynchronize(stream_), "connect the ranks");
}

NcclLine::~NcclLine() {
  if (comm_)
    static_cast<void>(ncclCommDestroy(comm_));
  static_cast<void>(cudaFreeHost(const_cast<int *>(progress_)));
  static_cast<void>(cudaFree(numbers_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

void NcclLine::begin_step(int phase, bool replays) {
  phase_ = phase;
  if (!replays)
    names_[phase].clear();
}

void NcclLine::mark(const std::string &name) {
  std::vector<std::string> &names = names_[phase_];
  names.push_back(name);
  if (names.size() > most_operations)
    throw Error("a step has more than " + std::to_string(most_operations) + " messages between two ranks");
  check(cudaMemcpyAsync(const_cast<int *>(progress_), numbers_ + names.size(), sizeof(int), cudaMemcpyDeviceToHost, stream_),
        "count what was communicated");
}

std::string NcclLine::under_way() const {
  if (cudaStreamQuery(stream_) == cudaSuccess)
    return "";
  const auto found = names_.find(phase_);
  if (found == names_.end() || found->second.empty())
    return "";
  // All of a step have ended: what is under way is the first of the next one.
  return found->second[static_cast<std::size_t>(*progress_) % found->second.size()];
}

std::string NcclLine::fault() const {
  ncclResult_t status = ncclSuccess;
  if (ncclCommGetAsyncError(comm_, &status) != ncclSuccess || (status != ncclSuccess && status != ncclInProgress))
    return ncclGetErrorString(status);
  return "";
}

void NcclLine::abort() {
  if (comm_)
    static_cast<void>(ncclCommAbort(comm_));
  comm_ = nullptr;
}

std::map<std::string, std::unique_ptr<NcclLine>> make_lines(World &world, const std::vector<LineKey> &keys) {
  std::vector<std::pair<std::string, ncclUniqueId>> opened;
  for (const LineKey &key : keys)
    if (key.rank == 0) {
      opened.emplace_back(key.key, ncclUniqueId{});
      check_nccl(ncclGetUniqueId(&opened.back().second), "open a communicator");
    }
  std::map<std::string, ncclUniqueId> ids;
  for (const std::string &text : all_gather(world, describe(opened)))
    read(text, ids);
  // All ranks connect in the order of the keys: no two wait for each other at different ones.
  std::map<std::string, LineKey> sorted;
  for (const LineKey &key : keys)
    sorted.emplace(key.key, key);
  std::map<std::string, std::unique_ptr<NcclLine>> lines;
  for (const auto &[name, key] : sorted) {
    const auto id = ids.find(name);
    if (id == ids.end())
      throw std::logic_error("the line '" + name + "' was opened by nobody");
    lines.emplace(name, std::make_unique<NcclLine>(key.use, key.ranks, key.rank, id->second));
  }
  return lines;
}

} // namespace dtcrt

#endif
