// Programs that time the ops of a training step, one by one, as the step runs them.
#ifndef DTC_CALIBRATE_MEASUREPROGRAM_H
#define DTC_CALIBRATE_MEASUREPROGRAM_H

#include "dtc/Cost/Calibration.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>

namespace dtc {

/// What an op does, for fitting rates.
struct OpWork {
  OpFamily family;
  /// As in MeasuredCall.
  double flops, bytes;
};

/// The ops in the fragments of the training step, by signature; at the fused level, in either form.
std::map<std::string, OpWork, std::less<>> opsOfStep(mlir::ModuleOp module);

/// A fragment that holds the calls of one op.
struct TimedFragment {
  std::string role, name, signature;
};

/// Makes of planned programs, whose calls are marked with their ops, programs for
/// measuring: each fragment becomes one fragment for each of its ops, in the same
/// order, on the same buffers; what would be received is filled in; nothing is sent
/// or reduced; there is no evaluation. Returns the fragments.
std::vector<TimedFragment> makeMeasureProgram(mlir::ModuleOp module);

} // namespace dtc

#endif // DTC_CALIBRATE_MEASUREPROGRAM_H
