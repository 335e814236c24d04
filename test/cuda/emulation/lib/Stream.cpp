// Streams and events.
#include "Stream.h"
#include "Memory.h"
#include "Settings.h"

#include <algorithm>
#include <set>
#include <vector>

#include <unistd.h>

using namespace cuda_emulation;

struct CUstream_st {
  std::shared_ptr<Stream> stream = std::make_shared<Stream>();
};
struct CUevent_st {
  std::shared_ptr<Stream> stream; ///< where it was recorded
  std::size_t ticket = 0;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;
  std::weak_ptr<Capture> capture;
  std::vector<std::size_t> after; ///< of the capture
  bool was_captured = false;
};

namespace cuda_emulation {

namespace {

/// In the order in which they were made.
std::vector<cudaStream_t> &streams() {
  static std::vector<cudaStream_t> all;
  return all;
}
bool is_stream(cudaStream_t handle) { return std::find(streams().begin(), streams().end(), handle) != streams().end(); }
std::set<cudaEvent_t> &events() {
  static std::set<cudaEvent_t> all;
  return all;
}
std::shared_ptr<Stream> default_stream() {
  static auto stream = std::make_shared<Stream>();
  return stream;
}
template <class Each> void for_streams(Each each) {
  for (cudaStream_t handle : streams())
    each(*handle->stream);
}

/// Runs one operation of the stream that was made last among those that can go on. False when none can.
bool run_newest() {
  for (std::size_t i = streams().size(); i-- > 0;) {
    Stream &stream = *streams()[i]->stream;
    if (stream.done < stream.issued && stream.advance(stream.done + 1))
      return true;
  }
  return false;
}

/// What other processes wait for goes on while this one waits: lazy streams no further than they communicate.
bool serve_others() {
  if (settings().streams == Streams::newest)
    return run_newest();
  bool moved = false;
  for_streams([&](Stream &stream) {
    const std::size_t before = stream.done;
    stream.advance(settings().streams == Streams::lazy ? stream.communicates : stream.issued);
    moved = moved || stream.done > before;
  });
  return moved;
}

} // namespace

bool Stream::advance(std::size_t ticket) {
  while (done < ticket && !pending.empty() && !is_running_) {
    is_running_ = true;
    const bool is_over = failed() != cudaSuccess || pending.front()();
    is_running_ = false;
    if (!is_over)
      return false;
    pending.pop_front();
    ++done;
  }
  return done >= ticket;
}

void wait_for(Stream &stream, std::size_t ticket) {
  const bool draws = settings().streams != Streams::newest;
  while (!(draws ? stream.advance(ticket) : stream.done >= ticket))
    if (!serve_others() && (draws || !stream.advance(stream.done + 1))) // the default stream is none of those
      usleep(50);
}

void look_at(Stream &stream) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  bool moves = true;
  while (moves && stream.done < stream.issued && std::chrono::steady_clock::now() < end)
    moves = settings().streams == Streams::newest ? run_newest() : stream.advance(stream.done + 1) || serve_others();
}

std::shared_ptr<Stream> stream_of(cudaStream_t handle) {
  if (!handle)
    return default_stream();
  return is_stream(handle) ? handle->stream : nullptr;
}

void run_everything() {
  for_streams([](Stream &stream) { wait_for(stream, stream.issued); });
}

cudaError_t forbid_in_capture(cudaError_t error) {
  cudaError_t result = cudaSuccess;
  for_streams([&](Stream &stream) {
    if (stream.capture && stream.capture->mode != cudaStreamCaptureModeRelaxed) {
      stream.capture->is_valid = false;
      result = error;
    }
  });
  return result;
}

cudaError_t enqueue(cudaStream_t handle, Kind kind, std::function<void()> work) {
  return enqueue_work(handle, kind, [work = std::move(work)] {
    work();
    return true;
  });
}

cudaError_t enqueue_work(cudaStream_t handle, Kind kind, Work work) {
  if (const cudaError_t error = ready())
    return error;
  const std::shared_ptr<Stream> stream = stream_of(handle);
  if (!stream)
    return cudaErrorInvalidResourceHandle;
  if (const auto &capture = stream->capture) {
    if (!capture->is_valid)
      return cudaErrorStreamCaptureInvalidated;
    capture->nodes.push_back({kind, std::move(work), capture->last[stream.get()]});
    capture->last[stream.get()] = {capture->nodes.size() - 1};
    return cudaSuccess;
  }
  if (!handle) { // the default stream: after all that may not run beside it, and before what comes
    if (const cudaError_t error = forbid_in_capture(cudaErrorStreamCaptureImplicit))
      return error;
    for_streams([](Stream &other) {
      if (other.blocks)
        wait_for(other, other.issued);
    });
  }
  stream->pending.push_back([kind, work = std::move(work)] {
    const DeviceAccess access;
    if (!work())
      return false;
    count(kind);
    return true;
  });
  ++stream->issued;
  if (kind == Kind::communication)
    stream->communicates = stream->issued;
  if (!handle)
    wait_for(*stream, stream->issued);
  else if (settings().streams == Streams::eager && !stream->advance(stream->issued))
    serve_others();
  return failed();
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) { return remember(enqueue(stream, Kind::library, std::move(work))); }
cudaError_t enqueue_communication(cudaStream_t stream, Work work) {
  return remember(enqueue_work(stream, Kind::communication, std::move(work)));
}

} // namespace cuda_emulation

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int) {
  if (const cudaError_t error = ready())
    return remember(error);
  *stream = new CUstream_st;
  (*stream)->stream->blocks = !(flags & cudaStreamNonBlocking);
  streams().push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { return cudaStreamCreateWithPriority(stream, flags, 0); }
cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0); }

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  if (!is_stream(handle))
    return remember(cudaErrorInvalidResourceHandle);
  handle->stream->advance(handle->stream->issued);
  std::erase(streams(), handle);
  delete handle;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  if (const cudaError_t error = ready())
    return remember(error);
  const auto stream = stream_of(handle);
  if (!stream)
    return remember(cudaErrorInvalidResourceHandle);
  if (stream->capture) {
    stream->capture->is_valid = false;
    return remember(cudaErrorStreamCaptureUnsupported);
  }
  wait_for(*stream, stream->issued);
  return remember(failed());
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  if (const cudaError_t error = ready())
    return remember(error);
  const auto stream = stream_of(handle);
  if (!stream)
    return remember(cudaErrorInvalidResourceHandle);
  if (stream->capture) {
    stream->capture->is_valid = false;
    return remember(cudaErrorStreamCaptureUnsupported);
  }
  if (stream->done == stream->issued)
    return failed();
  look_at(*stream); // who asks again and again sees the work go on
  return cudaErrorNotReady;
}

cudaError_t cudaDeviceSynchronize() {
  if (const cudaError_t error = ready())
    return remember(error);
  if (const cudaError_t error = forbid_in_capture(cudaErrorStreamCaptureUnsupported))
    return remember(error);
  run_everything();
  return remember(failed());
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
  return remember(enqueue(stream, Kind::host, [=] { function(data); }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  if (const cudaError_t error = ready())
    return remember(error);
  *event = new CUevent_st;
  events().insert(*event);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  if (!events().erase(event))
    return remember(cudaErrorInvalidResourceHandle);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  if (const cudaError_t error = ready())
    return remember(error);
  const auto stream = stream_of(handle);
  if (!stream || !events().count(event))
    return remember(cudaErrorInvalidResourceHandle);
  if (stream->capture) {
    event->was_captured = true;
    event->capture = stream->capture;
    event->after = stream->capture->last[stream.get()];
    event->stream = stream;
    return cudaSuccess;
  }
  event->was_captured = false;
  event->time = std::make_shared<std::chrono::steady_clock::time_point>();
  const cudaError_t error = enqueue(handle, Kind::wait, [time = event->time] { *time = std::chrono::steady_clock::now(); });
  event->stream = stream;
  event->ticket = stream->issued;
  return remember(error);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  if (const cudaError_t error = ready())
    return remember(error);
  const auto stream = stream_of(handle);
  if (!stream || !events().count(event))
    return remember(cudaErrorInvalidResourceHandle);
  if (event->was_captured) {
    const auto capture = event->capture.lock();
    if (!capture) // its capture has ended
      return remember(cudaErrorCapturedEvent);
    if (stream->capture && stream->capture != capture) {
      stream->capture->is_valid = capture->is_valid = false;
      return remember(cudaErrorStreamCaptureMerge);
    }
    if (!handle) {
      capture->is_valid = false;
      return remember(cudaErrorStreamCaptureImplicit);
    }
    stream->capture = capture;
    std::vector<std::size_t> &last = capture->last[stream.get()];
    last.insert(last.end(), event->after.begin(), event->after.end());
    return cudaSuccess;
  }
  if (stream->capture) {
    if (!event->stream)
      return cudaSuccess; // never recorded
    stream->capture->is_valid = false;
    return remember(cudaErrorStreamCaptureIsolation);
  }
  if (!event->stream)
    return cudaSuccess;
  return remember(enqueue_work(handle, Kind::wait, [other = event->stream, ticket = event->ticket] {
    return settings().streams == Streams::newest ? other->done >= ticket : other->advance(ticket);
  }));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (const cudaError_t error = ready())
    return remember(error);
  if (!events().count(event))
    return remember(cudaErrorInvalidResourceHandle);
  if (event->was_captured)
    return remember(cudaErrorCapturedEvent);
  if (event->stream)
    wait_for(*event->stream, event->ticket);
  return remember(failed());
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (const cudaError_t error = ready())
    return remember(error);
  if (!events().count(event))
    return remember(cudaErrorInvalidResourceHandle);
  if (event->was_captured)
    return remember(cudaErrorCapturedEvent);
  if (!event->stream || event->stream->done >= event->ticket)
    return failed();
  look_at(*event->stream);
  return cudaErrorNotReady;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (!events().count(begin) || !events().count(end) || !begin->time || !end->time)
    return remember(cudaErrorInvalidResourceHandle);
  if (begin->stream->done < begin->ticket || end->stream->done < end->ticket)
    return cudaErrorNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(*end->time - *begin->time).count();
  return cudaSuccess;
}
