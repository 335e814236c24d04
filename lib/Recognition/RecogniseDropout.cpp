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

/// `type` filled with `probability`, of which dropout keeps each element with that probability: 1 or 0.
Value drawOnes(OpBuilder &builder, Location location, RankedTensorType type, double probability) {
  Value kept = nn::ConstantOp::create(builder, location, type,
                                      DenseElementsAttr::get(type, builder.getFloatAttr(type.getElementType(), probability)));
  return nn::DropoutOp::create(builder, location, kept, builder.getF64FloatAttr(1 - probability));
}

/// floor(u + p) is 1 with the probability p, else 0: stochastic depth (Huang et al. 2016) as its implementations write it. True if
/// `sum`, u + p, was that.
bool makeDropoutOfFloor(Operation *sum, nn::RandomUniformOp uniform) {
  if (!isa<nn::AddOp>(sum) || !sum->hasOneUse() || uniform.getLow().convertToDouble() != 0 || uniform.getHigh().convertToDouble() != 1)
    return false;
  auto floor = dyn_cast<nn::FloorOp>(*sum->user_begin());
  SplatElementsAttr splat;
  Value other = sum->getOperand(sum->getOperand(0) == uniform.getY() ? 1 : 0);
  if (!floor || !matchPattern(other, m_Constant(&splat)) || floor->getResult(0).getType() != uniform.getY().getType())
    return false;
  double probability = splat.getSplatValue<APFloat>().convertToDouble();
  if (!(probability > 0 && probability < 1))
    return false;
  OpBuilder builder(floor);
  floor.replaceAllUsesWith(drawOnes(builder, floor.getLoc(), cast<RankedTensorType>(floor->getResult(0).getType()), probability));
  floor.erase();
  return true;
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
    cast.replaceAllUsesWith(drawOnes(builder, cast.getLoc(), type, probability));
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
      if (makeDropoutOfFloor(comparison, uniform)) {
        comparison->erase();
        uniform.erase();
        continue;
      }
      std::optional<double> probability = probabilityOf(comparison, uniform);
      if (!probability || !comparison->hasOneUse() || !makeDropout(comparison, *probability))
        continue;
      comparison->erase();
      uniform.erase();
    }
  }
};

} // namespace
