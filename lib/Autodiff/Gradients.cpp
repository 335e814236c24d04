// Reverse-mode differentiation: walks back over the ops, asks each for its
// adjoint, sums what several uses contribute, and orders what was built.
#include "dtc/Autodiff/Gradients.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace dtc;

Location dtc::getAdjointLoc(Location forward) {
  MLIRContext *context = forward.getContext();
  return FusedLoc::get(context, {forward}, StringAttr::get(context, "adjoint"));
}

namespace {

class ReverseMode {
public:
  ReverseMode(OpBuilder &builder, ArrayRef<Value> wrt)
      : builder(getAdjointLoc(builder.getUnknownLoc()), builder),
        active(wrt.begin(), wrt.end()) {
    Block *block = builder.getInsertionBlock();
    for (Operation &op : llvm::make_range(block->begin(), builder.getInsertionPoint())) {
      forward.push_back(&op);
      if (llvm::any_of(op.getOperands(), [&](Value v) { return active.contains(v); }))
        for (Value result : op.getResults())
          if (nn::hasGradient(result.getType()))
            active.insert(result);
    }
  }

  LogicalResult run(Value output, Value outputGradient) {
    if (active.contains(output))
      gradients[output] = outputGradient;
    for (Operation *op : llvm::reverse(forward))
      if (failed(differentiate(op)))
        return failure();
    return success();
  }

  Value gradientOf(Value value) const { return gradients.lookup(value); }

private:
  LogicalResult differentiate(Operation *op) {
    SmallVector<Value> resultGradients;
    for (Value result : op->getResults())
      resultGradients.push_back(gradients.lookup(result));
    SmallVector<bool> needed;
    for (Value operand : op->getOperands())
      needed.push_back(active.contains(operand));
    if (!llvm::is_contained(needed, true) ||
        llvm::all_of(resultGradients, [](Value v) { return !v; }))
      return success();

    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitError() << "'" << op->getName()
                             << "' lies between a parameter and the loss but "
                                "has no adjoint";
    if (auto fused = dyn_cast<nn::TakesEpilogue>(op); fused && fused.getEpilogueAttr())
      return op->emitOpError("with an epilogue has no adjoint: differentiate before fusing");
    builder.setLoc(getAdjointLoc(op->getLoc()));
    FailureOr<SmallVector<Value>> operandGradients =
        differentiable.buildAdjoint(builder, resultGradients, needed);
    if (failed(operandGradients))
      return failure();
    for (auto [operand, gradient, need] :
         llvm::zip_equal(op->getOperands(), *operandGradients, needed))
      if (need && gradient)
        accumulate(operand, gradient);
    return success();
  }

  void accumulate(Value value, Value gradient) {
    Value &sum = gradients[value];
    if (!sum) {
      sum = gradient;
      return;
    }
    builder.setLoc(getAdjointLoc(value.getLoc()));
    sum = nn::AddOp::create(builder, sum, gradient);
  }

  ImplicitLocOpBuilder builder;
  SmallVector<Operation *> forward;
  /// Values that depend on wrt; integers and booleans do so by jumps alone.
  llvm::DenseSet<Value> active;
  llvm::DenseMap<Value, Value> gradients;
};

/// Puts the ops of [first, last) into the order in which the gradients can be
/// finished one after the other, each preceded by what it needs and nothing
/// else; erases ops that none of them needs.
///
/// Walking backwards builds all gradients of an op together. Here the ones of
/// its parameters move before the one that leads further down, so that their
/// communication starts earlier.
void orderByDemand(Block *block, Block::iterator first, Block::iterator last,
                   ArrayRef<Value> gradients) {
  llvm::DenseMap<Operation *, unsigned> position;
  SmallVector<Operation *> built;
  for (Operation &op : llvm::make_range(first, last)) {
    position[&op] = built.size();
    built.push_back(&op);
  }
  SmallVector<unsigned> demanded;
  for (Value gradient : gradients)
    if (gradient && gradient.getDefiningOp())
      if (auto it = position.find(gradient.getDefiningOp()); it != position.end())
        demanded.push_back(it->second);
  llvm::sort(demanded);

  SmallVector<bool> placed(built.size(), false);
  for (unsigned demand : demanded) {
    SmallVector<unsigned> closure, worklist{demand};
    while (!worklist.empty()) {
      unsigned i = worklist.pop_back_val();
      if (std::exchange(placed[i], true))
        continue;
      closure.push_back(i);
      for (Value operand : built[i]->getOperands())
        if (Operation *op = operand.getDefiningOp())
          if (auto it = position.find(op); it != position.end())
            worklist.push_back(it->second);
    }
    llvm::sort(closure);
    for (unsigned i : closure)
      built[i]->moveBefore(block, last);
  }
  for (unsigned i = built.size(); i-- > 0;)
    if (!placed[i])
      built[i]->erase();
}

} // namespace

FailureOr<SmallVector<Value>> dtc::buildGradients(OpBuilder &builder,
                                                  Value output,
                                                  Value outputGradient,
                                                  ArrayRef<Value> wrt) {
  Block *block = builder.getInsertionBlock();
  auto insertion = builder.getInsertionPoint();
  Operation *before =
      insertion == block->begin() ? nullptr : &*std::prev(insertion);

  ReverseMode reverse(builder, wrt);
  if (failed(reverse.run(output, outputGradient)))
    return failure();
  SmallVector<Value> gradients;
  for (Value value : wrt)
    gradients.push_back(reverse.gradientOf(value));

  auto first = before ? std::next(before->getIterator()) : block->begin();
  if (first != insertion)
    orderByDemand(block, first, insertion, gradients);
  return gradients;
}

FailureOr<SmallVector<Value>> dtc::buildGradients(OpBuilder &builder, Value scalar,
                                                  ArrayRef<Value> wrt) {
  auto type = cast<RankedTensorType>(scalar.getType());
  auto one = DenseElementsAttr::get(type, FloatAttr::get(type.getElementType(), 1.0));
  Value seed = nn::ConstantOp::create(builder, getAdjointLoc(scalar.getLoc()),
                                      type, one);
  return buildGradients(builder, scalar, seed, wrt);
}
