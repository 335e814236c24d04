// The Recognition stage: what exporters spell out in parts becomes one op again.
#ifndef DTC_RECOGNITION_PASSES_H
#define DTC_RECOGNITION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class OpPassManager;
}

namespace dtc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "dtc/Recognition/Passes.h.inc"

/// The stage on a module that holds an imported model.
void buildRecognitionPipeline(mlir::OpPassManager &manager);

/// Makes buildRecognitionPipeline known as `dtc-recognise`.
void registerRecognitionPipeline();

} // namespace dtc

#endif // DTC_RECOGNITION_PASSES_H
