// The handle of communication under way, and the engine behind it.
#include "comm/Clock.h"
#include "comm/Operation.h"
#include "comm/WorldImpl.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

namespace dtcrt {

Pending::Pending(Pending &&other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}

Pending &Pending::operator=(Pending &&other) noexcept {
  std::swap(operation_, other.operation_);
  return *this;
}

Pending::~Pending() noexcept(false) {
  const std::unique_ptr<Operation> operation(std::exchange(operation_, nullptr));
  if (operation && std::uncaught_exceptions() == 0)
    operation->wait();
}

void Pending::wait() {
  const std::unique_ptr<Operation> operation(std::exchange(operation_, nullptr));
  if (operation)
    operation->wait();
}

void Pending::Operation::watch(Probe *probe, const TraceEvent &event) {
  probe_ = probe;
  if (!probe)
    return;
  event_ = event;
  event_.name = probe->keep(event.name);
  event_.axis = probe->keep(event.axis);
  event_.start = steady_nanoseconds();
}

void Pending::Operation::wait() {
  if (!probe_)
    return finish_or_tell();
  probe_->jitter();
  TraceEvent wait{.kind = TraceEvent::Kind::wait, .name = event_.name, .microbatch = event_.microbatch, .start = steady_nanoseconds()};
  const i64 blocked = probe_->blocked();
  finish_or_tell();
  wait.blocked = probe_->blocked() - blocked;
  probe_->record(wait);
  probe_->record(event_);
}

void Pending::Operation::finish_or_tell() {
  try {
    finish();
  } catch (const RankDied &death) {
    throw death.during(describe());
  }
}

Pending::Operation::~Operation() { progress_.forget(*this); }

void Progress::forget(Pending::Operation &operation) {
  for (auto &[key, queue] : queues_)
    std::erase(queue, &operation);
  std::erase(watched_, &operation);
}

bool Progress::advance() {
  bool moved = false;
  for (auto &[key, queue] : queues_)
    for (; !queue.empty() && queue.front()->begin(); moved = true)
      queue.pop_front();
  // A test that throws leaves the others where they are.
  for (std::size_t i = 0; i < watched_.size();) {
    if (!watched_[i]->test()) {
      ++i;
      continue;
    }
    watched_.erase(watched_.begin() + static_cast<std::ptrdiff_t>(i));
    moved = true;
  }
  return moved;
}

} // namespace dtcrt
