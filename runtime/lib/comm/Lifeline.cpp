// Robust mutexes (pthread_mutexattr_setrobust, POSIX).
#include "comm/Lifeline.h"

#include <cerrno>

namespace dtcrt {

void Lifeline::prepare() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  is_cut_.store(false);
}

void Lifeline::hold() { pthread_mutex_lock(&mutex_); }

void Lifeline::let_go() { pthread_mutex_unlock(&mutex_); }

bool Lifeline::is_cut() {
  if (is_cut_.load())
    return true;
  const int status = pthread_mutex_trylock(&mutex_);
  if (status == EOWNERDEAD) {
    is_cut_.store(true);
    pthread_mutex_consistent(&mutex_);
  }
  if (status != EBUSY)
    pthread_mutex_unlock(&mutex_);
  return is_cut_.load();
}

} // namespace dtcrt
