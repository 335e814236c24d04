// Binary cross-entropy as exporters write it.
#ifndef DTC_LIB_RECOGNITION_BINARYENTROPY_H
#define DTC_LIB_RECOGNITION_BINARYENTROPY_H

#include "mlir/IR/Value.h"

#include <optional>

namespace dtc::recognition {

/// The terms of a binary cross-entropy of `prediction`, logits or probabilities, against `target`, of the same shape.
struct BinaryEntropy {
  mlir::Value prediction, target;
  bool ofLogits;
};

/// Reads `terms` as `scale` times such terms, -t log p - (1 - t) log(1 - p): with p = sigmoid(z), also (1 - t) z - log sigmoid(z), of logits
/// z; with logarithms that are cut off at -100, as torch.nn.BCELoss does, of probabilities p. `scale` is 1 or -1. None if it is neither:
/// of probabilities without the cut, an op that cuts would be another function.
std::optional<BinaryEntropy> readBinaryEntropy(mlir::Value terms, double &scale);

} // namespace dtc::recognition

#endif // DTC_LIB_RECOGNITION_BINARYENTROPY_H
