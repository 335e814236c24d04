// The mesh of ranks: its axes, and where a rank lies on them.
#ifndef DTC_MESH_MESH_H
#define DTC_MESH_MESH_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace dtc {

/// What a module has as `shard.grid @mesh`. Ranks count its last axis fastest.
struct Mesh {
  struct Axis {
    std::string name;
    int64_t size = 1;
    /// "data:2"
    std::string str() const { return name + ":" + std::to_string(size); }
  };

  /// Along it ranks share the batch.
  static constexpr llvm::StringLiteral data = "data";
  /// Along it ranks share the layers.
  static constexpr llvm::StringLiteral pipe = "pipe";
  /// Along it ranks share parameters and the work on them.
  static constexpr llvm::StringLiteral tensor = "tensor";
  /// More ranks than any machine has: what visits each stays fast, products of sizes are far from overflow.
  static constexpr int64_t mostRanks = 1 << 20;

  /// Axes as they are written, `data:2` and `pipe:4`: each once, with mostRanks ranks at most. The error is one line and names
  /// the entry. Any name will do; see checkNames().
  static llvm::Expected<Mesh> parse(llvm::ArrayRef<std::string> entries);
  /// The same in one text: "data:2,pipe:4".
  static llvm::Expected<Mesh> parse(llvm::StringRef text);
  /// The same; what it may leave out is an axis `batchAxis` of that many ranks, which comes first.
  static llvm::Expected<Mesh> parse(llvm::ArrayRef<std::string> entries, int64_t batchRanks, llvm::StringRef batchAxis = data);
  /// One axis.
  static Mesh line(llvm::StringRef name, int64_t size) { return Mesh{{Axis{name.str(), size}}}; }
  /// Fails with a diagnostic if the module has no mesh, or a broken one.
  static llvm::FailureOr<Mesh> of(mlir::ModuleOp module);

  /// An error that names the first axis that is none of those above.
  llvm::Error checkNames() const;
  /// Writes it to the head of a module that has none.
  void createIn(mlir::ModuleOp module) const;
  /// "data:2,pipe:4"
  std::string str() const;
  /// "data, pipe"
  std::string names() const;

  int64_t ranks() const;
  /// The distance in ranks of neighbours along an axis.
  int64_t stride(unsigned axis) const;
  int64_t coordinate(int64_t rank, unsigned axis) const { return rank / stride(axis) % axes[axis].size; }
  /// The rank that differs from `rank` in its coordinate on `axis` alone.
  int64_t rankAt(int64_t rank, unsigned axis, int64_t coordinate) const {
    return rank + (coordinate - this->coordinate(rank, axis)) * stride(axis);
  }
  std::optional<unsigned> axisNamed(llvm::StringRef name) const;
  bool has(llvm::StringRef name) const { return axisNamed(name).has_value(); }
  /// 1 along an axis that the mesh does not have.
  int64_t size(llvm::StringRef name) const;

  llvm::SmallVector<Axis> axes;
};

} // namespace dtc

#endif // DTC_MESH_MESH_H
