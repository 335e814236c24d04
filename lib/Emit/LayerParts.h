// The layers that the ops of a fragment belong to, as headings tell them;
// private to Emit.
#ifndef DTC_LIB_EMIT_LAYERPARTS_H
#define DTC_LIB_EMIT_LAYERPARTS_H

#include "dialects/RT/RT.h"

#include "llvm/ADT/DenseSet.h"

namespace dtc::emit {

/// Forwards and backwards a part begins and ends at a layer with parameters;
/// what stands between two of them (activations, pooling) belongs to the one
/// before it, backwards to the one behind it.
class LayerParts {
public:
  explicit LayerParts(rt::ProgramOp program);

  struct Part {
    /// Null: of no layer that is known.
    mlir::StringAttr layer;
    /// Whether gradients are computed.
    bool adjoint = false;
    bool operator==(const Part &) const = default;
  };
  /// Of each op in turn. A loop is a part of its own.
  llvm::SmallVector<Part> of(llvm::ArrayRef<mlir::Operation *> ops) const;

private:
  /// With parameters.
  llvm::DenseSet<mlir::StringAttr> layers;
};

} // namespace dtc::emit

#endif // DTC_LIB_EMIT_LAYERPARTS_H
