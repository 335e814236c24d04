// Names of layers, given and made up.
#include "Scope.h"

using namespace dtc::dsl;
using llvm::StringRef;

std::optional<std::string> LayerScope::claim(Name name, Reporter &reporter) {
  auto [it, isNew] = taken.try_emplace(name.text, name.position);
  if (isNew)
    return prefix + name.text.str();
  mlir::InFlightDiagnostic diagnostic = reporter.error(name.position);
  diagnostic << "the name '" << name.text << "' is taken";
  diagnostic.attachNote(reporter.at(it->second)) << "by this";
  return std::nullopt;
}

std::string LayerScope::claimUnnamed(StringRef kind, Position position) {
  std::string name;
  do
    name = kind.str() + "_" + std::to_string(++counters[kind]);
  while (!taken.try_emplace(name, position).second);
  return prefix + name;
}
