// Whether a process of this host still lives: a mutex that it holds as long as it does. The kernel takes it from a process that dies,
// however it dies and in whatever container it ran.
#pragma once

#include <pthread.h>

#include <atomic>

namespace dtcrt {

/// Lies in memory that the processes share.
class Lifeline {
public:
  /// Before anybody uses it.
  void prepare();
  /// By the thread that it is to stand for.
  void hold();
  /// By the same thread: it leaves as it should.
  void let_go();
  /// By others: whether its holder died without letting go.
  bool is_cut();

private:
  pthread_mutex_t mutex_;
  std::atomic<bool> is_cut_; ///< somebody has seen it
};

} // namespace dtcrt
