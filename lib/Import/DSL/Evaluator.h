// The syntax tree to a graph: names, calls of layers and blocks, the recipe.
#ifndef DTC_LIB_IMPORT_DSL_EVALUATOR_H
#define DTC_LIB_IMPORT_DSL_EVALUATOR_H

#include "Ast.h"
#include "Graph.h"

namespace dtc::dsl {

/// Builds the file's model. `batch` (0: none) goes before the recipe's own.
/// Null after errors, here or in `parse`.
mlir::OwningOpRef<mlir::ModuleOp> evaluate(const File &file, int64_t batch,
                                           Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_EVALUATOR_H
