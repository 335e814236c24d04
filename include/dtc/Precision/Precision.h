// Which precision a step is computed in, and what its ops say to that.
#ifndef DTC_PRECISION_PRECISION_H
#define DTC_PRECISION_PRECISION_H

#include "mlir/IR/OpDefinition.h"

namespace mlir {
class DialectRegistry;
}

namespace dtc {

/// What matrix products and convolutions round their operands to.
enum class Precision {
  F32,
  /// f32 with the 10 bits of fraction that a GPU's tensor cores read.
  TF32,
  /// Mixed precision: activations and their gradients are bf16 as well;
  /// parameters, their gradients, state, sums and losses stay f32.
  BF16,
};

/// How an op takes an operand where activations are bf16.
enum class Reading {
  /// As bf16: a factor of its products.
  Low,
  /// As f32 alone.
  Full,
  /// Either; it hands the values on, in the type that they have.
  Same,
  /// Either; its result is linear in it. Where only f32 of the result is read, f32 of the operand would be better.
  Summed,
  /// Either: it is widened as it is read.
  Either,
};

/// What the readers of a result ask for, directly or behind ops that hand it on.
struct Wanted {
  bool low = false, full = false;
  /// Everybody in the end reads f32: a gradient on its way to its update.
  bool onlyFull = false;
};

/// Element types to which an op wants those operands brought that it reads as they are.
enum class Agreement { None, Low, Full };

/// Attaches PrecisionOpInterface to the ops of nn.
void registerPrecisionExternalModels(mlir::DialectRegistry &registry);

} // namespace dtc

#include "dtc/Precision/PrecisionInterface.h.inc"

#endif // DTC_PRECISION_PRECISION_H
