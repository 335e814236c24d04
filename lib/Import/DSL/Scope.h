// The names that are known at one place: variables and layers.
#ifndef DTC_LIB_IMPORT_DSL_SCOPE_H
#define DTC_LIB_IMPORT_DSL_SCOPE_H

#include "Ast.h"
#include "Datum.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace dtc::dsl {

/// Names of layers and parameters under one prefix. A block has its own, and
/// so has every turn of a `repeat`.
class LayerScope {
public:
  explicit LayerScope(std::string prefix, const LayerScope *outer = nullptr)
      : prefix(std::move(prefix)), outer(outer) {}

  /// The full name for `name`; reports and fails if it is taken.
  std::optional<std::string> claim(Name name, Reporter &reporter);
  /// The full name for `name[index]`, which is `name.index`: layers of a row share their name and differ in their number.
  std::optional<std::string> claim(Name name, int64_t index, Reporter &reporter);
  /// The full name for an unnamed layer: conv2d_1, conv2d_2, …
  std::string claimUnnamed(llvm::StringRef kind, Position position);

  llvm::StringRef getPrefix() const { return prefix; }
  /// The scope around a `repeat`; a block sees nothing outside itself.
  const LayerScope *getOuter() const { return outer; }

private:
  std::string prefix;
  const LayerScope *outer;
  llvm::StringMap<Position> taken;
  llvm::StringSet<> rows; ///< those of `taken` that have numbers behind them
  llvm::StringMap<unsigned> counters;
};

/// What one call of the model or of a block knows.
struct Frame {
  llvm::StringMap<Datum> variables;
  /// Where the block was called; none for the model itself.
  std::optional<mlir::Location> caller;
};

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_SCOPE_H
