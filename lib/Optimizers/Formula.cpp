// Formulas as arith and math ops.
#include "dtc/Optimizers/Formula.h"
#include "dtc/Optimizers/FormulaSize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace dtc;

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

template <typename Op>
static Quantity unary(Quantity a) {
  Formula &f = a.in();
  return {f, Op::create(f.getBuilder(), f.getLoc(), a.get())};
}

/// Both as elements, if one is.
static std::pair<Value, Value> alike(Quantity a, Quantity b) {
  Formula &f = a.in();
  if (a.get().getType() == b.get().getType())
    return {a.get(), b.get()};
  return {f.elementOf(a.get()), f.elementOf(b.get())};
}

template <typename Op>
static Quantity binary(Quantity a, Quantity b) {
  Formula &f = a.in();
  auto [left, right] = alike(a, b);
  return {f, Op::create(f.getBuilder(), f.getLoc(), left, right)};
}

static Quantity like(Quantity a, double value) { return {a.in(), a.in().constant(value, a.get().getType())}; }

static Condition compare(arith::CmpFPredicate predicate, Quantity a, Quantity b) {
  Formula &f = a.in();
  auto [left, right] = alike(a, b);
  return {arith::CmpFOp::create(f.getBuilder(), f.getLoc(), predicate, left, right)};
}

Quantity dtc::operator+(Quantity a, Quantity b) { return binary<arith::AddFOp>(a, b); }
Quantity dtc::operator-(Quantity a, Quantity b) { return binary<arith::SubFOp>(a, b); }
Quantity dtc::operator*(Quantity a, Quantity b) { return binary<arith::MulFOp>(a, b); }
Quantity dtc::operator/(Quantity a, Quantity b) { return binary<arith::DivFOp>(a, b); }
Quantity dtc::operator-(Quantity a) { return unary<arith::NegFOp>(a); }
Quantity dtc::operator+(double a, Quantity b) { return like(b, a) + b; }
Quantity dtc::operator-(double a, Quantity b) { return like(b, a) - b; }
Quantity dtc::operator*(double a, Quantity b) { return like(b, a) * b; }
Quantity dtc::operator/(double a, Quantity b) { return like(b, a) / b; }
Quantity dtc::operator+(Quantity a, double b) { return a + like(a, b); }
Quantity dtc::operator-(Quantity a, double b) { return a - like(a, b); }
Quantity dtc::operator*(Quantity a, double b) { return a * like(a, b); }
Condition dtc::operator>(Quantity a, double b) { return compare(arith::CmpFPredicate::OGT, a, like(a, b)); }
Condition dtc::operator==(Quantity a, double b) { return compare(arith::CmpFPredicate::OEQ, a, like(a, b)); }

Quantity dtc::select(Condition condition, Quantity a, Quantity b) {
  Formula &f = a.in();
  auto [left, right] = alike(a, b);
  return {f, arith::SelectOp::create(f.getBuilder(), f.getLoc(), condition.value, left, right)};
}
Quantity dtc::select(Condition condition, double a, Quantity b) { return select(condition, like(b, a), b); }
Quantity dtc::select(Condition condition, Quantity a, double b) { return select(condition, a, like(a, b)); }

Quantity dtc::sqrt(Quantity a) { return unary<math::SqrtOp>(a); }
Quantity dtc::abs(Quantity a) { return unary<math::AbsFOp>(a); }
Quantity dtc::pow(Quantity base, Quantity exponent) { return binary<math::PowFOp>(base, exponent); }
Quantity dtc::pow(double base, Quantity exponent) { return pow(like(exponent, base), exponent); }
Quantity dtc::max(Quantity a, Quantity b) { return select(compare(arith::CmpFPredicate::OLE, a, b), b, a); }
Quantity dtc::sign(Quantity a) {
  Quantity one = like(a, 1), zero = like(a, 0);
  Quantity negative = select(compare(arith::CmpFPredicate::OLT, a, zero), like(a, -1), a);
  return select(compare(arith::CmpFPredicate::OGT, a, zero), one, negative);
}

//===----------------------------------------------------------------------===//
// Formula
//===----------------------------------------------------------------------===//

SmallVector<StringRef> Formula::numbersOf(const Optimizer &optimizer) {
  SmallVector<StringRef> names;
  for (const OptimizerSetting &setting : ArrayRef(optimizer.settings).drop_front())
    if (!setting.isFlag())
      names.push_back(setting.name);
  return names;
}

Formula::Formula(const OptimizerSettings &settings, OpBuilder &builder, Location location, Block &body, MakeSum makeSum)
    : settings(settings), builder(builder), location(location), makeSum(makeSum), states(settings.states()) {
  Type f64 = builder.getF64Type(), f32 = builder.getF32Type();
  rate = body.addArgument(f64, location);
  stepNumber = body.addArgument(f64, location);
  for (size_t i = 0; i < numbersOf(settings.of()).size(); ++i)
    numbers.push_back(body.addArgument(f64, location));
  parameterValue = body.addArgument(f32, location);
  gradientValue = body.addArgument(f32, location);
  for (const OptimizerState *state : states)
    oldStates.push_back(body.addArgument(state->isScalar ? f64 : f32, location));
  newStates.resize(states.size());
}

SmallVector<Value> Formula::build(const OptimizerSettings &settings, OpBuilder &builder, Location location, Block &body,
                                  MakeSum makeSum) {
  OpBuilder::InsertionGuard guard(builder);
  Formula formula(settings, builder, location, body, makeSum);
  builder.setInsertionPointToEnd(&body);
  if (settings.getRateScale() != 1)
    formula.rate = formula.named("learning_rate", settings.getRateScale() * formula.learningRate()).get();
  settings.of().formula(formula);
  SmallVector<Value> results = {formula.newParameter};
  llvm::append_range(results, formula.newStates);
  assert(llvm::all_of(results, [](Value value) { return value; }) && "a formula says how everything moves");
  return results;
}

int Formula::indexOfState(StringRef name) const {
  auto found = llvm::find_if(states, [&](const OptimizerState *state) { return state->name == name; });
  assert(found != states.end() && "a formula asks for a state that it does not have");
  return static_cast<int>(found - states.begin());
}

Quantity Formula::state(StringRef name) { return {*this, oldStates[indexOfState(name)]}; }

void Formula::setState(StringRef name, Quantity value) {
  int index = indexOfState(name);
  assert((states[index]->isScalar ? value.get().getType().isF64() : true) && "a scalar cannot be an element");
  newStates[index] = states[index]->isScalar ? value.get() : elementOf(value.get());
}

Quantity Formula::operator[](StringRef setting) {
  SmallVector<StringRef> names = numbersOf(settings.of());
  auto *found = llvm::find(names, setting);
  assert(found != names.end() && "a formula asks for a setting that is none, or no number");
  return {*this, numbers[found - names.begin()]};
}

Quantity Formula::sum(Quantity element) {
  return {*this, makeSum(builder, location, elementOf(element.get()))};
}

Quantity Formula::named(StringRef name, Quantity value) {
  if (Operation *op = value.get().getDefiningOp())
    op->setLoc(NameLoc::get(builder.getStringAttr(name), location));
  return value;
}

Value Formula::elementOf(Value value) {
  if (value.getType().isF32())
    return value;
  Value &result = rounded[value];
  if (!result)
    result = arith::TruncFOp::create(builder, value.getLoc(), builder.getF32Type(), value);
  return result;
}

Value Formula::constant(double value, Type type) {
  return arith::ConstantOp::create(builder, location, builder.getFloatAttr(type, value));
}

FormulaSize dtc::sizeOf(const OptimizerSettings &settings, MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, math::MathDialect>();
  OpBuilder builder(&context);
  Block body;
  FormulaSize size;
  Formula::build(settings, builder, builder.getUnknownLoc(), body, [&](OpBuilder &inside, Location location, Value value) {
    ++size.sums;
    ++size.flopsPerElement;
    return UnrealizedConversionCastOp::create(inside, location, inside.getF64Type(), value).getResult(0);
  });
  for (Operation &op : body) {
    bool ofElement = llvm::all_of(op.getOperandTypes(), [](Type type) { return type.isF32(); });
    if (ofElement && op.getNumOperands() && !isa<arith::TruncFOp, UnrealizedConversionCastOp>(op))
      ++size.flopsPerElement;
  }
  return size;
}
