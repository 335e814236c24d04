// The syntax tree to a graph: names, calls of layers and blocks, the recipe.
#ifndef DTC_LIB_IMPORT_DSL_EVALUATOR_H
#define DTC_LIB_IMPORT_DSL_EVALUATOR_H

#include "Ast.h"
#include "Graph.h"

#include "dtc/Import/ImportOptions.h"

namespace dtc::dsl {

/// Builds the file's model. The options' batch (0: none) goes before the
/// recipe's own. Null after errors, here or in `parse`.
mlir::OwningOpRef<mlir::ModuleOp> evaluate(const File &file,
                                           const ImportOptions &options,
                                           Reporter &reporter);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_EVALUATOR_H
