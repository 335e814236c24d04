// The oracle of the tests: nn functions evaluated on doubles with naive loops.
#ifndef DTC_TEST_REFERENCE_REFERENCE_H
#define DTC_TEST_REFERENCE_REFERENCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cstdint>
#include <vector>

namespace dtc::reference {

/// A dense row-major tensor. Integers (labels, steps, window positions) are
/// held as doubles too.
struct Tensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<double> data;
};

/// A tensor of zeros.
Tensor zeros(llvm::ArrayRef<int64_t> shape);

/// Evaluates a function of nn ops, all arithmetic in double whatever the
/// element types. `arguments` are one tensor for each function argument, of its
/// shape. Returns one tensor for each result; fails with a diagnostic at the
/// function or at the op that cannot be evaluated (no rule, a label that is no
/// class, an argument of another shape).
llvm::FailureOr<llvm::SmallVector<Tensor>>
evaluate(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> arguments);

/// Whether there is a rule for the op of this name ("nn.conv").
bool canEvaluate(llvm::StringRef operationName);

} // namespace dtc::reference

#endif // DTC_TEST_REFERENCE_REFERENCE_H
