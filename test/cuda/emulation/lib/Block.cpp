// A block's threads between barriers, and what they may not do there.
#include "Block.h"

#include <algorithm>
#include <bit>
#include <cstring>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace cuda_emulation {

namespace {

std::string to_string(const Where &where) {
  const char *file = std::strrchr(where.file_name(), '/');
  return std::string(file ? file + 1 : where.file_name()) + ":" + std::to_string(where.line());
}

bool same_place(const Where &a, const Where &b) { return a.line() == b.line() && std::strcmp(a.file_name(), b.file_name()) == 0; }

} // namespace

std::string Block::name(unsigned thread) const {
  const uint3 p = threads_[thread].position;
  return "thread (" + std::to_string(p.x) + ", " + std::to_string(p.y) + ", " + std::to_string(p.z) + ")";
}

void Block::run(const std::function<void()> &body, dim3 threads, uint3 block, Order order, std::mt19937 &random) {
  count_ = threads.x * threads.y * threads.z;
  arrived_ = 0;
  failure_.clear();
  while (fibres_.size() < count_)
    fibres_.push_back(std::make_unique<Fibre>());
  threads_.assign(count_, {});
  order_.resize(count_);
  for (unsigned t = 0; t < count_; ++t) {
    threads_[t].position = {t % threads.x, t / threads.x % threads.y, t / (threads.x * threads.y)};
    order_[t] = order == Order::descending ? count_ - 1 - t : t;
    fibres_[t]->start(body);
  }
  blockIdx = block;
  blockDim = threads;

  unsigned ended = 0;
  while (ended < count_) {
    if (order == Order::random)
      std::shuffle(order_.begin(), order_.end(), random);
    bool advanced = false;
    // Whom a barrier lets go while the others are advanced goes on in the next turn.
    std::vector<unsigned> turn;
    for (const unsigned t : order_)
      if (threads_[t].state == State::ready)
        turn.push_back(t);
    for (const unsigned t : turn) {
      advanced = true;
      current_ = t;
      threadIdx = threads_[t].position;
      fibres_[t]->resume();
      if (!failure_.empty())
        throw Failure(failure_);
      if (fibres_[t]->is_done()) {
        threads_[t].state = State::ended;
        ++ended;
      }
    }
    if (!advanced)
      fail_stuck();
  }
}

void Block::fail(const std::string &message) {
  failure_ = message;
  fibres_[current_]->yield();
  __builtin_unreachable(); // nobody resumes it
}

int Block::barrier(Vote vote, bool predicate, const Where &where) {
  Thread &own = threads_[current_];
  own.operation = "__syncthreads";
  own.where = where;
  own.predicate = predicate;
  const unsigned self = current_;
  ++arrived_;
  own.state = State::at_barrier;
  if (arrived_ == count_)
    release_barrier();
  fibres_[self]->yield();
  switch (vote) {
  case Vote::count: return static_cast<int>(counted_);
  case Vote::all: return counted_ == count_;
  case Vote::any: return counted_ > 0;
  }
  return 0;
}

void Block::release_barrier() {
  arrived_ = counted_ = 0;
  for (unsigned t = 0; t < count_; ++t) {
    Thread &thread = threads_[t];
    if (!same_place(thread.where, threads_[0].where))
      fail("threads of one block wait at different barriers: " + name(0) + " at " + to_string(threads_[0].where) + ", " + name(t) +
           " at " + to_string(thread.where));
    counted_ += thread.predicate;
  }
  for (unsigned t = 0; t < count_; ++t)
    threads_[t].state = State::ready;
}

WarpResult Block::warp(const char *operation, unsigned mask, unsigned long long value, int source, bool predicate, const Where &where) {
  const unsigned self = current_, first = self / 32 * 32, lanes = std::min(32u, count_ - first);
  Thread &own = threads_[self];
  if (!(mask >> (self - first) & 1))
    fail(name(self) + " calls " + operation + " at " + to_string(where) + " with a mask that its own lane is not in");
  // Lanes beyond the end of a block do not exist; a full mask means those that do.
  if (mask == 0xffffffffu && lanes < 32)
    mask = (1u << lanes) - 1;
  if (lanes < 32 && mask >> lanes)
    fail(name(self) + " calls " + operation + " at " + to_string(where) + " with a mask of lanes that the block does not have");
  if (source >= 0 && !(mask >> source & 1) && source != static_cast<int>(self - first))
    fail(name(self) + " calls " + operation + " at " + to_string(where) + " and reads lane " + std::to_string(source) +
         ", which is not in the mask");
  own.operation = operation;
  own.where = where;
  own.mask = mask;
  own.value = value;
  own.source = source;
  own.predicate = predicate;
  own.state = State::at_warp;
  bool complete = true;
  for (unsigned l = 0; l < lanes; ++l)
    if (mask >> l & 1) {
      const Thread &other = threads_[first + l];
      complete = complete && other.state == State::at_warp && other.mask == mask && std::strcmp(other.operation, operation) == 0;
    }
  if (complete)
    release_warp(first, mask);
  fibres_[self]->yield();
  return own.result;
}

void Block::release_warp(unsigned first, unsigned mask) {
  unsigned ballot = 0;
  for (unsigned l = 0; l < 32; ++l)
    if (mask >> l & 1)
      ballot |= static_cast<unsigned>(threads_[first + l].predicate) << l;
  for (unsigned l = 0; l < 32; ++l)
    if (mask >> l & 1) {
      Thread &thread = threads_[first + l];
      thread.result = {thread.source >= 0 ? threads_[first + static_cast<unsigned>(thread.source)].value : 0, ballot};
      thread.state = State::ready;
    }
}

unsigned Block::active_lanes() const {
  const unsigned first = current_ / 32 * 32;
  unsigned active = 0;
  for (unsigned l = 0; l < 32 && first + l < count_; ++l)
    active |= static_cast<unsigned>(threads_[first + l].state != State::ended) << l;
  return active;
}

void Block::fail_stuck() const {
  // Whoever waits, and one of those whom it waits for.
  for (unsigned t = 0; t < count_; ++t) {
    const Thread &thread = threads_[t];
    if (thread.state == State::at_warp)
      for (unsigned l = 0; l < 32 && t / 32 * 32 + l < count_; ++l) {
        const unsigned other = t / 32 * 32 + l;
        const Thread &missing = threads_[other];
        if (!(thread.mask >> l & 1) || (missing.state == State::at_warp && missing.mask == thread.mask && std::strcmp(missing.operation, thread.operation) == 0))
          continue;
        throw Failure(name(t) + " waits in " + thread.operation + " at " + to_string(thread.where) + " for " + name(other) + " of its mask, which " +
                      (missing.state == State::ended ? "has left the kernel" : "waits in " + std::string(missing.operation) + " at " + to_string(missing.where)));
      }
  }
  for (unsigned t = 0; t < count_; ++t)
    if (threads_[t].state == State::at_barrier)
      for (unsigned other = 0; other < count_; ++other)
        if (threads_[other].state != State::at_barrier)
          throw Failure("a barrier that not all threads reach: " + name(t) + " waits at " + to_string(threads_[t].where) + ", " + name(other) +
                        (threads_[other].state == State::ended ? " has left the kernel" : " waits elsewhere"));
  throw Failure("no thread can advance");
}

int barrier(Vote vote, bool predicate, const Where &where) { return running_block().barrier(vote, predicate, where); }
WarpResult warp(const char *operation, unsigned mask, unsigned long long value, int source, bool predicate, const Where &where) {
  return running_block().warp(operation, mask, value, source, predicate, where);
}
unsigned lane() { return running_block().lane(); }
unsigned active_lanes() { return running_block().active_lanes(); }

} // namespace cuda_emulation
