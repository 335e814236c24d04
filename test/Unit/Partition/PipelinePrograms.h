// Small pipeline programs that communicate in every way there is.
#ifndef DTC_TEST_UNIT_PARTITION_PIPELINEPROGRAMS_H
#define DTC_TEST_UNIT_PARTITION_PIPELINEPROGRAMS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace dtc::test {

/// One entry of a stage's list.
struct Task {
  bool forward;
  int microbatch;
};
using Order = std::vector<std::vector<Task>>; // by stage

///   stage 0   F0 F1 F2 F3          B0 B1 B2 B3
Order orderGPipe(int stages, int microbatches);
///   stage 0   F0 F1       B0 F2 B1 F3 B2 B3     (Narayanan et al., SC 2021)
Order order1F1B(int stages, int microbatches);

struct ProgramOptions {
  int data = 1;
  /// Stage 0 sends to the last stage too, and gets a gradient from there.
  bool skip = false;
  /// All receives start at the begin of the step instead of where they are awaited.
  bool prefetch = false;
};

/// A training step of `order.size()` stages over "pipe" and `options.data`
/// ranks over "data". Each stage ends with two buckets over "data" and two over
/// "pipe". Nothing in it computes.
mlir::OwningOpRef<mlir::ModuleOp> makePipeline(mlir::MLIRContext &context, const Order &order,
                                               const ProgramOptions &options);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_PARTITION_PIPELINEPROGRAMS_H
