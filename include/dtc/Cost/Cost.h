// What ops cost: floating-point operations, bytes moved, bytes communicated.
// Time.h makes seconds of it.
#ifndef DTC_COST_COST_H
#define DTC_COST_COST_H

#include "dtc/Cost/OpFamily.h"

#include "mlir/IR/OpDefinition.h"

#include <cstdint>

namespace mlir {
class DialectRegistry;
}

namespace dtc {

/// The cost of running something once on one rank. Counts saturate.
///
/// A multiplication and an addition are one FLOP each, so is a comparison and an
/// elementary function (exp, tanh) of one element. Bytes are those that an op
/// reads and writes when nothing is cached or fused; views cost nothing.
struct Cost {
  uint64_t flops = 0;
  uint64_t bytesRead = 0;
  uint64_t bytesWritten = 0;
  /// The payload of collectives.
  uint64_t bytesCommunicated = 0;

  Cost &operator+=(const Cost &other);
  bool operator==(const Cost &other) const = default;
};

/// The cost of an op by its CostOpInterface; of an op without it, that of its
/// regions. `dist.run` costs what its fragment costs.
Cost costOf(mlir::Operation *op);
/// The sum over the region's ops.
Cost costOf(mlir::Region &region);

/// `flops` with each operand read and each result written once.
Cost costOfTensors(mlir::Operation *op, uint64_t flops);
/// The bytes of a ranked, static tensor.
uint64_t bytesOf(mlir::Value value);
/// Elements of a ranked, static tensor.
uint64_t elementsOf(mlir::Value value);
/// A product that saturates.
uint64_t productOf(llvm::ArrayRef<int64_t> sizes);

struct Device;
// Declared in Time.h; the interface's default needs it.
double secondsOf(const Device &device, OpFamily family, const Cost &cost);

/// Attaches CostOpInterface to the ops of nn and dist, family by family.
void registerCostExternalModels(mlir::DialectRegistry &registry);

namespace cost {
void registerElementwiseCost(mlir::DialectRegistry &registry);
void registerNormalisationCost(mlir::DialectRegistry &registry);
void registerSampleNormalisationCost(mlir::DialectRegistry &registry);
void registerAttentionCost(mlir::DialectRegistry &registry);
void registerStructuredCost(mlir::DialectRegistry &registry);
void registerRandomCost(mlir::DialectRegistry &registry);
void registerRecurrentCost(mlir::DialectRegistry &registry);
void registerShapeCost(mlir::DialectRegistry &registry);
void registerGatherCost(mlir::DialectRegistry &registry);
void registerTrainingCost(mlir::DialectRegistry &registry);
void registerTimelineCost(mlir::DialectRegistry &registry);
void registerKernelCost(mlir::DialectRegistry &registry);
} // namespace cost

} // namespace dtc

#include "dtc/Cost/CostInterface.h.inc"

#endif // DTC_COST_COST_H
