// What an optimizer is: settings, what it keeps from step to step, and a formula. Each stands in a file of its own in
// lib/Optimizers/Entries; everything else (attributes, options, the update, its kernel) follows from the entry.
#ifndef DTC_OPTIMIZERS_OPTIMIZER_H
#define DTC_OPTIMIZERS_OPTIMIZER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

#include <string>
#include <vector>

namespace dtc {

class Formula;

/// A number or a flag that an optimizer can be given.
struct OptimizerSetting {
  enum class Range {
    Any,         ///< finite
    NonNegative, ///< finite, at least 0
    Positive,    ///< finite, above 0
    Decay,       ///< in [0, 1)
    Flag,        ///< 0 or 1
  };
  /// "weight_decay": in attributes and the model language; the command line has `--weight-decay`.
  llvm::StringRef name;
  double byDefault;
  Range range;
  llvm::StringRef summary;

  bool isFlag() const { return range == Range::Flag; }
  /// What is wrong with a value ("must be in [0, 1), not 2"), or nothing.
  std::string check(double value) const;
};

class OptimizerSettings;

/// What is kept from step to step for each parameter.
struct OptimizerState {
  /// "m": a checkpoint has it as `<optimizer's family>.m/<parameter>`.
  llvm::StringRef name;
  /// Whether these settings need it; null: all do.
  bool (*isNeeded)(const OptimizerSettings &) = nullptr;
  /// What every element starts as; null: 0.
  double (*init)(const OptimizerSettings &) = nullptr;
  /// One number for the whole parameter instead of one for each element.
  bool isScalar = false;
};

struct Optimizer {
  llvm::StringRef name;
  /// How the parameter moves, in a line, and where that is defined.
  llvm::StringRef summary, source;
  /// What names of states begin with: optimizers of one family continue each other's checkpoints.
  llvm::StringRef family;
  /// The learning rate `lr` is the first; it is a value of the step, and no constant of the formula.
  std::vector<OptimizerSetting> settings;
  /// Scalars stand last.
  std::vector<OptimizerState> states;
  /// Says how the parameter and the states move.
  void (*formula)(Formula &);
  /// What is wrong with settings that are right each by itself, or nothing; null: nothing can be.
  std::string (*check)(const OptimizerSettings &) = nullptr;

  /// Where a setting stands; -1: there is none of this name.
  int indexOf(llvm::StringRef setting) const;
  /// One a setting, as they stand.
  std::vector<double> defaults() const;
  /// "adam.m"
  std::string stateName(const OptimizerState &state) const { return (family + "." + state.name).str(); }
};

/// An optimizer's settings with their values.
class OptimizerSettings {
public:
  /// `rateScale`: what the step's learning rate is multiplied by.
  OptimizerSettings(const Optimizer &optimizer, llvm::ArrayRef<double> values, double rateScale = 1)
      : optimizer(optimizer), values(values), rateScale(rateScale) {}
  double getRateScale() const { return rateScale; }
  const Optimizer &of() const { return optimizer; }
  /// The value of a setting that the optimizer has.
  double operator[](llvm::StringRef setting) const { return values[optimizer.indexOf(setting)]; }
  /// Whether it is not 0.
  bool has(llvm::StringRef setting) const { return (*this)[setting] != 0; }
  /// The states that these settings need, in order.
  std::vector<const OptimizerState *> states() const;
  /// What is wrong with them ("beta1 must be in [0, 1), not 2"), or nothing.
  std::string check() const;

private:
  const Optimizer &optimizer;
  llvm::ArrayRef<double> values;
  double rateScale;
};

/// All optimizers, sorted by name.
llvm::ArrayRef<Optimizer> allOptimizers();
/// Null: there is none.
const Optimizer *findOptimizer(llvm::StringRef name);
/// "adagrad, adam, …"
std::string optimizerNames();

/// Each setting that some optimizer has, once, with those that have it, in the order of the optimizers.
struct SharedSetting {
  llvm::StringRef name;
  std::vector<const Optimizer *> optimizers;
  const OptimizerSetting &first() const { return optimizers.front()->settings[optimizers.front()->indexOf(name)]; }
};
std::vector<SharedSetting> allOptimizerSettings();

/// Whether checkpoints hold the state of some optimizer under such a name: "adam.m/conv1.weight".
bool isNameOfState(llvm::StringRef name);

} // namespace dtc

#endif // DTC_OPTIMIZERS_OPTIMIZER_H
