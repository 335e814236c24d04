// Communication as the levels dist and rt both know it: its kinds, and what an op says of itself.
#ifndef DTC_DIALECTS_COMMUNICATION_COMMUNICATION_H
#define DTC_DIALECTS_COMMUNICATION_COMMUNICATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

namespace dtc {

enum class CommunicationKind { AllReduce, ReduceScatter, AllGather, AllToAll, Broadcast, Send, Receive };

/// How the bytes of a collective of n ranks travel. Rabenseifner, "Optimization of collective reduction operations" (2004), and
/// Chan et al., "Collective communication: theory, practice, and experience" (2007) have the closed forms.
struct CommunicationForm {
  enum Way {
    None,
    /// Parts of 1/n of the payload go around a ring, `rounds` times: n - 1 steps each.
    Ring,
    /// Every rank sends every other one its part, one after the other.
    Direct,
    /// All of the payload goes from rank to rank in small pieces, which follow each other.
    Chain
  } way = None;
  int64_t rounds = 1;
};

/// What is said of a kind.
struct CommunicationRow {
  CommunicationKind kind;
  /// "all-reduce", as people read it; "an all-reduce".
  llvm::StringLiteral word, one;
  /// All ranks of a group take part, each in the same order; else two do.
  bool isCollective;
  CommunicationForm form = {};
};

/// One for each kind.
llvm::ArrayRef<CommunicationRow> communicationKinds();
const CommunicationRow &rowOf(CommunicationKind kind);

/// Bytes of static tensors or buffers, side by side.
int64_t bytesOf(llvm::ArrayRef<mlir::Type> types);

} // namespace dtc

#include "dialects/Communication/CommunicationInterface.h.inc"

namespace dtc {
/// `bucket 'fc1'`, `'pool1' microbatch 2`, `an all-reduce`: what travels, as people read it.
std::string describe(CommunicationOpInterface communication);
} // namespace dtc

#endif // DTC_DIALECTS_COMMUNICATION_COMMUNICATION_H
