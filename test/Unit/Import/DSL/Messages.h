// Collects the diagnostics of a context as text.
#ifndef DTC_TEST_UNIT_IMPORT_DSL_MESSAGES_H
#define DTC_TEST_UNIT_IMPORT_DSL_MESSAGES_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"

#include <string>
#include <vector>

/// While it lives, errors of the context become lines "line:column: message".
class Messages {
public:
  explicit Messages(mlir::MLIRContext &context)
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          auto place = diagnostic.getLocation()
                           ->findInstanceOf<mlir::FileLineColLoc>();
          std::string where =
              place ? std::to_string(place.getLine()) + ":" +
                          std::to_string(place.getColumn()) + ": "
                    : std::string();
          lines.push_back(where + diagnostic.str());
        }) {}

  std::vector<std::string> lines;

private:
  mlir::ScopedDiagnosticHandler handler;
};

#endif // DTC_TEST_UNIT_IMPORT_DSL_MESSAGES_H
