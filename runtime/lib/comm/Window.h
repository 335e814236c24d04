// Collectives between ranks of one host in what they share of their arenas, without copies of their own; the frame of all of them.
//
//   start   arrive; the last to arrive says that all have
//   wait    once all have arrived: take chunks of the work while there are any, whoever's they are; until the last is done
//
// Where that is not shared, or not on one host, MPI carries them: each kind says how.
#pragma once

#include "comm/Collective.h"
#include "comm/Operation.h"
#include "comm/WorldImpl.h"

#include <memory>
#include <string>
#include <vector>

namespace dtcrt {

class WindowOperation : public Pending::Operation {
public:
  WindowOperation(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared);

  void start();
  void finish() final;
  std::string describe() const final { return call_.describe() + " on rank " + std::to_string(world_.rank); }
  bool test() override;

protected:
  /// Bytes [begin, end) of the tensor's whole, for all members. Of any rank: all have the same work to choose from.
  virtual void work(const Transfer &tensor, std::size_t begin, std::size_t end) const = 0;
  /// Starts MPI's part between these ranks, who are numbered by their coordinates. What MPI has done, received() ends.
  virtual void exchange() = 0;
  virtual void received() {}
  /// What comes before a rank arrives, and what behind the work on its host.
  virtual void prepare() {}
  virtual void finish_between_hosts() {}

  SharedOperation &shared() const { return world_.ring_of(group_, group_.local.front()).operations[sequence_ % ring_size]; }
  Arrival &arrival(int member) const { return world_.ring_of(group_, member).arrivals[sequence_ % ring_size]; }
  /// Where a member of this host, by its local rank, has a tensor.
  std::byte *from_of(int member, const Transfer &tensor) const;
  std::byte *to_of(int member, const Transfer &tensor) const;
  int member_at(std::size_t coordinate) const { return group_.local[coordinate]; }

  bool has(const std::atomic<std::uint32_t> &word) const { return word.load(std::memory_order_acquire) == sequence_; }
  /// Sets a word and wakes the members that may be asleep until then.
  void publish(std::atomic<std::uint32_t> &word, std::uint32_t value) const;
  /// Takes chunks while there are any; whoever does the last one says so.
  void take_chunks() const;

  /// By MPI to and from a rank of `comm`. Those of one phase meet in the order of the calls.
  void send(MPI_Comm comm, int rank, const std::byte *data, std::size_t bytes, int phase = 0);
  void receive(MPI_Comm comm, int rank, std::byte *data, std::size_t bytes, int phase = 0);

  Context &ctx_;
  World::Impl &world_;
  Group &group_;
  CollectiveCall call_;
  const bool is_shared_;
  std::uint32_t sequence_ = 0;
  std::vector<MPI_Request> requests_;
  bool is_complete_ = false; ///< MPI's part

private:
  void work_on(std::uint32_t chunk) const;
  void check_arrivals() const;

  const std::string name_; ///< the call's lives on here
  std::uint32_t number_ = 0; ///< among the group's collectives
  std::vector<std::uint32_t> first_chunks_; ///< of each tensor; then their number
  std::uint64_t layout_ = 0;
};

/// The operation of a call's kind.
std::unique_ptr<WindowOperation> make_all_reduce(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared);
std::unique_ptr<WindowOperation> make_reduce_scatter(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared);
std::unique_ptr<WindowOperation> make_all_gather(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared);
std::unique_ptr<WindowOperation> make_all_to_all(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared);
std::unique_ptr<WindowOperation> make_broadcast(Context &ctx, World::Impl &world, Group &group, const CollectiveCall &call, bool is_shared);

} // namespace dtcrt
