// Pipelines as dtc makes them.
#ifndef DTC_TEST_UNIT_PARTITION_COMPILEDPIPELINES_H
#define DTC_TEST_UNIT_PARTITION_COMPILEDPIPELINES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace dtc::test {

struct PipelineSpec {
  std::string schedule;
  int64_t data, devices, microbatches;
};

/// The training step of a perceptron of `layers` equal layers, whose first and
/// last weight are one parameter, with a skip from the first layer to the last.
/// Any of up to 16 microbatches and two coordinates of "data" divide its batch.
mlir::OwningOpRef<mlir::ModuleOp> makeStep(mlir::MLIRContext &context, int layers);

/// The step partitioned, and verified by the pass at its end; "interleaved" has
/// two stages a device. Null with the reports on stderr if that fails. Only the
/// training timelines are kept.
mlir::OwningOpRef<mlir::ModuleOp> compilePipeline(mlir::ModuleOp step, const PipelineSpec &spec);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_PARTITION_COMPILEDPIPELINES_H
