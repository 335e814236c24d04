// Evaluates a timeline on all ranks at once: the oracle of partitioned programs.
#ifndef DTC_TEST_UNIT_PARTITION_LOCKSTEP_H
#define DTC_TEST_UNIT_PARTITION_LOCKSTEP_H

#include "dialects/Dist/Dist.h"
#include "test/Reference/Rules.h"

namespace dtc::reference {

using Tensors = llvm::SmallVector<Tensor>;

/// Runs one timeline on as many ranks as there are entries in `arguments`, all
/// in one group; all arithmetic in double, by the rules of the reference.
/// Collectives are sums over the ranks. Gives each rank's results.
llvm::FailureOr<llvm::SmallVector<Tensors>>
runLockstep(dist::TimelineOp timeline, llvm::ArrayRef<Tensors> arguments);

} // namespace dtc::reference

#endif // DTC_TEST_UNIT_PARTITION_LOCKSTEP_H
