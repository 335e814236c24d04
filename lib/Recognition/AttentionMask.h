// What is done to attention's scores between their product and the softmax: scaled, added to, replaced where a key is hidden.
#ifndef DTC_LIB_RECOGNITION_ATTENTIONMASK_H
#define DTC_LIB_RECOGNITION_ATTENTIONMASK_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace dtc::recognition {

/// The scores before a softmax: `scale` times a product, and a mask as nn.attention has it.
struct AttentionScores {
  mlir::Value product;
  double scale = 1;
  bool causal = false;
  /// Of truth values or numbers to add, of a shape that broadcasts to the scores'; null if none.
  mlir::Value mask;
  /// Whether `mask`, of truth values, says which keys are hidden rather than which are seen.
  bool masksHidden = false;
  /// A constant that the mask is to be made of; null if none.
  mlir::DenseElementsAttr constant;

  mlir::Value buildMask(mlir::OpBuilder &builder, mlir::Location location) const;
};

/// Reads the scores that `softmaxed`, what a softmax over the last dimension takes, is made of. `guarded` says that probabilities which are
/// no numbers become 0: those of a query all of whose keys have -infinity. None where nn.attention would not have the parts' values and
/// gradients, or this cannot be proved: the reasons stand in Rationale.md.
std::optional<AttentionScores> readScores(mlir::Value softmaxed, bool guarded);

} // namespace dtc::recognition

#endif // DTC_LIB_RECOGNITION_ATTENTIONMASK_H
