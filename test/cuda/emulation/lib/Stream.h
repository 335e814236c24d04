// Streams as queues of work, events as places in them, captures as graphs that grow.
#pragma once

#include "cuda_emulation.h"
#include "cuda_runtime_api.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace cuda_emulation {

enum class Kind { kernel, copy, fill, host, library, communication, wait };

/// What an operation does: true when it is done, false when it waits for another process and is to be asked again.
using Work = std::function<bool()>;

/// One operation of a graph and those that come before it.
struct Node {
  Kind kind;
  Work work;
  std::vector<std::size_t> after;
};

struct Stream;
struct Capture {
  Stream *origin;
  cudaStreamCaptureMode mode;
  bool is_valid = true;
  std::vector<Node> nodes;
  /// What the next operation of a stream that takes part comes after.
  std::map<Stream *, std::vector<std::size_t>> last;
};

struct Stream : std::enable_shared_from_this<Stream> {
  bool blocks = true; ///< waits for the default stream, and that for it
  std::deque<Work> pending;
  std::size_t issued = 0, done = 0;
  std::size_t communicates = 0; ///< the ticket of the last operation that other processes may wait for
  std::shared_ptr<Capture> capture;

  /// Runs operations until `ticket` of them are done, or one has to wait for another process. True when they are done.
  bool advance(std::size_t ticket);

private:
  bool is_running_ = false;
};

/// The stream of a handle, or nullptr where it is none. The null handle is the default stream.
std::shared_ptr<Stream> stream_of(cudaStream_t handle);

/// Every call begins with this: a device is there, its driver is new enough, nothing has failed for good.
cudaError_t ready();
/// What calls that wait, allocate or copy at once do to captures that forbid it: cudaSuccess if there is none.
cudaError_t forbid_in_capture(cudaError_t error);
/// Enqueues, captures or runs an operation.
cudaError_t enqueue(cudaStream_t handle, Kind kind, std::function<void()> work);
/// One that may have to wait for another process. A graph asks anew at each of its launches.
cudaError_t enqueue_work(cudaStream_t handle, Kind kind, Work work);
/// The host waits until `ticket` operations of a stream are done; meanwhile the streams that others wait for go on.
void wait_for(Stream &stream, std::size_t ticket);
/// One look of a host that does not wait: work goes on for a millisecond.
void look_at(Stream &stream);
/// Runs all work of all streams.
void run_everything();
/// An error that stays.
void set_failed(cudaError_t error, const std::string &message);
cudaError_t failed();
/// The error that cudaGetLastError returns and clears.
cudaError_t remember(cudaError_t error);
void count(Kind kind);

} // namespace cuda_emulation
