// Evaluates all ranks' timelines together: the oracle of partitioned programs.
#ifndef DTC_TEST_UNIT_PARTITION_ALLRANKS_H
#define DTC_TEST_UNIT_PARTITION_ALLRANKS_H

#include "dialects/Dist/Dist.h"
#include "dtc/Mesh/Mesh.h"
#include "test/Reference/Rules.h"

namespace dtc::reference {

using Tensors = llvm::SmallVector<Tensor>;

/// What one rank ran, and what it gave.
struct RankResult {
  dist::TimelineOp timeline;
  Tensors results;
};

/// The part of a tensor at a coordinate: a slice of this shape along a dimension; without one the piece in row-major order, 0 behind the end.
Tensor partOf(const Tensor &whole, llvm::ArrayRef<int64_t> shape, std::optional<int64_t> dimension, int64_t coordinate);
/// The other way.
Tensor putTogether(llvm::ArrayRef<const Tensor *> parts, llvm::ArrayRef<int64_t> shape, std::optional<int64_t> dimension);

/// The timeline of a phase that a rank runs; null if there is none.
dist::TimelineOp timelineOf(mlir::ModuleOp module, llvm::StringRef phase,
                            const Mesh &mesh, int64_t rank);

/// Runs one phase of a partitioned module on every rank of its mesh, all
/// arithmetic in double by the rules of the reference. `argument` gives a rank's
/// argument of its timeline. The k-th message from one rank to another is the
/// k-th that is received there, and must have the same name and microbatch;
/// collectives are between the ranks that differ along their axis alone: sums, pieces
/// of sums, pieces put together. Fails
/// with a diagnostic if messages do not match or ranks wait for each other.
llvm::FailureOr<std::vector<RankResult>>
runAllRanks(mlir::ModuleOp module, llvm::StringRef phase,
            llvm::function_ref<Tensor(int64_t rank, dist::TimelineOp, unsigned argument)> argument);

} // namespace dtc::reference

#endif // DTC_TEST_UNIT_PARTITION_ALLRANKS_H
