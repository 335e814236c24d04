// Under which name a checkpoint holds a parameter.
#ifndef DTC_EMIT_CHECKPOINTNAME_H
#define DTC_EMIT_CHECKPOINTNAME_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace dtc::emit {

/// The model's own name; `parameter/` stands before one that the format (`__metadata__`) or an optimizer's state
/// (`adam.m/conv1.weight`) has for itself. No two names become one, and the name of one parameter does not depend on
/// the others: all programs of a model find it in all its checkpoints.
std::string checkpointName(llvm::StringRef parameter);

} // namespace dtc::emit

#endif // DTC_EMIT_CHECKPOINTNAME_H
