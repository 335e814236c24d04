// Sharding rule of the matrix product.
#include "dialects/NN/NN.h"
#include "dtc/Sharding/ExternalModels.h"
#include "dtc/Sharding/ShardingRule.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::sharding;

namespace {
/// a [batch…, m, k], b [batch…, k, n] -> y [batch…, m, n]; k is summed.
struct MatmulSharding
    : ShardingRuleOpInterface::ExternalModel<MatmulSharding, nn::MatmulOp> {
  ShardingRule getShardingRule(Operation *op) const {
    auto matmul = cast<nn::MatmulOp>(op);
    ArrayRef<int64_t> aShape = shapeOf(matmul.getA()), bShape = shapeOf(matmul.getB());
    ArrayRef<int64_t> yShape = shapeOf(matmul.getY());
    bool hasEpilogue = matmul.getEpilogueAttr() != nullptr;
    // Summed over shares of k, the bias would count once a rank.
    FactorKind kKind = matmul.getBias() || hasEpilogue ? FactorKind::Whole : FactorKind::Sum;

    ShardingRule rule(op);
    TensorFactors batch = rule.addAll(FactorKind::Parallel, yShape.drop_back(2));
    unsigned m = rule.add(FactorKind::Parallel, yShape[yShape.size() - 2]);
    unsigned n = rule.add(FactorKind::Parallel, yShape.back());
    unsigned k = rule.add(
        kKind, aShape[aShape.size() - (matmul.getTransposeA() ? 2 : 1)]);

    auto dims = [&](ArrayRef<int64_t> shape, unsigned row, unsigned column,
                    bool transposed) {
      TensorFactors tensor =
          broadcastFactors(shape.drop_back(2), batch, yShape.drop_back(2));
      if (transposed)
        std::swap(row, column);
      tensor.push_back({row});
      tensor.push_back({column});
      return tensor;
    };
    rule.operands[0] = dims(aShape, m, k, matmul.getTransposeA());
    rule.operands[1] = dims(bShape, k, n, matmul.getTransposeB());
    rule.results[0] = dims(yShape, m, n, false);
    if (matmul.getBias())
      rule.operands[2] = {{n}};
    if (matmul.getEpilogueOperand())
      rule.operands.back() = rule.results[0];
    if (!hasEpilogue && matmul.getBias())
      rule.linear = {{0, 2}, {1, 2}};
    else if (!hasEpilogue)
      rule.linear = {{0}, {1}};
    return rule;
  }
};
} // namespace

void dtc::sharding::registerMatmulSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::MatmulOp::attachInterface<MatmulSharding>(*context);
  });
}
