// Communication under way, and the engine that moves it on while its rank waits for whatever it is.
#pragma once

#include "core/Probe.h"
#include "dtcrt/comm.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace dtcrt {

class Progress;

/// What a Pending holds. An operation that needs this rank's help after its start stands in the engine, first in a queue of
/// those that keep their order (begin), then in a list of those whose end has to be looked for (test).
class Pending::Operation {
public:
  explicit Operation(Progress &progress) : progress_(progress) {}
  virtual ~Operation();
  Operation(const Operation &) = delete;
  Operation &operator=(const Operation &) = delete;

  /// From now on the operation stands in the trace; `event` says what it is.
  void watch(Probe *probe, const TraceEvent &event);
  /// Waits for the end, watched by the probe.
  void wait();

  /// Waits for the end.
  virtual void finish() = 0;
  /// For messages: "the all-reduce of 'x'".
  virtual std::string describe() const = 0;
  /// Does what can be done without waiting; true when the next operation of the queue may begin.
  virtual bool begin() { return true; }
  /// True at the end: the engine then forgets the operation.
  virtual bool test() { return true; }

protected:
  Progress &progress_;

private:
  void finish_or_tell();

  Probe *probe_ = nullptr;
  TraceEvent event_;
};

/// The operations of this rank that need its help. Entered whenever the rank starts something or waits for something, so a
/// rank that waits never keeps another one from going on.
class Progress {
public:
  /// The queues: messages to and from a rank, collectives of a group that hosts exchange.
  static int sends(int peer) { return 2 * peer; }
  static int receives(int peer) { return 2 * peer + 1; }
  static int exchanges(int group) { return -1 - group; }

  /// Operations of one queue begin one after the other.
  void enqueue(int key, Pending::Operation &operation) { queues_[key].push_back(&operation); }
  void watch(Pending::Operation &operation) { watched_.push_back(&operation); }
  void forget(Pending::Operation &operation);
  /// Moves everything on that can be; true when anything has.
  bool advance();
  /// Something is watched, whose end rings no bell.
  bool polls() const { return !watched_.empty(); }

private:
  std::map<int, std::deque<Pending::Operation *>> queues_;
  std::vector<Pending::Operation *> watched_;
};

} // namespace dtcrt
