// dtc-recognise-dropout: uniform numbers that are compared with the probability to keep become dropout.
#include "dialects/NN/NN.h"
#include "dtc/Recognition/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

namespace dtc {
#define GEN_PASS_DEF_RECOGNISEDROPOUTPASS
#include "dtc/Recognition/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;

namespace {

/// A comparison of a number drawn with a constant.
struct Comparison {
  /// Of the op: its mnemonic, and which operand is drawn.
  StringRef name;
  unsigned drawn;
  /// Whether it holds where what is drawn is the smaller one. Whether both may be equal matters to no probability.
  bool holdsBelow;
};

constexpr Comparison comparisons[] = {
    {"nn.less", 0, true},     {"nn.less_or_equal", 0, true},     {"nn.less", 1, false},   {"nn.less_or_equal", 1, false},
    {"nn.greater", 0, false}, {"nn.greater_or_equal", 0, false}, {"nn.greater", 1, true}, {"nn.greater_or_equal", 1, true}};

/// The probability that the comparison of `uniform` with a constant holds; none if that is not what `op` is.
std::optional<double> probabilityOf(Operation *op, nn::RandomUniformOp uniform) {
  double low = uniform.getLow().convertToDouble(), high = uniform.getHigh().convertToDouble();
  for (const Comparison &comparison : comparisons) {
    if (op->getName().getStringRef() != comparison.name || op->getOperand(comparison.drawn) != uniform.getY())
      continue;
    SplatElementsAttr splat;
    if (!matchPattern(op->getOperand(1 - comparison.drawn), m_Constant(&splat)) || !isa<FloatType>(splat.getElementType()))
      return std::nullopt;
    double at = (splat.getSplatValue<APFloat>().convertToDouble() - low) / (high - low);
    if (!(at >= 0 && at <= 1)) // always, never, or no number
      return std::nullopt;
    return comparison.holdsBelow ? at : 1 - at;
  }
  return std::nullopt;
}

/// Makes dropout of every cast of `comparison` to a number; true if nothing else reads it.
bool makeDropout(Operation *comparison, double probability) {
  bool all = true;
  for (Operation *user : llvm::make_early_inc_range(comparison->getUsers())) {
    auto cast = dyn_cast<nn::CastOp>(user);
    auto type = cast ? dyn_cast<RankedTensorType>(cast.getY().getType()) : RankedTensorType();
    if (!type || !isa<FloatType>(type.getElementType())) {
      all = false;
      continue;
    }
    OpBuilder builder(cast);
    Value kept = nn::ConstantOp::create(builder, cast.getLoc(), type,
                                        DenseElementsAttr::get(type, builder.getFloatAttr(type.getElementType(), probability)));
    Value dropped = nn::DropoutOp::create(builder, cast.getLoc(), kept, builder.getF64FloatAttr(1 - probability));
    cast.replaceAllUsesWith(dropped);
    cast.erase();
  }
  return all;
}

struct RecogniseDropoutPass : dtc::impl::RecogniseDropoutPassBase<RecogniseDropoutPass> {
  using RecogniseDropoutPassBase::RecogniseDropoutPassBase;

  void runOnOperation() override {
    SmallVector<nn::RandomUniformOp> drawn;
    getOperation().walk([&](nn::RandomUniformOp op) { drawn.push_back(op); });
    for (nn::RandomUniformOp uniform : drawn) {
      // Read twice, both readers would drop the same: two dropouts would not.
      if (!uniform->hasOneUse())
        continue;
      Operation *comparison = *uniform->user_begin();
      std::optional<double> probability = probabilityOf(comparison, uniform);
      if (!probability || !comparison->hasOneUse() || !makeDropout(comparison, *probability))
        continue;
      comparison->erase();
      uniform.erase();
    }
  }
};

} // namespace
