// Costs of convolution, matrix product and pooling.
#include "dialects/NN/NN.h"
#include "dtc/Cost/Cost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace dtc;

static uint64_t times(uint64_t a, uint64_t b) { return llvm::SaturatingMultiply(a, b); }
static uint64_t plus(uint64_t a, uint64_t b) { return llvm::SaturatingAdd(a, b); }

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

namespace {

/// 2 · N · O · positions of y · C/groups · kernel: each of y's elements is a dot
/// product with one filter. The gradients do the same multiplications.
uint64_t convolutionFlops(Value y, Value weight) {
  return times(2, times(elementsOf(y), productOf(shapeOf(weight).drop_front())));
}

struct ConvCost : CostOpInterface::ExternalModel<ConvCost, nn::ConvOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Convolution; }
  Cost getCost(Operation *op) const {
    auto conv = cast<nn::ConvOp>(op);
    uint64_t elements = elementsOf(conv.getY());
    uint64_t flops = convolutionFlops(conv.getY(), conv.getWeight());
    if (conv.getBias())
      flops = plus(flops, elements);
    if (conv.getEpilogueAttr())
      flops = plus(flops, elements);
    return costOfTensors(op, flops);
  }
};

struct InputGradientCost
    : CostOpInterface::ExternalModel<InputGradientCost, nn::ConvInputGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::ConvolutionGradient; }
  Cost getCost(Operation *op) const {
    auto conv = cast<nn::ConvInputGradientOp>(op);
    return costOfTensors(op, convolutionFlops(conv.getDy(), conv.getWeight()));
  }
};

struct WeightGradientCost
    : CostOpInterface::ExternalModel<WeightGradientCost, nn::ConvWeightGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::ConvolutionGradient; }
  Cost getCost(Operation *op) const {
    auto conv = cast<nn::ConvWeightGradientOp>(op);
    uint64_t flops = convolutionFlops(conv.getDy(), conv.getDweight());
    if (conv.getDbias())
      flops = plus(flops, elementsOf(conv.getDy()));
    return costOfTensors(op, flops);
  }
};

struct MatmulCost : CostOpInterface::ExternalModel<MatmulCost, nn::MatmulOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Matmul; }
  Cost getCost(Operation *op) const {
    auto matmul = cast<nn::MatmulOp>(op);
    ArrayRef<int64_t> a = shapeOf(matmul.getA());
    int64_t inner = a[a.size() - (matmul.getTransposeA() ? 2 : 1)];
    uint64_t elements = elementsOf(matmul.getY());
    uint64_t flops = times(2, times(elements, inner));
    if (matmul.getBias())
      flops = plus(flops, elements);
    if (matmul.getEpilogueAttr())
      flops = plus(flops, elements);
    return costOfTensors(op, flops);
  }
};

/// One comparison, or one addition, for each element of each window; the mean's
/// division is one more.
struct MaxPoolCost : CostOpInterface::ExternalModel<MaxPoolCost, nn::MaxPoolOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Pooling; }
  Cost getCost(Operation *op) const {
    auto pool = cast<nn::MaxPoolOp>(op);
    uint64_t elements = elementsOf(pool.getY());
    uint64_t flops = times(elements, productOf(pool.getKernel()));
    if (pool.getEpilogueAttr())
      flops = plus(flops, elements);
    return costOfTensors(op, flops);
  }
};

struct MaxPoolGradientCost
    : CostOpInterface::ExternalModel<MaxPoolGradientCost, nn::MaxPoolGradientOp> {
  OpFamily getFamily(Operation *) const { return OpFamily::Pooling; }
  Cost getCost(Operation *op) const {
    return costOfTensors(op, elementsOf(op->getOperand(0)));
  }
};

template <typename OpT>
struct AvgPoolCost : CostOpInterface::ExternalModel<AvgPoolCost<OpT>, OpT> {
  OpFamily getFamily(Operation *) const { return OpFamily::Pooling; }
  Cost getCost(Operation *op) const {
    // The smaller tensor has one element a window.
    Value windows = std::is_same_v<OpT, nn::AvgPoolOp> ? Value(op->getResult(0))
                                                       : op->getOperand(0);
    return costOfTensors(op, times(elementsOf(windows),
                                   plus(productOf(cast<OpT>(op).getKernel()), 1)));
  }
};

} // namespace

void dtc::cost::registerStructuredCost(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::ConvOp::attachInterface<ConvCost>(*context);
    nn::ConvInputGradientOp::attachInterface<InputGradientCost>(*context);
    nn::ConvWeightGradientOp::attachInterface<WeightGradientCost>(*context);
    nn::MatmulOp::attachInterface<MatmulCost>(*context);
    nn::MaxPoolOp::attachInterface<MaxPoolCost>(*context);
    nn::MaxPoolGradientOp::attachInterface<MaxPoolGradientCost>(*context);
    nn::AvgPoolOp::attachInterface<AvgPoolCost<nn::AvgPoolOp>>(*context);
    nn::AvgPoolGradientOp::attachInterface<AvgPoolCost<nn::AvgPoolGradientOp>>(*context);
  });
}
