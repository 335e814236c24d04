// What a step will take on the devices that the command line describes.
#ifndef DTC_TOOLS_DTC_PREDICT_H
#define DTC_TOOLS_DTC_PREDICT_H

#include "dtc/Cost/Simulator.h"
#include "dtc/Partition/PartitionOptions.h"

#include "llvm/Support/Error.h"

namespace dtc {

struct Prediction {
  std::string model;
  /// The role of each rank.
  std::vector<std::string> roles;
  Simulation simulation;
};

/// Simulates the training step of a module of the dist level. `partition` is
/// that of the options, with the speeds of the devices. A diagnostic that has
/// been given already is an error without a text.
llvm::Expected<Prediction> predictStep(mlir::ModuleOp module, const PartitionOptions &partition);

} // namespace dtc

#endif // DTC_TOOLS_DTC_PREDICT_H
