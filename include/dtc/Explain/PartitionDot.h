// The picture of a partitioned program: what runs where, and what travels.
#ifndef DTC_EXPLAIN_PARTITIONDOT_H
#define DTC_EXPLAIN_PARTITIONDOT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace dtc::explain {

/// Writes one phase of a module of the dist level as a Graphviz graph: a cluster
/// for each role, in it one for each fragment with its layers as nodes. Values
/// are edges, messages bold ones with name and bytes; a collective is a node
/// between what it combines and what takes the result. What runs once for each
/// microbatch is drawn once. Fails with a diagnostic if communication does not
/// match (dtc::timeline::PhaseTimelines).
llvm::LogicalResult drawPartition(llvm::raw_ostream &os, mlir::ModuleOp module,
                                  llvm::StringRef phase = "train");

} // namespace dtc::explain

#endif // DTC_EXPLAIN_PARTITIONDOT_H
