// Which output of a model the loss takes.
#ifndef DTC_LIB_AUTODIFF_TRAINEDOUTPUT_H
#define DTC_LIB_AUTODIFF_TRAINEDOUTPUT_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace dtc {

/// The number of the result that `output` names, or of the one that brings its loss, or of the only one; fails with a diagnostic at the function.
llvm::FailureOr<unsigned> findTrainedOutput(mlir::func::FuncOp function, llvm::StringRef output);

} // namespace dtc

#endif // DTC_LIB_AUTODIFF_TRAINEDOUTPUT_H
