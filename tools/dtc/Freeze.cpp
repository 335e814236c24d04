// Freezes and groups parameters by their names, and tells which ones may want it.
#include "Freeze.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/GlobPattern.h"

using namespace mlir;
using namespace dtc;
namespace names = dtc::nn::names;

/// Every parameter of the module's model: its argument and its name.
static SmallVector<std::pair<BlockArgument, StringAttr>> parametersOf(ModuleOp module) {
  SmallVector<std::pair<BlockArgument, StringAttr>> parameters;
  for (auto function : module.getOps<func::FuncOp>())
    for (BlockArgument argument : function.getArguments())
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), names::parameter))
        parameters.push_back({argument, name});
  return parameters;
}

static func::FuncOp functionOf(BlockArgument argument) {
  return cast<func::FuncOp>(argument.getOwner()->getParentOp());
}

/// The few names that are nearest to a pattern that matched none: those in which least would have to change.
static SmallVector<StringAttr>
nearest(StringRef pattern, ArrayRef<std::pair<BlockArgument, StringAttr>> parameters) {
  SmallVector<std::pair<unsigned, StringAttr>> distances;
  for (auto [argument, name] : parameters)
    distances.push_back({pattern.edit_distance(name.getValue()), name});
  llvm::stable_sort(distances, llvm::less_first());
  SmallVector<StringAttr> names;
  for (auto [distance, name] : ArrayRef(distances).take_front(3))
    names.push_back(name);
  return names;
}

/// `name` = `value` for all parameters that `text`, a pattern given by `option`, matches.
static LogicalResult markParameters(ModuleOp module, StringRef option, StringRef text, StringRef name, Attribute value) {
  auto parameters = parametersOf(module);
  auto error = [&] {
    InFlightDiagnostic diagnostic = emitError(UnknownLoc::get(module.getContext()));
    diagnostic << option << "=" << text << ": ";
    return diagnostic;
  };
  llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(text);
  if (!pattern)
    return error() << llvm::toString(pattern.takeError());
  bool found = false;
  for (auto [argument, parameter] : parameters)
    if (pattern->match(parameter.getValue())) {
      functionOf(argument).setArgAttr(argument.getArgNumber(), name, value);
      found = true;
    }
  if (found)
    return success();
  InFlightDiagnostic diagnostic = error() << "no parameter has such a name";
  if (!parameters.empty()) {
    diagnostic << "; near it are ";
    llvm::interleaveComma(nearest(text, parameters), diagnostic);
  }
  return diagnostic;
}

LogicalResult dtc::freezeParameters(ModuleOp module, ArrayRef<std::string> patterns) {
  for (const std::string &text : patterns)
    if (failed(markParameters(module, "--freeze", text, names::frozen, UnitAttr::get(module.getContext()))))
      return failure();
  return success();
}

/// Whether the recipe's optimizer decays what it is not told to leave alone.
static bool decays(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (auto recipe = function->getAttrOfType<nn::RecipeAttr>(names::recipe)) {
      auto optimizer = dyn_cast<nn::OptimizerAttr>(recipe.getOptimizer());
      int index = optimizer ? optimizer.getEntry()->indexOf("weight_decay") : -1;
      return index >= 0 && optimizer.getValues()[index] != 0;
    }
  return true; // there is no recipe yet, and no step is made
}

LogicalResult dtc::groupParameters(ModuleOp module, ArrayRef<std::pair<std::string, double>> rateScales, ArrayRef<std::string> noDecay) {
  Builder builder(module.getContext());
  for (const auto &[text, scale] : rateScales)
    if (failed(markParameters(module, "--lr-scale", text, names::rateScale, builder.getF64FloatAttr(scale))))
      return failure();
  for (const std::string &text : noDecay) {
    if (!decays(module))
      return emitError(UnknownLoc::get(module.getContext()))
             << "--no-decay=" << text << ": the optimizer has no weight decay; give --weight-decay=X, or leave this out";
    if (failed(markParameters(module, "--no-decay", text, names::noDecay, builder.getUnitAttr())))
      return failure();
  }
  return success();
}

void dtc::warnOfTrainedConstants(ModuleOp module) {
  constexpr size_t most = 8; // the line stays one that is read
  SmallVector<std::pair<StringAttr, StringAttr>> found;
  Location location = module.getLoc();
  for (auto [argument, name] : parametersOf(module)) {
    func::FuncOp function = functionOf(argument);
    unsigned number = argument.getArgNumber();
    auto use = function.getArgAttrOfType<StringAttr>(number, names::constantUse);
    if (!use)
      continue;
    function.removeArgAttr(number, names::constantUse);
    location = function.getLoc();
    if (!function.getArgAttr(number, names::frozen))
      found.push_back({name, use});
  }
  if (found.empty())
    return;
  InFlightDiagnostic warning = emitWarning(location);
  warning << (found.size() == 1 ? "a parameter is trained although it looks like a constant: "
                                : "parameters are trained although they look like constants: ");
  llvm::interleaveComma(ArrayRef(found).take_front(most), warning, [&](const auto &entry) {
    warning << entry.first << " (" << entry.second.getValue() << ")";
  });
  if (found.size() > most)
    warning << " and " << found.size() - most << " more";
  warning << "; --freeze=NAME keeps one as it is";
}
