// The `train` block, and calls whose meaning is an attribute.
#ifndef DTC_LIB_IMPORT_DSL_RECIPE_H
#define DTC_LIB_IMPORT_DSL_RECIPE_H

#include "Builtin.h"

namespace dtc::dsl {

struct Recipe {
  Position position;
  mlir::Attribute loss, optimizer;
  int64_t batch = 0; ///< 0: not given
};

/// Reads and checks the file's `train` block, if it has one.
Recipe readRecipe(const File &file, Reporter &reporter);

/// The recipe as an attribute for a batch; null after a report.
mlir::Attribute makeRecipe(const Recipe &recipe, int64_t batch,
                           Reporter &reporter);

/// Evaluates a call, or a bare name, of one of the table's entries; null after
/// a report. `what` names the table in messages.
mlir::Attribute callAttribute(const Table<AttributeBuiltin> &table,
                              llvm::StringRef what, const Expr &expr,
                              llvm::function_ref<Datum(const Expr &)> evaluate,
                              Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_RECIPE_H
