// Names of layers, given and made up.
#include "Scope.h"

using namespace dtc::dsl;
using llvm::StringRef;

static void reportTaken(const llvm::Twine &name, Position position, Position other, Reporter &reporter) {
  mlir::InFlightDiagnostic diagnostic = reporter.error(position);
  diagnostic << "the name '" << name.str() << "' is taken";
  diagnostic.attachNote(reporter.at(other)) << "by this";
}

std::optional<std::string> LayerScope::claim(Name name, Reporter &reporter) {
  auto [it, isNew] = taken.try_emplace(name.text, name.position);
  if (isNew)
    return prefix + name.text.str();
  reportTaken(name.text, name.position, it->second, reporter);
  return std::nullopt;
}

std::optional<std::string> LayerScope::claim(Name name, int64_t index, Reporter &reporter) {
  if (!rows.contains(name.text)) {
    if (!claim(name, reporter))
      return std::nullopt;
    rows.insert(name.text);
  }
  std::string numbered = name.text.str() + "." + std::to_string(index);
  auto [it, isNew] = taken.try_emplace(numbered, name.position);
  if (isNew)
    return prefix + numbered;
  reportTaken(name.text + "[" + llvm::Twine(index) + "]", name.position, it->second, reporter);
  return std::nullopt;
}

std::string LayerScope::claimUnnamed(StringRef kind, Position position) {
  std::string name;
  do
    name = kind.str() + "_" + std::to_string(++counters[kind]);
  while (!taken.try_emplace(name, position).second);
  return prefix + name;
}
