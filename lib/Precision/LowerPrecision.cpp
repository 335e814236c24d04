// dtc-lower-precision: bf16 where ops read it, casts where the types of two ops meet.
#include "dtc/Precision/Passes.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace dtc {
#define GEN_PASS_DEF_LOWERPRECISIONPASS
#include "dtc/Precision/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;

static Type elementOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getElementType() : Type();
}
static bool isLow(Value value) { return elementOf(value) && elementOf(value).isBF16(); }
static bool isFull(Value value) { return elementOf(value) && elementOf(value).isF32(); }

namespace {

/// Lowers one function of straight-line code: first what readers want is found,
/// from the end to the beginning, then each op is given its types, in order.
class FunctionLowering {
public:
  explicit FunctionLowering(func::FuncOp function)
      : function(function), body(function.getBody().front()), builder(function.getContext()) {}

  LogicalResult run();
  unsigned casts = 0;

private:
  void findWanted(Operation *op);
  SmallVector<Wanted> wantedOf(Operation *op) const {
    return llvm::map_to_vector(op->getResults(), [&](Value result) { return wanted.lookup(result); });
  }
  LogicalResult lower(PrecisionOpInterface op);
  Agreement agreementOf(PrecisionOpInterface op, ArrayRef<Wanted> results) const;
  /// The value as bf16, or as f32; made before `op` unless it is there.
  Value converted(Value value, bool low, Operation *op);
  Value cast(Value value, Type element, Location location);

  bool isParameter(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && function.getArgAttr(argument.getArgNumber(), nn::names::parameter);
  }

  func::FuncOp function;
  Operation *lastCopy = nullptr;
  Block &body;
  OpBuilder builder;
  DenseMap<Value, Wanted> wanted;
  DenseMap<Value, Value> others;
};

} // namespace

/// A step's result is f32, but that makes no gradient of what leads there.
static Reading readingOf(OpOperand &operand) {
  auto op = dyn_cast<PrecisionOpInterface>(operand.getOwner());
  return op ? op.getReading(operand) : Reading::Full;
}

void FunctionLowering::findWanted(Operation *op) {
  for (Value result : op->getResults()) {
    if (!isFull(result))
      continue;
    Wanted own;
    bool any = false, only = true;
    for (OpOperand &use : result.getUses()) {
      Operation *reader = use.getOwner();
      Reading reading = readingOf(use);
      Wanted behind;
      behind.onlyFull = reader->getNumResults() > 0;
      for (Value made : reader->getResults()) {
        Wanted ofMade = wanted.lookup(made);
        behind.low |= ofMade.low;
        behind.full |= ofMade.full;
        behind.onlyFull &= ofMade.onlyFull;
      }
      own.low |= reading == Reading::Low || (reading == Reading::Same && behind.low);
      own.full |= reading == Reading::Full || (reading == Reading::Same && behind.full);
      any = true;
      only &= (reading == Reading::Full && !reader->hasTrait<OpTrait::IsTerminator>()) ||
              ((reading == Reading::Same || reading == Reading::Summed) && behind.onlyFull);
    }
    own.onlyFull = any && only;
    wanted[result] = own;
  }
}

Value FunctionLowering::cast(Value value, Type element, Location location) {
  ++casts;
  auto type = cast_if_present<RankedTensorType>(value.getType());
  return nn::CastOp::create(builder, location, type.clone(element), value);
}

Value FunctionLowering::converted(Value value, bool low, Operation *op) {
  if (low ? !isFull(value) : !isLow(value))
    return value;
  Value &other = others[value];
  if (!other) {
    builder.setInsertionPoint(op);
    Location location = op->getLoc();
    // A parameter's copy is no layer's own. All stand at the beginning, so that they can be made together.
    if (isParameter(value)) {
      location = FusedLoc::get(builder.getContext(), {value.getLoc()}, builder.getStringAttr("cast"));
      if (lastCopy)
        builder.setInsertionPointAfter(lastCopy);
      else
        builder.setInsertionPointToStart(&body);
    }
    other = cast(value, low ? Type(builder.getBF16Type()) : Type(builder.getF32Type()), location);
    if (isParameter(value))
      lastCopy = other.getDefiningOp();
    others.try_emplace(other, value);
  }
  return others.lookup(value);
}

/// What hands its operands on reads them as its results are wanted: it moves fewer bytes so.
Agreement FunctionLowering::agreementOf(PrecisionOpInterface op, ArrayRef<Wanted> results) const {
  if (Agreement own = op.getAgreement(results); own != Agreement::None)
    return own;
  bool handsOn = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    return op.getReading(operand) == Reading::Same;
  });
  bool low = handsOn && llvm::any_of(results, [](const Wanted &result) { return result.low && !result.full; });
  return low ? Agreement::Low : Agreement::None;
}

LogicalResult FunctionLowering::lower(PrecisionOpInterface op) {
  for (OpOperand &operand : op->getOpOperands())
    if (Reading reading = op.getReading(operand); reading == Reading::Low || reading == Reading::Full)
      operand.set(converted(operand.get(), reading == Reading::Low, op));
  SmallVector<Wanted> results = wantedOf(op);
  if (Agreement agreed = agreementOf(op, results); agreed != Agreement::None)
    for (OpOperand &operand : op->getOpOperands())
      if (Reading reading = op.getReading(operand); reading != Reading::Low && reading != Reading::Full)
        operand.set(converted(operand.get(), agreed == Agreement::Low, op));
  if (failed(op.setResultTypes(results)))
    return failure();
  // A result that products read is kept as they read it.
  for (auto [result, want] : llvm::zip_equal(op->getResults(), results)) {
    if (!isFull(result) || !want.low || want.full)
      continue;
    builder.setInsertionPointAfter(op);
    Value low = cast(result, builder.getBF16Type(), op->getLoc());
    result.replaceAllUsesExcept(low, low.getDefiningOp());
  }
  return success();
}

LogicalResult FunctionLowering::run() {
  for (Operation &op : llvm::reverse(body))
    findWanted(&op);
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
    auto lowered = dyn_cast<PrecisionOpInterface>(op);
    if (!lowered)
      return op.emitOpError("has no policy for mixed precision (PrecisionOpInterface)");
    if (failed(lower(lowered)))
      return failure();
  }
  Operation *terminator = body.getTerminator();
  for (OpOperand &operand : terminator->getOpOperands())
    operand.set(converted(operand.get(), /*low=*/false, terminator));
  return success();
}

namespace {
struct LowerPrecisionPass : dtc::impl::LowerPrecisionPassBase<LowerPrecisionPass> {
  using LowerPrecisionPassBase::LowerPrecisionPassBase;

  void runOnOperation() override {
    if (precision == Precision::F32)
      return markAllAnalysesPreserved();
    StringRef name = precision == Precision::BF16 ? "bf16" : "tf32";
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function->hasAttr(nn::names::phase))
        continue;
      if (Attribute known = function->getAttr(nn::names::precision)) {
        function.emitError("has a precision already: ") << known;
        return signalPassFailure();
      }
      function->setAttr(nn::names::precision, StringAttr::get(&getContext(), name));
      if (precision != Precision::BF16)
        continue;
      FunctionLowering lowering(function);
      if (failed(lowering.run()))
        return signalPassFailure();
      casts += lowering.casts;
    }
  }
};
} // namespace
