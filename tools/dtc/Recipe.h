// The recipe of a compilation: what the model file says, overridden by options.
#ifndef DTC_TOOLS_DTC_RECIPE_H
#define DTC_TOOLS_DTC_RECIPE_H

#include "Options.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/BuiltinOps.h"

namespace dtc {

/// `--loss=` of a model that brings its own (`nn.own_loss`, which dtc-recognise-loss finds).
inline constexpr llvm::StringLiteral ownLossName = "model";

/// Gives the module's model function its `nn.recipe`. With `required`, a recipe
/// that is not complete is an error, reported as a diagnostic; without, the
/// function then stays without one.
llvm::LogicalResult applyRecipe(mlir::ModuleOp module,
                                const RecipeOptions &options, bool required);

} // namespace dtc

#endif // DTC_TOOLS_DTC_RECIPE_H
