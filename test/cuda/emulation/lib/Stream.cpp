// Streams and events.
#include "Stream.h"
#include "Memory.h"
#include "Settings.h"

#include <algorithm>
#include <set>

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

std::set<cudaStream_t> &streams() {
  static std::set<cudaStream_t> all;
  return all;
}
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

} // namespace

void Stream::advance(std::size_t ticket) {
  while (done < ticket && !pending.empty()) {
    const std::function<void()> work = std::move(pending.front());
    pending.pop_front();
    if (failed() == cudaSuccess)
      work();
    ++done;
  }
}

std::shared_ptr<Stream> stream_of(cudaStream_t handle) {
  if (!handle)
    return default_stream();
  return streams().count(handle) ? handle->stream : nullptr;
}

void run_everything() {
  for_streams([](Stream &stream) { stream.advance(stream.issued); });
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
        other.advance(other.issued);
    });
  }
  stream->pending.push_back([kind, work = std::move(work)] {
    count(kind);
    const DeviceAccess access;
    work();
  });
  ++stream->issued;
  if (!handle || settings().streams == Streams::eager)
    stream->advance(stream->issued);
  return failed();
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) { return remember(enqueue(stream, Kind::library, std::move(work))); }

} // namespace cuda_emulation

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int) {
  if (const cudaError_t error = ready())
    return remember(error);
  *stream = new CUstream_st;
  (*stream)->stream->blocks = !(flags & cudaStreamNonBlocking);
  streams().insert(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { return cudaStreamCreateWithPriority(stream, flags, 0); }
cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0); }

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const auto found = streams().find(handle);
  if (found == streams().end())
    return remember(cudaErrorInvalidResourceHandle);
  handle->stream->advance(handle->stream->issued);
  streams().erase(found);
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
  stream->advance(stream->issued);
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
  stream->advance(stream->done + 1); // who asks again and again sees the work go on
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
  return remember(enqueue(handle, Kind::wait, [other = event->stream, ticket = event->ticket] { other->advance(ticket); }));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (const cudaError_t error = ready())
    return remember(error);
  if (!events().count(event))
    return remember(cudaErrorInvalidResourceHandle);
  if (event->was_captured)
    return remember(cudaErrorCapturedEvent);
  if (event->stream)
    event->stream->advance(event->ticket);
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
  event->stream->advance(event->stream->done + 1);
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
