// Spans: the line at the top of a fragment that gives it its place in a trace (--trace=FILE.json).
//
// The file is in Chrome's trace event format and opens in Perfetto (https://ui.perfetto.dev) and chrome://tracing. Process = rank;
// thread 0 "compute", threads 1, 2, ... "communication", "communication 2", ...: as many as it takes for those under way at one
// time. All events are complete ones ("ph": "X"); ts and dur are microseconds on a clock that all ranks share, from the start
// of the training. `cat` says what an event is, `args` the rest:
//
//   cat          name               thread         args
//   step         step 1             compute        step, busy_us, blocked_us
//   evaluation   evaluation         compute        busy_us, blocked_us           one batch of it
//   data         data               compute        step                          a batch gets into the tensors
//   fragment     stage0_forward     compute        step, microbatch, kind, stage
//   wait         wait pool1         compute        step, microbatch, blocked_us  within a wait(); name of what is waited for
//   send         send pool1         communication  step, microbatch, bytes, axis, peer, peer_rank, message
//   receive      receive pool1      communication  the same; from its start to the end of its wait
//   all_reduce   all-reduce bucket  communication  step, bytes, axis, message
//
// step is absent in evaluations, microbatch, kind and stage where there is none; kind is forward, backward, weight_gradient,
// forward_backward, update or prepare; `peer` is a coordinate on `axis`, `message` the name alone.
// busy is the time in fragments without that blocked in waits inside them; blocked the time in waits in which the rank had nothing
// to do (copying what has arrived and summing are work). The bubble of a rank is 1 - busy / duration of its steps.
// "otherData" holds {"format": "dtc-trace", "version": 1, "model", "strategy", "batch", "ranks": [{"rank", "role", "at": {axis: coordinate},
// "flops", "steps", "step_us", "busy_us", "blocked_us", "dropped_events"}, ...]}: sums over the steps. A rank keeps the first
// million of its events and counts the others as dropped.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

#ifdef DTCRT_CUDA
namespace detail {
/// The fragment stands in messages, and as a range in what NVIDIA's profilers show.
void enter_fragment(Context &ctx, const char *name);
/// In a trace, waits until the GPU has computed it: its time is then that of the fragment.
void leave_fragment(Context &ctx);
} // namespace detail
#endif

/// A part of a step as traces tell it: what its fragment is called, what it does, and of which stage of a pipeline.
struct StepPart {
  StepPart(const char *name, const char *kind = "", index stage = -1) : name(name), kind(kind), stage(stage) {}
  const char *name, *kind; ///< "": none is told
  index stage; ///< -1: of none
};

/// From here to the end of the scope, in a trace as `part`. Costs a branch when nobody traces. DTCRT_JITTER_US sleeps here.
class Span {
public:
  explicit Span(Context &ctx, StepPart part, index microbatch = -1) : ctx_(ctx), probe_(ctx.probe()), part_(part) {
#ifdef DTCRT_CUDA
    detail::enter_fragment(ctx_, part.name);
#endif
    if (probe_) [[unlikely]]
      begin(microbatch);
  }
  ~Span() {
#ifdef DTCRT_CUDA
    detail::leave_fragment(ctx_);
#endif
    if (probe_) [[unlikely]]
      end();
  }
  Span(const Span &) = delete;
  Span &operator=(const Span &) = delete;

private:
  void begin(index microbatch);
  void end();

  [[maybe_unused]] Context &ctx_;
  Probe *probe_;
  StepPart part_;
  index microbatch_;
  i64 start_, blocked_;
};

} // namespace dtcrt
