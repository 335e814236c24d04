// How the dimensions of an op's operands and results hang together: factors.
#ifndef DTC_SHARDING_SHARDINGRULE_H
#define DTC_SHARDING_SHARDINGRULE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace dtc::sharding {

enum class FactorKind {
  /// The op works on each index alone; every result has the factor.
  Parallel,
  /// Like Parallel for the results that have the factor; a result without it
  /// is a sum over it, so that ranks with a share each hold a partial sum.
  Sum,
  /// The op needs every index at once.
  Whole,
};

/// One loop of an op: a name for dimensions that are indexed together.
struct Factor {
  FactorKind kind;
  int64_t size;
};

/// The factors of one dimension, the major one first: a dimension that a
/// reshape made of [N, T] has the factors N, T. Empty for a dimension of size 1
/// that is broadcast.
using DimFactors = llvm::SmallVector<unsigned, 2>;
/// One entry a dimension of a tensor.
using TensorFactors = llvm::SmallVector<DimFactors, 4>;

/// Where in an op one mesh axis acts: the index of `factor` is read as
/// outer x batch x inner, of which every rank has a share of `batch`.
struct FactorShard {
  unsigned factor;
  int64_t outer;
  bool operator==(const FactorShard &other) const = default;
};

/// How one tensor lies on the ranks of a mesh axis.
struct Placement {
  enum class Kind {
    /// Every rank holds all of it.
    Replicated,
    /// Dimension `dim` is outer x batch x inner, and a rank holds
    /// outer x share x inner of it.
    Sharded,
    /// The sum over the ranks is the value.
    Partial,
    /// Each share has its own, of which nothing is made but by ops on the same share.
    Own,
  } kind = Kind::Replicated;
  int64_t dim = 0, outer = 1;

  static Placement replicated() { return {}; }
  static Placement partial() { return {Kind::Partial}; }
  static Placement own() { return {Kind::Own}; }
  static Placement sharded(int64_t dim, int64_t outer = 1) {
    return {Kind::Sharded, dim, outer};
  }
  bool isSharded() const { return kind == Kind::Sharded; }
  bool isPartial() const { return kind == Kind::Partial; }
  bool isOwn() const { return kind == Kind::Own; }
  auto operator<=>(const Placement &other) const = default;
};

/// An op's sharding rule, after Shardy's (openxla/shardy, OpShardingRuleAttr):
/// matmul is `([i, k], [k, j]) -> ([i, j])` with k summed. Operands and results
/// are numbered as the op's own; tensors are ranked and static.
struct ShardingRule {
  /// A rule without factors, with room for the dimensions of `op`.
  explicit ShardingRule(mlir::Operation *op);

  unsigned add(FactorKind kind, int64_t size);
  /// A new factor for each dimension of `shape`.
  TensorFactors addAll(FactorKind kind, llvm::ArrayRef<int64_t> shape);

  /// Which factor the placement of a tensor with these factors shards, for a
  /// batch of `batch` (more than 1); none if the batch lies across factors.
  std::optional<FactorShard> shardOf(const TensorFactors &tensor,
                                     Placement placement, int64_t batch) const;
  /// How a tensor with these factors lies when the op is sharded so; none if
  /// the tensor does not have the factor.
  std::optional<Placement> placementOf(const TensorFactors &tensor,
                                       FactorShard shard) const;

  /// True if every dimension of `op` is the product of its factors and every
  /// result has all Parallel factors.
  bool fits(mlir::Operation *op) const;
  /// Prints it as `([i, k], [k, j]) -> ([i, j]) {i=8, j=4, k=2} sum {k}`.
  void print(llvm::raw_ostream &os) const;

  llvm::SmallVector<Factor> factors;
  llvm::SmallVector<TensorFactors> operands, results;
  /// Sets of operands in which all results together are linear while the other
  /// operands stay the same: {{0, 1}} for a + b, {{0}, {1}} for a * b.
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>> linear;
  /// Sets of operands with which all results are 0 although they are not linear in them: rounding, selection.
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>> vanishing;
  /// What an index of a Whole factor holds in operand 0 for the op to be the same as without that index, whose result is then
  /// of no use: softmax takes no part of what is very small.
  std::optional<double> neutral;
  /// Operands and results that are each share's own where the op is sharded: saved statistics.
  llvm::SmallVector<unsigned, 2> ownOperands, ownResults;
};

/// The factors of an operand of shape `shape` that is broadcast by numpy's
/// rules to dimensions with factors `result` and shape `resultShape`.
TensorFactors broadcastFactors(llvm::ArrayRef<int64_t> shape,
                               const TensorFactors &result,
                               llvm::ArrayRef<int64_t> resultShape);

/// The shape of a value of the op; a label, a state or a scalar alike.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

/// `op` with other operands and result types, all else the same.
mlir::Operation *cloneWithTypes(mlir::Operation *op, mlir::OpBuilder &builder,
                                mlir::ValueRange operands,
                                mlir::TypeRange types);

} // namespace dtc::sharding

#include "dtc/Sharding/ShardingRuleInterface.h.inc"

#endif // DTC_SHARDING_SHARDINGRULE_H
