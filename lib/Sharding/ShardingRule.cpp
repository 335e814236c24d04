// Sharding rules: lookup between tensors' placements and factors, printing.
#include "dtc/Sharding/ShardingRule.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc::sharding;

#include "dtc/Sharding/ShardingRuleInterface.cpp.inc"

ArrayRef<int64_t> dtc::sharding::shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

ShardingRule::ShardingRule(Operation *op) {
  for (Value operand : op->getOperands())
    operands.emplace_back(shapeOf(operand).size());
  for (Value result : op->getResults())
    results.emplace_back(shapeOf(result).size());
}

unsigned ShardingRule::add(FactorKind kind, int64_t size) {
  factors.push_back({kind, size});
  return factors.size() - 1;
}

TensorFactors ShardingRule::addAll(FactorKind kind, ArrayRef<int64_t> shape) {
  TensorFactors dims;
  for (int64_t size : shape)
    dims.push_back({add(kind, size)});
  return dims;
}

// A dimension counts its factors like digits: factor j with size s stands at
// the place value p (the product of the sizes before it) and covers [p, p * s);
// the batch covers [outer, outer * batch).
std::optional<FactorShard> ShardingRule::shardOf(const TensorFactors &tensor,
                                                 Placement placement,
                                                 int64_t batch) const {
  int64_t place = 1;
  for (unsigned factor : tensor[placement.dim]) {
    int64_t end = place * factors[factor].size;
    if (placement.outer % place == 0 && end % (placement.outer * batch) == 0)
      return FactorShard{factor, placement.outer / place};
    place = end;
  }
  return std::nullopt;
}

std::optional<Placement>
ShardingRule::placementOf(const TensorFactors &tensor, FactorShard shard) const {
  for (auto [dim, dimFactors] : llvm::enumerate(tensor)) {
    int64_t place = 1;
    for (unsigned factor : dimFactors) {
      if (factor == shard.factor)
        return Placement::sharded(dim, place * shard.outer);
      place *= factors[factor].size;
    }
  }
  return std::nullopt;
}

bool ShardingRule::fits(Operation *op) const {
  auto sizesFit = [&](ValueRange values, ArrayRef<TensorFactors> tensors) {
    if (values.size() != tensors.size())
      return false;
    for (auto [value, tensor] : llvm::zip_equal(values, tensors)) {
      ArrayRef<int64_t> shape = shapeOf(value);
      if (shape.size() != tensor.size())
        return false;
      for (auto [size, dimFactors] : llvm::zip_equal(shape, tensor)) {
        int64_t product = 1;
        for (unsigned factor : dimFactors)
          product *= factors[factor].size;
        if (product != size)
          return false;
      }
    }
    return true;
  };
  if (!sizesFit(op->getOperands(), operands) ||
      !sizesFit(op->getResults(), results))
    return false;
  for (auto [index, factor] : llvm::enumerate(factors))
    for (const TensorFactors &result : results)
      if (factor.kind == FactorKind::Parallel &&
          !placementOf(result, {static_cast<unsigned>(index), 1}))
        return false;
  return true;
}

/// i, j, …, z, then f18, f19, …
static std::string factorName(unsigned factor) {
  if (factor < 18)
    return std::string(1, static_cast<char>('i' + factor));
  return ("f" + Twine(factor)).str();
}

void ShardingRule::print(raw_ostream &os) const {
  auto printTensors = [&](ArrayRef<TensorFactors> tensors) {
    os << "(";
    llvm::interleaveComma(tensors, os, [&](const TensorFactors &tensor) {
      os << "[";
      llvm::interleaveComma(tensor, os, [&](const DimFactors &dim) {
        if (dim.empty())
          os << "1";
        for (unsigned factor : dim)
          os << factorName(factor);
      });
      os << "]";
    });
    os << ")";
  };
  auto printKind = [&](FactorKind kind, StringRef name) {
    SmallVector<std::string> names;
    for (auto [index, factor] : llvm::enumerate(factors))
      if (factor.kind == kind)
        names.push_back(factorName(index));
    if (!names.empty())
      os << " " << name << " {" << llvm::join(names, ", ") << "}";
  };
  printTensors(operands);
  os << " -> ";
  printTensors(results);
  os << " {";
  llvm::interleaveComma(llvm::enumerate(factors), os, [&](auto it) {
    os << factorName(it.index()) << "=" << it.value().size;
  });
  os << "}";
  printKind(FactorKind::Sum, "sum");
  printKind(FactorKind::Whole, "whole");
  if (!linear.empty()) {
    os << " linear ";
    llvm::interleaveComma(linear, os, [&](ArrayRef<unsigned> set) {
      os << "{";
      llvm::interleaveComma(set, os);
      os << "}";
    });
  }
  if (!ownOperands.empty() || !ownResults.empty()) {
    os << " own {";
    llvm::interleaveComma(ownOperands, os);
    os << "} -> {";
    llvm::interleaveComma(ownResults, os);
    os << "}";
  }
}

TensorFactors dtc::sharding::broadcastFactors(ArrayRef<int64_t> shape,
                                               const TensorFactors &result,
                                               ArrayRef<int64_t> resultShape) {
  TensorFactors dims;
  size_t lead = result.size() - shape.size();
  for (auto [dim, size] : llvm::enumerate(shape))
    dims.push_back(size == resultShape[lead + dim] ? result[lead + dim]
                                                   : DimFactors());
  return dims;
}

Operation *dtc::sharding::cloneWithTypes(Operation *op, OpBuilder &builder,
                                          ValueRange operands,
                                          TypeRange types) {
  OperationState state(op->getLoc(), op->getName(), operands, types,
                       op->getAttrs());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  return builder.create(state);
}
