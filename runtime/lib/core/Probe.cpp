// Recording events in memory.
#include "core/Probe.h"
#include "comm/Clock.h"
#include "comm/WorldImpl.h"
#include "dtcrt/trace.h"

namespace dtcrt {

namespace {
/// About 100 bytes each.
constexpr std::size_t most_events = 1'000'000;
} // namespace

Probe::Probe(World &world, bool records, std::optional<Jitter> jitter) : world_(world), records_(records), jitter_(std::move(jitter)) {
  if (!records_)
    return;
  world_.impl().measures_waits = true;
  origin_ = common_origin(world_);
}

i64 Probe::blocked() const { return world_.impl().blocked_nanoseconds; }

void Probe::record(TraceEvent event) {
  if (!records_)
    return;
  if (events_.size() == most_events) {
    ++dropped_;
    return;
  }
  if (event.end == 0)
    event.end = steady_nanoseconds();
  event.step = step_;
  event.name = keep(event.name);
  event.axis = keep(event.axis);
  event.part = keep(event.part);
  events_.push_back(event);
}

void Span::begin(index microbatch) {
  probe_->jitter();
  microbatch_ = microbatch;
  blocked_ = probe_->blocked();
  ++probe_->depth;
  start_ = steady_nanoseconds();
}

void Span::end() {
  // Read once: between two readings another process may run, and the trace would not add up.
  const i64 end = steady_nanoseconds();
  if (--probe_->depth == 0)
    probe_->add_busy(end - start_ - (probe_->blocked() - blocked_));
  probe_->record({.kind = TraceEvent::Kind::fragment, .name = part_.name, .part = part_.kind, .stage = part_.stage, .microbatch = microbatch_, .start = start_, .end = end});
}

} // namespace dtcrt
