// The language of optimizers' formulas: values that are written like numbers and build arith and math ops.
//
// A value is one of two kinds. What is the same for all elements of a parameter (settings, the learning rate, the step's
// number, scalars, sums) is f64; elements are f32. Where the two meet, the first is rounded.
//
//   Quantity m = f.state("m"), beta1 = f["beta1"];
//   Quantity mean = m + (1 - beta1) * (f.gradient() - m);
//   f.setState("m", mean);
#ifndef DTC_OPTIMIZERS_FORMULA_H
#define DTC_OPTIMIZERS_FORMULA_H

#include "dtc/Optimizers/Optimizer.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace dtc {

/// A value of a formula.
class Quantity {
public:
  Quantity() = default;
  Quantity(Formula &formula, mlir::Value value) : formula(&formula), value(value) {}
  Formula &in() const { return *formula; }
  mlir::Value get() const { return value; }

private:
  Formula *formula = nullptr;
  mlir::Value value;
};

/// A comparison of two.
struct Condition {
  mlir::Value value;
};

Quantity operator+(Quantity a, Quantity b);
Quantity operator-(Quantity a, Quantity b);
Quantity operator*(Quantity a, Quantity b);
Quantity operator/(Quantity a, Quantity b);
Quantity operator-(Quantity a);
Quantity operator+(double a, Quantity b);
Quantity operator-(double a, Quantity b);
Quantity operator*(double a, Quantity b);
Quantity operator/(double a, Quantity b);
Quantity operator+(Quantity a, double b);
Quantity operator-(Quantity a, double b);
Quantity operator*(Quantity a, double b);
/// Ordered: false where one is no number.
Condition operator>(Quantity a, double b);
Condition operator==(Quantity a, double b);
/// The first where the condition holds, else the second; both are computed.
Quantity select(Condition condition, Quantity a, Quantity b);
Quantity select(Condition condition, double a, Quantity b);
Quantity select(Condition condition, Quantity a, double b);
Quantity sqrt(Quantity a);
Quantity pow(Quantity base, Quantity exponent);
Quantity pow(double base, Quantity exponent);
Quantity abs(Quantity a);
/// The greater; `a` where `a` is no number.
Quantity max(Quantity a, Quantity b);
/// -1, 0 or 1; no number of no number.
Quantity sign(Quantity a);

/// A formula while it is built.
class Formula {
public:
  /// What the op is that adds up a value over all elements of the parameter: f32 to f64.
  using MakeSum = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value)>;

  //===-- what a formula is made of --===//

  Quantity learningRate() { return {*this, rate}; }
  /// The 1-based number of the step.
  Quantity step() { return {*this, stepNumber}; }
  Quantity parameter() { return {*this, parameterValue}; }
  Quantity gradient() { return {*this, gradientValue}; }
  /// A state as it was: one that these settings need.
  Quantity state(llvm::StringRef name);
  /// A setting that is a number.
  Quantity operator[](llvm::StringRef setting);
  /// Whether a setting is not 0: what would add nothing is left out.
  bool has(llvm::StringRef setting) const { return settings.has(setting); }
  /// Over all elements of the parameter.
  Quantity sum(Quantity element);
  /// Calls it `name` in emitted source.
  Quantity named(llvm::StringRef name, Quantity value);

  //===-- what it says --===//

  void setState(llvm::StringRef name, Quantity value);
  void setParameter(Quantity value) { newParameter = elementOf(value.get()); }

  //===-- for the operators --===//

  /// Rounds to f32 what is f64.
  mlir::Value elementOf(mlir::Value value);
  mlir::Value constant(double value, mlir::Type type);
  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLoc() const { return location; }

  /// Builds the formula of an optimizer with these settings behind the arguments that it gives `body`, an empty block: the
  /// learning rate, the step, the numbers among the settings but `lr`, the parameter, the gradient, the states. Gives the
  /// new parameter and the new states. Needs the dialects arith and math.
  static llvm::SmallVector<mlir::Value> build(const OptimizerSettings &settings, mlir::OpBuilder &builder,
                                              mlir::Location location, mlir::Block &body, MakeSum makeSum);
  /// The names of the settings that are arguments of the body, in order.
  static llvm::SmallVector<llvm::StringRef> numbersOf(const Optimizer &optimizer);

private:
  Formula(const OptimizerSettings &settings, mlir::OpBuilder &builder, mlir::Location location, mlir::Block &body,
          MakeSum makeSum);
  int indexOfState(llvm::StringRef name) const;

  const OptimizerSettings &settings;
  mlir::OpBuilder &builder;
  mlir::Location location;
  MakeSum makeSum;
  std::vector<const OptimizerState *> states;
  mlir::Value rate, stepNumber, parameterValue, gradientValue;
  llvm::SmallVector<mlir::Value> numbers, oldStates, newStates;
  mlir::Value newParameter;
  llvm::DenseMap<mlir::Value, mlir::Value> rounded;
};

} // namespace dtc

#endif // DTC_OPTIMIZERS_FORMULA_H
