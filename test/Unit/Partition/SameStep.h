// A partitioned step against the step on the whole batch, in double.
#ifndef DTC_TEST_UNIT_PARTITION_SAMESTEP_H
#define DTC_TEST_UNIT_PARTITION_SAMESTEP_H

#include "test/Unit/Partition/AllRanks.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc::reference {

/// A phase of the unpartitioned step with arguments, all of them away from 0 but
/// for parameters that have values of their own, and its results.
struct WholeStep {
  static llvm::FailureOr<WholeStep> of(mlir::ModuleOp module, llvm::StringRef phase);

  mlir::func::FuncOp function;
  Tensors arguments, results;
};

/// Runs a phase of the partitioned module on all ranks and expects, by
/// GoogleTest, of every rank the whole step's results to 11 digits; of all ranks
/// that hold one parameter or state, the same bits; and that nothing is held
/// nowhere.
void expectSameStep(const WholeStep &whole, mlir::ModuleOp partitioned, llvm::StringRef phase);

} // namespace dtc::reference

#endif // DTC_TEST_UNIT_PARTITION_SAMESTEP_H
