// The table of optimizers, and what an entry says of its settings.
#include "dtc/Optimizers/Optimizer.h"

#include "lib/Optimizers/Entries.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cassert>
#include <cmath>

using namespace dtc;
using llvm::StringRef;

std::string OptimizerSetting::check(double value) const {
  StringRef rule;
  bool finite = std::isfinite(value);
  switch (range) {
  case Range::Any:
    rule = finite ? "" : "must be finite";
    break;
  case Range::NonNegative:
    rule = finite && value >= 0 ? "" : "must be finite and at least 0";
    break;
  case Range::Positive:
    rule = finite && value > 0 ? "" : "must be finite and above 0";
    break;
  case Range::Decay:
    rule = value >= 0 && value < 1 ? "" : "must be in [0, 1)";
    break;
  case Range::Flag:
    rule = value == 0 || value == 1 ? "" : "must be true or false";
    break;
  }
  if (rule.empty())
    return "";
  std::string text;
  llvm::raw_string_ostream(text) << name << ' ' << rule << ", not " << llvm::format("%g", value);
  return text;
}

int Optimizer::indexOf(StringRef setting) const {
  auto found = llvm::find_if(settings, [&](const OptimizerSetting &s) { return s.name == setting; });
  return found == settings.end() ? -1 : static_cast<int>(found - settings.begin());
}

std::vector<double> Optimizer::defaults() const {
  std::vector<double> values;
  for (const OptimizerSetting &setting : settings)
    values.push_back(setting.byDefault);
  return values;
}

std::vector<const OptimizerState *> OptimizerSettings::states() const {
  std::vector<const OptimizerState *> needed;
  for (const OptimizerState &state : optimizer.states)
    if (!state.isNeeded || state.isNeeded(*this))
      needed.push_back(&state);
  return needed;
}

std::string OptimizerSettings::check() const {
  for (auto [setting, value] : llvm::zip_equal(optimizer.settings, values))
    if (std::string wrong = setting.check(value); !wrong.empty())
      return wrong;
  return optimizer.check ? optimizer.check(*this) : "";
}

llvm::ArrayRef<Optimizer> dtc::allOptimizers() {
  static const std::vector<Optimizer> all = [] {
    std::vector<Optimizer> table;
    optimizers::addEntries(table);
    llvm::sort(table, [](const Optimizer &a, const Optimizer &b) { return a.name < b.name; });
    for ([[maybe_unused]] const Optimizer &optimizer : table) {
      assert(optimizer.indexOf("lr") == 0 && "the learning rate is the first setting");
      assert(llvm::is_sorted(optimizer.states, [](auto &a, auto &b) { return a.isScalar < b.isScalar; }) && "scalars stand last");
    }
    return table;
  }();
  return all;
}

const Optimizer *dtc::findOptimizer(StringRef name) {
  for (const Optimizer &optimizer : allOptimizers())
    if (optimizer.name == name)
      return &optimizer;
  return nullptr;
}

std::string dtc::optimizerNames() {
  std::string text;
  for (const Optimizer &optimizer : allOptimizers())
    text += (text.empty() ? "" : ", ") + optimizer.name.str();
  return text;
}

std::vector<SharedSetting> dtc::allOptimizerSettings() {
  std::vector<SharedSetting> all;
  for (const Optimizer &optimizer : allOptimizers())
    for (const OptimizerSetting &setting : optimizer.settings) {
      auto found = llvm::find_if(all, [&](const SharedSetting &shared) { return shared.name == setting.name; });
      if (found == all.end())
        found = all.insert(all.end(), {setting.name, {}});
      found->optimizers.push_back(&optimizer);
    }
  return all;
}

bool dtc::isNameOfState(StringRef name) {
  return llvm::any_of(allOptimizers(), [&](const Optimizer &optimizer) {
    return llvm::any_of(optimizer.states, [&](const OptimizerState &state) {
      return name.starts_with(optimizer.stateName(state) + "/");
    });
  });
}
