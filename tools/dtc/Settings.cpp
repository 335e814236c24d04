// Settings of optimizers on the command line.
#include "Settings.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

std::string dtc::spellSetting(StringRef setting) {
  std::string text = "--" + setting.str();
  llvm::replace(text, '_', '-');
  return text;
}

std::string dtc::takeSettings(SmallVectorImpl<const char *> &arguments,
                              std::vector<std::pair<std::string, double>> &settings) {
  const std::vector<SharedSetting> known = allOptimizerSettings();
  SmallVector<const char *> rest;
  std::string wrong;
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef argument = arguments[i];
    if (argument == "--") {
      rest.append(arguments.begin() + i, arguments.end());
      break;
    }
    auto [spelling, text] = argument.split('=');
    bool isJoined = argument.contains('=');
    auto setting = llvm::find_if(known, [&](const SharedSetting &one) { return spellSetting(one.name) == spelling; });
    if (setting == known.end() || (isJoined && setting->first().isFlag())) {
      rest.push_back(arguments[i]);
      continue;
    }
    double value = 1;
    if (!setting->first().isFlag()) {
      bool isMissing = !isJoined && i + 1 == arguments.size();
      if (!isJoined && !isMissing)
        text = arguments[++i];
      if (isMissing || text.getAsDouble(value) || !std::isfinite(value)) {
        if (wrong.empty())
          wrong = isMissing ? "'" + spelling.str() + "' needs a value" : spelling.str() + "=" + text.str() + ": expected a number";
        continue;
      }
    }
    llvm::erase_if(settings, [&](const auto &given) { return given.first == setting->name; });
    settings.emplace_back(setting->name.str(), value);
  }
  arguments = std::move(rest);
  return wrong;
}

static std::string describe(double value) {
  std::string text;
  raw_string_ostream(text) << format("%g", value);
  return text;
}

std::string dtc::describeSetting(const SharedSetting &setting) {
  std::string owners, exceptions;
  for (const Optimizer *optimizer : setting.optimizers) {
    owners += (owners.empty() ? "" : ", ") + optimizer->name.str();
    double value = optimizer->settings[optimizer->indexOf(setting.name)].byDefault;
    if (value != setting.first().byDefault)
      exceptions += "; " + optimizer->name.str() + " " + describe(value);
  }
  std::string text = setting.optimizers.size() == allOptimizers().size() ? "" : owners + ": ";
  text += setting.first().summary;
  if (!setting.first().isFlag())
    text += " (default " + describe(setting.first().byDefault) + exceptions + ")";
  return text;
}

std::string dtc::nearestSetting(StringRef option, unsigned &distance) {
  std::string nearest;
  StringRef name = option.split('=').first;
  for (const SharedSetting &setting : allOptimizerSettings()) {
    std::string spelling = spellSetting(setting.name);
    if (unsigned other = name.edit_distance(spelling, /*AllowReplacements=*/true, distance); other < distance) {
      distance = other;
      nearest = spelling + (setting.first().isFlag() ? "" : "=");
    }
  }
  return nearest;
}
