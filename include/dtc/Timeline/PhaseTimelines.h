// All ranks' timelines of one phase, each send with its receive and each
// collective with all its members: what the verifier, the simulator and the
// pictures read.
#ifndef DTC_TIMELINE_PHASETIMELINES_H
#define DTC_TIMELINE_PHASETIMELINES_H

#include "dtc/Timeline/RoleEvents.h"

#include <vector>

namespace dtc::timeline {

/// A message: the k-th send of one rank to another is the k-th receive there.
struct Message {
  int64_t sender, receiver;
  /// Indices of Start events of the two ranks.
  unsigned sendStart, recvStart;
};

/// A collective of the ranks that differ along `axis` alone.
struct Collective {
  unsigned axis;
  /// The rank with coordinate 0.
  int64_t firstRank;
  /// The Start or Immediate event of each member, by coordinate.
  llvm::SmallVector<unsigned, 0> starts;
};

class PhaseTimelines {
public:
  /// The phases that a module has timelines of, in order.
  static llvm::SmallVector<llvm::StringRef> phasesOf(mlir::ModuleOp module);

  /// Fails with a diagnostic if a rank has not exactly one timeline, or if
  /// communication does not match: a send without a receive, or the reverse;
  /// another name, microbatch or type at the other end; ranks of a group that
  /// reach different collectives. That none waits forever is not checked here.
  static llvm::FailureOr<PhaseTimelines> of(mlir::ModuleOp module, llvm::StringRef phase);

  const Mesh &getMesh() const { return mesh; }
  int64_t ranks() const { return static_cast<int64_t>(roleOfRank.size()); }
  llvm::ArrayRef<RoleEvents> getRoles() const { return roles; }
  const RoleEvents &roleOf(int64_t rank) const { return roles[roleOfRank[rank]]; }
  llvm::ArrayRef<Event> eventsOf(int64_t rank) const { return roleOf(rank).events; }

  llvm::ArrayRef<Message> getMessages() const { return messages; }
  llvm::ArrayRef<Collective> getCollectives() const { return collectives; }
  /// Of an event that sends or receives, or waits for it: its index in
  /// `getMessages`; of one of a collective: its index in `getCollectives`.
  unsigned communicationOf(int64_t rank, unsigned event) const {
    return communication[rank][event];
  }

private:
  explicit PhaseTimelines(Mesh mesh) : mesh(std::move(mesh)) {}
  llvm::LogicalResult assignRoles(llvm::StringRef phase);
  llvm::LogicalResult matchMessages();
  llvm::LogicalResult matchCollectives();
  void setCommunication(int64_t rank, unsigned start, unsigned index);

  Mesh mesh;
  llvm::SmallVector<RoleEvents> roles;
  std::vector<unsigned> roleOfRank;
  std::vector<Message> messages;
  std::vector<Collective> collectives;
  std::vector<std::vector<unsigned>> communication;
};

} // namespace dtc::timeline

#endif // DTC_TIMELINE_PHASETIMELINES_H
