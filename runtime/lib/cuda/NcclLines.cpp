// Making communicators, and keeping account of their operations.
#ifdef DTCRT_NCCL

#include "cuda/NcclLines.h"
#include "comm/Agreement.h"
#include "comm/Clock.h"
#include "comm/Gather.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace dtcrt {

namespace {

using device::check;

constexpr i64 patience = 2'000'000;       ///< nanoseconds for which a wait asks without leaving its core
constexpr std::chrono::microseconds nap(50);
constexpr i64 between_faults = 5'000'000; ///< nanoseconds between two looks at what may have gone wrong

/// Operations of one step on one line, and phases (Device::Phase); more would have to be counted otherwise.
constexpr std::size_t most_operations = 1 << 14, phases = 3;

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

/// The ids of the lines that this rank opens.
std::vector<std::pair<std::string, ncclUniqueId>> open(const std::vector<LineKey> &keys) {
  std::vector<std::pair<std::string, ncclUniqueId>> opened;
  for (const LineKey &key : keys)
    if (key.rank == 0) {
      opened.emplace_back(key.key, ncclUniqueId{});
      check_nccl(ncclGetUniqueId(&opened.back().second), "open a communicator");
    }
  return opened;
}

} // namespace

void wait_watchfully(const std::function<bool()> &done, const Look &look) {
  const i64 start = steady_nanoseconds();
  i64 looked = start;
  while (!done()) {
    const i64 now = steady_nanoseconds();
    if (now - looked > between_faults) {
      looked = now;
      look();
    }
    // Not a yield: beside others that compute, who yields often may not be asked again for seconds.
    if (now - start > patience)
      std::this_thread::sleep_for(nap);
  }
}

void check_nccl(ncclResult_t status, const std::string &what) {
  if (status != ncclSuccess)
    throw Error("NCCL could not " + what + ": " + ncclGetErrorString(status) + " (NCCL_DEBUG=WARN tells more)");
}

NcclLine::NcclLine(const LineKey &key) : key_(key), names_(phases), uncaught_(std::uncaught_exceptions()) {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "make a stream");
  void *host = nullptr;
  check(cudaMallocHost(&host, sizeof(int)), "allocate host memory");
  progress_ = static_cast<volatile int *>(host);
  *progress_ = 0;
  std::vector<int> numbers(2 * phases * most_operations + 1);
  std::iota(numbers.begin(), numbers.end(), 0);
  check(cudaMalloc(reinterpret_cast<void **>(&numbers_), numbers.size() * sizeof(int)), "allocate memory");
  check(cudaMemcpy(numbers_, numbers.data(), numbers.size() * sizeof(int), cudaMemcpyHostToDevice), "copy to the GPU");
}

NcclLine::~NcclLine() {
  if (std::uncaught_exceptions() > uncaught_)
    abort();
  if (comm_) {
    ncclResult_t status = ncclCommFinalize(comm_);
    while (status == ncclInProgress && ncclCommGetAsyncError(comm_, &status) == ncclSuccess)
      std::this_thread::sleep_for(nap);
    static_cast<void>(ncclCommDestroy(comm_));
  }
  static_cast<void>(cudaFreeHost(const_cast<int *>(progress_)));
  static_cast<void>(cudaFree(numbers_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

void NcclLine::connect(const ncclUniqueId &id, const Look &look) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  settle(ncclCommInitRankConfig(&comm_, static_cast<int>(key_.members.size()), id, key_.rank, &config), "connect the line " + key_.key, look);
  // A first operation, on a zero that stays one.
  const auto first = [&] {
    return key_.use == LineKey::Use::collectives ? ncclAllReduce(numbers_, numbers_, 1, ncclInt, ncclMax, comm_, stream_)
           : key_.rank == 0                      ? ncclSend(numbers_, 1, ncclInt, 1, comm_, stream_)
                                                 : ncclRecv(numbers_, 1, ncclInt, 0, comm_, stream_);
  };
  settle(first(), "connect the line " + key_.key, look);
  const auto is_over = [&] {
    const cudaError_t status = cudaStreamQuery(stream_);
    if (status != cudaErrorNotReady)
      check(status, "connect the ranks");
    return status == cudaSuccess;
  };
  wait_watchfully(is_over, [&] {
    check_fault();
    look();
  });
}

void NcclLine::settle(ncclResult_t status, const std::string &what, const Look &look) {
  if (status == ncclInProgress)
    wait_watchfully([&] { return ncclCommGetAsyncError(comm_, &status) != ncclSuccess || status != ncclInProgress; }, look);
  check_nccl(status, what);
}

void NcclLine::begin_step(int phase) {
  phase_ = static_cast<std::size_t>(phase);
  next_ = 0;
}

void NcclLine::mark(std::size_t number) {
  check(cudaMemcpyAsync(const_cast<int *>(progress_), numbers_ + number, sizeof(int), cudaMemcpyDeviceToHost, stream_),
        "count what was communicated");
}

void NcclLine::run(const std::string &name, const std::function<ncclResult_t()> &call, const Look &look) {
  if (next_ == most_operations)
    throw Error("a step has more than " + std::to_string(most_operations) + " operations on the line " + key_.key);
  // A step that is still under way has the same names.
  std::vector<std::string> &names = names_[phase_];
  if (next_ == names.size())
    names.push_back(name);
  const std::size_t number = 2 * (phase_ * most_operations + next_++);
  mark(number + 1);
  const ncclResult_t status = call();
  if (status != ncclSuccess && status != ncclInProgress)
    check_fault(); // of an operation before
  settle(status, "start " + name, look);
  mark(number + 2);
}

std::string NcclLine::under_way() const {
  const auto progress = static_cast<std::size_t>(*progress_);
  if (progress % 2 == 0)
    return "";
  return names_[progress / 2 / most_operations][progress / 2 % most_operations] + " " + key_.key;
}

bool NcclLine::has_member(int rank) const { return std::find(key_.members.begin(), key_.members.end(), rank) != key_.members.end(); }

void NcclLine::check_fault() const {
  ncclResult_t status = ncclSuccess;
  if (const ncclResult_t asked = ncclCommGetAsyncError(comm_, &status); asked != ncclSuccess)
    status = asked;
  if (status == ncclSuccess || status == ncclInProgress)
    return;
  const std::string operation = under_way();
  throw Error(std::string("NCCL: ") + ncclGetErrorString(status) + (operation.empty() ? ", on the line " + key_.key : ", in " + operation) +
              " (NCCL_DEBUG=WARN tells more)");
}

void NcclLine::abort() {
  if (comm_)
    static_cast<void>(ncclCommAbort(comm_));
  comm_ = nullptr;
}

std::map<std::string, std::unique_ptr<NcclLine>> make_lines(World &world, const std::vector<LineKey> &keys, const Look &look) {
  std::string opened;
  together(world, [&] { opened = describe(open(keys)); });
  std::map<std::string, ncclUniqueId> ids;
  for (const std::string &text : all_gather(world, opened))
    read(text, ids);
  // All ranks connect in the order of the keys: no two wait for each other at different ones.
  std::map<std::string, std::unique_ptr<NcclLine>> lines;
  together(world, [&] {
    for (const LineKey &key : keys) {
      if (!ids.contains(key.key))
        throw std::logic_error("the line '" + key.key + "' was opened by nobody");
      lines.emplace(key.key, std::make_unique<NcclLine>(key));
    }
  });
  for (auto &[key, line] : lines)
    line->connect(ids.at(key), look);
  return lines;
}

} // namespace dtcrt

#endif
