// Agreeing by MPI's collectives that do not block, watched while they run; failing where nobody can agree any more.
#include "comm/Agreement.h"
#include "comm/WorldImpl.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

namespace dtcrt {

void World::Impl::complete(const char *what, std::shared_ptr<void> memory, const std::function<int(MPI_Request *)> &start) {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(start(&request), what);
  int done = 0;
  const auto is_over = [&] {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), what);
    return done != 0;
  };
  try {
    if (control)
      return wait_until(is_over, true);
    while (!is_over())
      std::this_thread::sleep_for(std::chrono::microseconds(20));
  } catch (...) {
    // MPI may still write there.
    new std::shared_ptr<void>(std::move(memory));
    throw;
  }
}

/// What the lowest rank with an error says, on all ranks.
std::string World::Impl::first_error(const std::string &own) {
  if (!mpi)
    return own;
  struct Votes {
    int own[2], all[2]; // the lowest rank that failed; 1: this one did
  };
  const auto votes = std::make_shared<Votes>(Votes{{own.empty() ? ranks : rank, own.empty() ? 0 : 1}, {}});
  complete("agree", votes, [&](MPI_Request *request) {
    return MPI_Iallreduce(votes->own, votes->all, 2, MPI_INT, MPI_MIN, MPI_COMM_WORLD, request);
  });
  const int first = votes->all[0];
  if (first == ranks)
    return "";
  // Rank 0 tells. Where it has not failed itself, it says who has.
  const auto text = std::make_shared<std::array<char, most_error_bytes>>();
  text->fill(0);
  if (first == rank)
    ((first > 0 ? "rank " + std::to_string(rank) + ": " : "") + own).copy(text->data(), text->size() - 1);
  complete("tell what failed", text, [&](MPI_Request *request) {
    return MPI_Ibcast(text->data(), static_cast<int>(text->size()), MPI_CHAR, first, MPI_COMM_WORLD, request);
  });
  return text->data();
}

void World::agree(const std::string &error) {
  if (const std::string first = impl_->first_error(error); !first.empty())
    throw AgreedError(first, rank() == 0);
}

std::string try_together(World &world, const std::function<void()> &work) {
  std::string error;
  try {
    work();
  } catch (const AgreedError &failure) {
    return failure.what();
  } catch (const PeerFailure &) {
    throw; // it will not come to agree
  } catch (const RankDied &) {
    throw;
  } catch (const std::bad_alloc &) {
    error = "out of memory";
  } catch (const std::exception &failure) {
    error = failure.what();
    if (error.empty())
      error = "unknown failure";
  }
  return world.impl().first_error(error);
}

void together(World &world, const std::function<void()> &work) {
  if (const std::string error = try_together(world, work); !error.empty())
    throw AgreedError(error, world.rank() == 0);
}

void World::barrier() { agree(""); }

double World::broadcast(double value) {
  if (!impl_->mpi)
    return value;
  const auto shared = std::make_shared<double>(value);
  impl_->complete("tell a number", shared, [&](MPI_Request *request) {
    return MPI_Ibcast(shared.get(), 1, MPI_DOUBLE, 0, MPI_COMM_WORLD, request);
  });
  return *shared;
}

int World::Impl::dead_rank() {
  for (std::size_t r = 0; r < local_of.size(); ++r)
    if (const int local = local_of[r]; local >= 0 && local != local_rank && lifelines[local].is_cut())
      return static_cast<int>(r);
  return -1;
}

void World::Impl::check_peers() {
  if (control->failed.load())
    throw PeerFailure();
  if (const int dead = dead_rank(); dead >= 0)
    throw RankDied(dead);
}

void World::fail(const std::function<void()> &tell) {
  Impl &w = *impl_;
  if (w.control->reported.exchange(1) != 0)
    return;
  tell();
  w.control->failed.store(1);
  for (int peer = 0; peer < w.local_ranks; ++peer)
    ring(w.bells[peer]);
}

void World::leave(int status) {
  Impl &w = *impl_;
  if (w.dead_rank() < 0)
    return;
  // A launcher may end all ranks when the first one does: the one that tells why comes first.
  for (int turn = 0; turn < 1000 && !w.control->failed.load(); ++turn)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::fflush(nullptr);
  std::_Exit(status);
}

void World::abandon() {
  if (impl_->mpi && impl_->hosts > 1)
    MPI_Abort(MPI_COMM_WORLD, 2);
}

} // namespace dtcrt
