// Decides by a graph whether a program communicates safely: the oracle of
// dtc-verify-communication, which plays instead.
#ifndef DTC_TEST_UNIT_PARTITION_HAPPENSBEFORE_H
#define DTC_TEST_UNIT_PARTITION_HAPPENSBEFORE_H

#include "mlir/IR/BuiltinOps.h"

namespace dtc::test {

enum class Verdict { Safe, Unmatched, Cyclic };

/// Reads a module with a mesh of axes "data" and "pipe" and a timeline for each
/// coordinate of "pipe". A node is an op of a rank; edges say what must have
/// happened first; a circle is a step that hangs.
Verdict judge(mlir::ModuleOp module);

/// What each rank sends and receives, in order for each partner, and what it
/// combines: equal before and after a harmless change.
std::vector<std::string> trafficOf(mlir::ModuleOp module);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_PARTITION_HAPPENSBEFORE_H
