// Communication as the levels dist and rt both know it: its kinds, and what an op says of itself.
#ifndef DTC_DIALECTS_COMMUNICATION_COMMUNICATION_H
#define DTC_DIALECTS_COMMUNICATION_COMMUNICATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

namespace dtc {

enum class CommunicationKind { AllReduce, Send, Receive };

/// What is said of a kind in words.
struct CommunicationRow {
  CommunicationKind kind;
  /// "all-reduce", as people read it; "an all-reduce".
  llvm::StringLiteral word, one;
  /// All ranks of a group take part, each in the same order; else two do.
  bool isCollective;
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
