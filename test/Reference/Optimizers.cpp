// One step of an optimizer: its formula, in f64 and op by op; and of running statistics.
#include "dtc/Optimizers/Formula.h"
#include "test/Reference/Rules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// One number, or one for each element.
using Numbers = std::vector<double>;
} // namespace

/// `f` of each element; single numbers count for all.
template <typename F>
static Numbers map(F f, const Numbers &a, const Numbers &b = {0}, const Numbers &c = {0}) {
  auto at = [](const Numbers &numbers, size_t i) { return numbers.size() == 1 ? numbers[0] : numbers[i]; };
  Numbers result(std::max({a.size(), b.size(), c.size()}));
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = f(at(a, i), at(b, i), at(c, i));
  return result;
}

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return a == b;
  case arith::CmpFPredicate::OGT:
    return a > b;
  case arith::CmpFPredicate::OLT:
    return a < b;
  case arith::CmpFPredicate::OLE:
    return a <= b;
  default:
    llvm_unreachable("formulas compare by these");
  }
}

static FailureOr<Numbers> evaluate(Operation *op, ArrayRef<const Numbers *> x) {
  auto of = [&](auto f) { return map(f, *x[0], x.size() > 1 ? *x[1] : Numbers{0}, x.size() > 2 ? *x[2] : Numbers{0}); };
  return llvm::TypeSwitch<Operation *, FailureOr<Numbers>>(op)
      .Case([&](arith::ConstantOp constant) { return Numbers{cast<FloatAttr>(constant.getValue()).getValueAsDouble()}; })
      .Case([&](arith::AddFOp) { return of([](double a, double b, double) { return a + b; }); })
      .Case([&](arith::SubFOp) { return of([](double a, double b, double) { return a - b; }); })
      .Case([&](arith::MulFOp) { return of([](double a, double b, double) { return a * b; }); })
      .Case([&](arith::DivFOp) { return of([](double a, double b, double) { return a / b; }); })
      .Case([&](arith::NegFOp) { return of([](double a, double, double) { return -a; }); })
      .Case([&](math::SqrtOp) { return of([](double a, double, double) { return std::sqrt(a); }); })
      .Case([&](math::AbsFOp) { return of([](double a, double, double) { return std::abs(a); }); })
      .Case([&](math::PowFOp) { return of([](double a, double b, double) { return std::pow(a, b); }); })
      .Case([&](arith::TruncFOp) { return *x[0]; }) // the reference rounds nothing
      .Case([&](arith::CmpFOp op) {
        return of([&](double a, double b, double) { return double(compare(op.getPredicate(), a, b)); });
      })
      .Case([&](arith::SelectOp) { return of([](double c, double a, double b) { return c != 0 ? a : b; }); })
      .Case([&](UnrealizedConversionCastOp) { return Numbers{std::accumulate(x[0]->begin(), x[0]->end(), 0.0)}; })
      .Default([](Operation *other) { return other->emitError("the reference has no rule for this op of a formula"); });
}

static LogicalResult update(Operation *op, Operands operands, Results results) {
  auto update = cast<nn::UpdateOp>(op);
  nn::OptimizerAttr optimizer = update.getOptimizer();
  SmallVector<double> values = optimizer.getNumbers();
  OptimizerSettings settings(*optimizer.getEntry(), values, optimizer.getRateScale());
  OpBuilder builder(op->getContext());
  Block body;
  SmallVector<Value> moved = Formula::build(
      settings, builder, op->getLoc(), body, [](OpBuilder &inside, Location location, Value element) {
        return UnrealizedConversionCastOp::create(inside, location, inside.getF64Type(), element).getResult(0);
      });
  // Parameter, gradient, states, learning rate, step; the body has the last two first, and then settings.
  llvm::DenseMap<Value, Numbers> numbers;
  auto argument = body.getArguments().begin();
  numbers[*argument++] = operands[operands.size() - 2]->data;
  numbers[*argument++] = operands.back()->data;
  for (StringRef name : Formula::numbersOf(*optimizer.getEntry()))
    numbers[*argument++] = {settings[name]};
  for (const Tensor *operand : operands.drop_back(2))
    numbers[*argument++] = operand->data;
  for (Operation &inner : body) {
    SmallVector<const Numbers *> x;
    for (Value operand : inner.getOperands())
      x.push_back(&numbers.find(operand)->second);
    FailureOr<Numbers> result = evaluate(&inner, x);
    if (failed(result))
      return failure();
    numbers[inner.getResult(0)] = *result;
  }
  for (auto [value, result] : llvm::zip_equal(moved, results))
    result.data = map([](double a, double, double) { return a; }, numbers[value], Numbers(result.data.size()));
  return success();
}

static LogicalResult runningAverageUpdate(Operation *op, Operands operands, Results results) {
  double momentum = cast<nn::RunningAverageUpdateOp>(op).getMomentum().convertToDouble();
  for (size_t i = 0; i < operands[0]->data.size(); ++i)
    results[0].data[i] = (1 - momentum) * operands[0]->data[i] + momentum * operands[1]->data[i];
  return success();
}

void reference::addOptimizerRules(Rules &rules) {
  rules["nn.update"] = update;
  rules["nn.running_average_update"] = runningAverageUpdate;
}
