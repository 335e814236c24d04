// Errors with their positions, and suggestions for misspelt names.
#include "Reporter.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

using namespace mlir;
using namespace dtc::dsl;

Reporter::Reporter(MLIRContext &context, StringRef file)
    : context(context), file(StringAttr::get(&context, file)) {}

Location Reporter::at(Position position) const {
  return FileLineColLoc::get(file, position.line, position.column);
}

InFlightDiagnostic Reporter::error(Position position) {
  return error(at(position));
}

InFlightDiagnostic Reporter::silentError(Position position) {
  ++errors;
  InFlightDiagnostic diagnostic = emitError(at(position));
  diagnostic.abandon();
  return diagnostic;
}

InFlightDiagnostic Reporter::error(Location location) {
  bool silent = isFull();
  if (auto place = location->findInstanceOf<FileLineColLoc>())
    silent |= !places.insert({place.getLine(), place.getColumn()}).second;
  ++errors;
  InFlightDiagnostic diagnostic = emitError(location);
  if (silent)
    diagnostic.abandon();
  return diagnostic;
}

std::string dtc::dsl::didYouMean(StringRef name,
                                 ArrayRef<StringRef> candidates) {
  // Longer names may differ in more letters; a third of them is still a typo.
  unsigned best = std::max<size_t>(name.size() / 3, 1) + 1;
  StringRef nearest;
  for (StringRef candidate : candidates) {
    unsigned distance = name.edit_distance(candidate, true, best);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? std::string()
                         : ("; did you mean '" + nearest + "'?").str();
}
