// What watches a rank while it runs: the recorder of a trace, and the jitter that upsets its timing. dtcrt/trace.h describes the file.
#pragma once

#include "core/Jitter.h"
#include "dtcrt/program.h"
#include "dtcrt/world.h"

#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace dtcrt {

struct TraceEvent {
  enum class Kind : u8 { step, evaluation, data, fragment, wait, send, receive, all_reduce, reduce_scatter, all_gather, all_to_all, broadcast };
  Kind kind = Kind::fragment;
  int peer = -1, peer_rank = -1;
  const char *name = "", *axis = "", *part = ""; ///< part: of a fragment, its kind
  i64 step = 0;        ///< 0: none
  index stage = -1, microbatch = -1;
  std::uint64_t bytes = 0;
  i64 start = 0, end = 0; ///< steady_nanoseconds; 0: none yet
  i64 busy = 0, blocked = 0; ///< nanoseconds
};

/// What traces and messages call a kind: its category, and its word for people.
struct KindText {
  const char *category, *word;
  bool is_communication;
};
KindText text_of(TraceEvent::Kind kind);

class Probe {
public:
  /// Collective.
  Probe(World &world, bool records, std::optional<Jitter> jitter);

  void jitter() {
    if (jitter_)
      jitter_->sleep();
  }
  bool records() const { return records_; }

  /// The step that runs from now on; 0: none.
  void set_step(i64 step) { step_ = step; }
  /// Nanoseconds so far that this rank was blocked.
  i64 blocked() const;
  void add_busy(i64 nanoseconds) { busy_ += nanoseconds; }
  i64 busy() const { return busy_; }
  int depth = 0; ///< spans that are open

  /// The events so far, which it then forgets; their names live as long as the probe.
  std::vector<TraceEvent> take_events() { return std::exchange(events_, {}); }

  /// Keeps an event of the step that runs; without an end it ends now. Its names need not live on.
  void record(TraceEvent event);
  /// A copy of a name that lives as long as the probe.
  const char *keep(const char *name) { return names_.insert(name).first->c_str(); }

  /// Collective: rank 0 writes the events of all ranks. All or nothing. AgreedError.
  void write(const std::string &path, const Plan &plan, const Role &role) const;

private:
  std::string summary(const Plan &plan, const Role &role) const;
  std::string events() const;

  World &world_;
  bool records_;
  std::optional<Jitter> jitter_;
  i64 origin_ = 0, step_ = 0, busy_ = 0;
  std::uint64_t dropped_ = 0;
  std::vector<TraceEvent> events_;
  std::unordered_set<std::string> names_;
};

} // namespace dtcrt
