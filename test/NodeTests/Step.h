// A model without a recipe as a step that the pipeline lowers: what it takes and gives is state.
#ifndef DTC_TEST_NODETESTS_STEP_H
#define DTC_TEST_NODETESTS_STEP_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace dtc::test {

/// What stands before the names of inputs and outputs among those of the step's state.
inline std::string inputName(size_t number) { return "input." + std::to_string(number); }
inline std::string outputName(size_t number) { return "output." + std::to_string(number); }

/// Makes of the imported model in `module` a step (at Level::Grad) that computes the model as an evaluation does. Inputs and outputs are state,
/// of any type and without a batch, so that nothing is asked of their shapes; parameters are frozen. There is no loss but a constant one.
/// Fails with a diagnostic where the model draws random numbers.
llvm::LogicalResult makeStep(mlir::ModuleOp module);

} // namespace dtc::test

#endif // DTC_TEST_NODETESTS_STEP_H
