// Families of ops that run at a rate of their own on a device.
#ifndef DTC_COST_OPFAMILY_H
#define DTC_COST_OPFAMILY_H

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstddef>
#include <optional>

namespace dtc {

/// What kind of work an op is. Every op answers through CostOpInterface.
enum class OpFamily {
  Convolution,
  ConvolutionGradient,
  Matmul,
  Elementwise,
  /// Transposes, copies, concatenations: bytes alone.
  Movement,
  Pooling,
  /// Sums along dimensions, softmax.
  Reduction,
  /// Losses and metrics.
  Loss,
  Optimizer,
  /// No work: reshapes, constants.
  View,
};

/// The families that a device has rates for, in the order of the enumeration.
constexpr std::array<llvm::StringLiteral, 9> ratedFamilies = {
    "convolution", "convolution-gradient", "matmul",  "elementwise", "movement",
    "pooling",     "reduction",            "loss",    "optimizer"};

/// The place of a family in `ratedFamilies`; nothing for a family without work
/// on a device.
constexpr std::optional<size_t> ratePosition(OpFamily family) {
  if (family == OpFamily::View)
    return std::nullopt;
  return static_cast<size_t>(family);
}

} // namespace dtc

#endif // DTC_COST_OPFAMILY_H
