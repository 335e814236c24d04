// Positions in a source file and the errors reported there.
#ifndef DTC_LIB_IMPORT_DSL_REPORTER_H
#define DTC_LIB_IMPORT_DSL_REPORTER_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/DenseSet.h"

#include <string>

namespace dtc::dsl {

/// Line and column of a token, both from 1; the column counts bytes.
struct Position {
  unsigned line = 1, column = 1;
  friend bool operator==(Position a, Position b) {
    return a.line == b.line && a.column == b.column;
  }
};

/// Reports errors of one file, at most `limit` of them.
class Reporter {
public:
  static constexpr unsigned limit = 20;

  Reporter(mlir::MLIRContext &context, llvm::StringRef file);

  mlir::MLIRContext &getContext() const { return context; }
  mlir::Location at(Position position) const;

  /// An error at a place of the file. Silent once the limit is reached, and
  /// for a second error at the same place: a block that is used many times
  /// has its mistakes only once.
  mlir::InFlightDiagnostic error(Position position);
  /// The same at a location that holds a place of the file.
  mlir::InFlightDiagnostic error(mlir::Location location);
  /// An error that stays silent since another one told of the same problem.
  mlir::InFlightDiagnostic silentError(Position position);
  /// Counts an error that was reported by somebody else (shape inference).
  void countError() { ++errors; }
  bool hasErrors() const { return errors != 0; }
  bool isFull() const { return errors >= limit; }

private:
  mlir::MLIRContext &context;
  mlir::StringAttr file;
  llvm::DenseSet<std::pair<unsigned, unsigned>> places;
  unsigned errors = 0;
};

/// `; did you mean 'x'?` for the candidate nearest to `name`, or nothing where
/// none is near.
std::string didYouMean(llvm::StringRef name,
                       llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_REPORTER_H
