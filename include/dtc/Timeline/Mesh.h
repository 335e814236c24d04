// The mesh of ranks: its axes, and where a rank lies on them.
#ifndef DTC_TIMELINE_MESH_H
#define DTC_TIMELINE_MESH_H

#include "mlir/IR/BuiltinOps.h"

namespace dtc::timeline {

/// The module's `shard.grid @mesh`; ranks count its last axis fastest.
struct Mesh {
  /// Fails with a diagnostic if the module has no mesh, or a broken one.
  static llvm::FailureOr<Mesh> of(mlir::ModuleOp module);

  int64_t ranks() const;
  /// The distance in ranks of neighbours along an axis.
  int64_t stride(unsigned axis) const;
  int64_t coordinate(int64_t rank, unsigned axis) const {
    return rank / stride(axis) % shape[axis];
  }
  /// The rank that differs from `rank` in its coordinate on `axis` alone.
  int64_t rankAt(int64_t rank, unsigned axis, int64_t coordinate) const {
    return rank + (coordinate - this->coordinate(rank, axis)) * stride(axis);
  }
  std::optional<unsigned> axisNamed(llvm::StringRef name) const;

  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<std::string> axes;
};

} // namespace dtc::timeline

#endif // DTC_TIMELINE_MESH_H
