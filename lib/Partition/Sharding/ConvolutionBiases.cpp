// Takes biases and their gradients out of convolutions, and puts gradients back.
#include "lib/Partition/Sharding/ConvolutionBiases.h"

#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;

/// All dimensions but that of the channels.
static SmallVector<int64_t> allButChannels(Type image) {
  SmallVector<int64_t> axes = {0};
  llvm::append_range(axes, llvm::seq<int64_t>(2, cast<RankedTensorType>(image).getRank()));
  return axes;
}

static void splitBias(nn::ConvOp conv) {
  if (!conv.getBias() || conv.getEpilogueAttr())
    return;
  OpBuilder builder(conv->getContext());
  builder.setInsertionPointAfter(conv);
  auto image = cast<RankedTensorType>(conv.getY().getType()), bias = cast<RankedTensorType>(conv.getBias().getType());
  SmallVector<int64_t> shape(image.getRank() - 1, 1);
  shape.front() = bias.getDimSize(0);
  Value column = nn::ReshapeOp::create(builder, conv.getLoc(), bias.clone(shape), conv.getBias());
  auto sum = nn::AddOp::create(builder, conv.getLoc(), image, conv.getY(), column);
  conv.getBiasMutable().clear();
  conv.getY().replaceAllUsesExcept(sum, sum);
}

static void splitBiasGradient(nn::ConvWeightGradientOp gradient) {
  if (!gradient.getDbias())
    return;
  OpBuilder builder(gradient);
  Operation *alone = builder.create(gradient.getLoc(), gradient->getName().getIdentifier(), gradient->getOperands(),
                                    TypeRange(gradient.getDweight().getType()), gradient->getAttrs());
  Value sum = nn::ReduceSumOp::create(builder, gradient.getLoc(), gradient.getDbias().getType(), gradient.getDy(),
                                      allButChannels(gradient.getDy().getType()), /*keep_dims=*/false);
  gradient.getDweight().replaceAllUsesWith(alone->getResult(0));
  gradient.getDbias().replaceAllUsesWith(sum);
  gradient.erase();
}

void dtc::partition::splitBiases(func::FuncOp step) {
  for (Operation &op : llvm::make_early_inc_range(step.getBody().front())) {
    if (auto conv = dyn_cast<nn::ConvOp>(op))
      splitBias(conv);
    else if (auto gradient = dyn_cast<nn::ConvWeightGradientOp>(op))
      splitBiasGradient(gradient);
  }
}

void dtc::partition::joinBiasGradients(func::FuncOp step) {
  for (auto gradient : llvm::make_early_inc_range(step.getOps<nn::ConvWeightGradientOp>())) {
    if (gradient.getDbias())
      continue;
    Value dy = gradient.getDy();
    auto sum = llvm::find_if(dy.getUsers(), [&](Operation *user) {
      auto reduce = dyn_cast<nn::ReduceSumOp>(user);
      return reduce && !reduce.getKeepDims() && reduce.getAxes() == ArrayRef<int64_t>(allButChannels(dy.getType())) &&
             gradient->isBeforeInBlock(user);
    });
    if (sum == dy.user_end())
      continue;
    Operation *reduce = *sum;
    OpBuilder builder(gradient);
    Operation *both = builder.create(gradient.getLoc(), gradient->getName().getIdentifier(), gradient->getOperands(),
                                     {gradient.getDweight().getType(), reduce->getResult(0).getType()}, gradient->getAttrs());
    gradient.getDweight().replaceAllUsesWith(both->getResult(0));
    reduce->getResult(0).replaceAllUsesWith(both->getResult(1));
    reduce->erase();
    gradient.erase();
  }
}
