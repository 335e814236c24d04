// Queries, keys and values as attention takes them, behind the transposes, scales and repetitions that exporters put before a product.
#ifndef DTC_LIB_RECOGNITION_ATTENTIONOPERAND_H
#define DTC_LIB_RECOGNITION_ATTENTIONOPERAND_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace dtc::recognition {

/// A value that is `scale` times `source` with its dimensions in another order: dimension i is dimension permutation[i] of `source`.
struct AttentionOperand {
  mlir::Value source;
  llvm::SmallVector<int64_t> permutation;
  double scale = 1;

  /// `value` itself, with its last two dimensions swapped if `swapped`; then as far behind transposes and products with a number as these
  /// go.
  static AttentionOperand of(mlir::Value value, bool swapped);

  /// The same where one head of `source` was repeated for several of what this is, [N, G, …] as [N, G R, …] (an Expand between reshapes):
  /// of the heads before that. None if it was not.
  std::optional<AttentionOperand> withoutRepeatedHeads() const;

  /// The shape in the order of the permutation.
  llvm::SmallVector<int64_t> getShape() const;

  bool hasPermutation(llvm::ArrayRef<int64_t> expected) const { return llvm::ArrayRef(permutation) == expected; }

  /// What this is, without its scale.
  mlir::Value build(mlir::OpBuilder &builder, mlir::Location location) const;

private:
  void lookThrough();
};

} // namespace dtc::recognition

#endif // DTC_LIB_RECOGNITION_ATTENTIONOPERAND_H
