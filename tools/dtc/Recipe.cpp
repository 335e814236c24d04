// Makes the recipe attribute out of the model's own and the command line.
#include "Recipe.h"
#include "ClassWeights.h"
#include "Settings.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
namespace nn = dtc::nn;

namespace {

/// An optimizer with the values of its settings.
struct Chosen {
  const dtc::Optimizer *entry;
  std::vector<double> values;
};

Attribute makeLoss(StringRef name, MLIRContext *context) {
  return llvm::StringSwitch<Attribute>(name)
      .Cases({"cross-entropy", "cross_entropy"}, nn::CrossEntropyAttr::get(context))
      .Case("mse", nn::MeanSquaredErrorAttr::get(context))
      .Case("bce", nn::BinaryCrossEntropyAttr::get(context))
      .Cases({"bce-logits", "bce_logits"}, nn::BinaryCrossEntropyWithLogitsAttr::get(context))
      .Default({});
}

class RecipeMaker {
public:
  RecipeMaker(func::FuncOp model, const dtc::RecipeOptions &options, bool required)
      : model(model), options(options), required(required),
        own(model->getAttrOfType<nn::RecipeAttr>(nn::names::recipe)) {}

  LogicalResult apply() {
    Attribute loss, optimizer;
    if (failed(chooseLoss(loss)) || failed(chooseOptimizer(optimizer)))
      return failure();
    if (!required && (!loss || !optimizer))
      return success();
    if (!loss)
      return error() << "no loss: the model has no recipe of its own; give "
                        "--loss=cross-entropy, mse, bce or bce-logits, or --loss=model where a scalar output is its loss";
    if (!optimizer)
      return error() << "no optimizer: the model has no recipe of its own; "
                        "give --optimizer=NAME, one of "
                     << dtc::optimizerNames();
    int64_t batch = getBatch();
    if (batch == 0)
      return error() << "no batch: the model has no input whose first "
                        "dimension could say it; give --batch=N";
    model->setAttr(nn::names::recipe,
                   nn::RecipeAttr::get(model.getContext(), loss, optimizer, batch));
    return success();
  }

private:
  InFlightDiagnostic error() { return emitError(UnknownLoc::get(model.getContext())); }

  LogicalResult chooseLoss(Attribute &loss) { return success(succeeded(chooseNamedLoss(loss)) && succeeded(refineLoss(loss))); }

  /// What is said of a cross-entropy besides its name.
  LogicalResult refineLoss(Attribute &loss) {
    const char *given = options.ignoreIndex      ? "--ignore-index"
                        : options.labelSmoothing ? "--label-smoothing"
                        : options.classWeights   ? "--class-weights"
                        : options.classAxis      ? "--class-axis"
                                                 : nullptr;
    if (!given || (!loss && !required))
      return success();
    if (options.loss == dtc::ownLossName)
      return error() << given << " is for --loss=cross-entropy; --loss=model is as the model has it";
    auto entropy = dyn_cast_or_null<nn::CrossEntropyAttr>(loss);
    if (!entropy)
      return error() << given << " is for --loss=cross-entropy";
    SmallVector<nn::Real> weights(entropy.getClassWeights());
    if (options.classWeights) {
      llvm::Expected<std::vector<double>> numbers = dtc::readClassWeights(*options.classWeights);
      if (!numbers)
        return error() << llvm::toString(numbers.takeError());
      weights.clear();
      for (double number : *numbers)
        weights.push_back(nn::Real(number));
    }
    loss = nn::CrossEntropyAttr::getChecked(
        [&] { return error(); }, model.getContext(), options.classAxis.value_or(entropy.getClassAxis()),
        options.ignoreIndex ? options.ignoreIndex : entropy.getIgnoreIndex(),
        options.labelSmoothing ? nn::Real(*options.labelSmoothing) : entropy.getLabelSmoothing(), ArrayRef<nn::Real>(weights),
        entropy.getSum());
    return success(bool(loss));
  }

  LogicalResult chooseNamedLoss(Attribute &loss) {
    if (!options.loss) {
      loss = own ? own.getLoss() : Attribute();
      return success();
    }
    if (options.loss == dtc::ownLossName) {
      for (unsigned i = 0; i < model.getNumResults() && !loss; ++i)
        loss = model.getResultAttr(i, nn::names::ownLoss);
      assert(loss && "dtc-recognise-loss has run");
      return success();
    }
    loss = makeLoss(*options.loss, model.getContext());
    if (!loss)
      return error() << "--loss=" << *options.loss
                     << " is not supported; supported: cross-entropy, mse, bce, bce-logits, model";
    return success();
  }

  LogicalResult chooseOptimizer(Attribute &attribute) {
    std::optional<Chosen> chosen;
    if (options.optimizer) {
      const dtc::Optimizer *entry = dtc::findOptimizer(*options.optimizer);
      if (!entry)
        return error() << "--optimizer=" << *options.optimizer
                       << " is not supported; supported: " << dtc::optimizerNames();
      chosen = {entry, entry->defaults()};
    } else if (own && options.settings.empty()) {
      attribute = own.getOptimizer();
      return success();
    } else if (own) {
      if (auto optimizer = dyn_cast<nn::OptimizerAttr>(own.getOptimizer()))
        chosen = {optimizer.getEntry(), {optimizer.getValues().begin(), optimizer.getValues().end()}};
    }
    if (!chosen) {
      if (required && !options.settings.empty())
        return error() << dtc::spellSetting(options.settings.front().first)
                       << " without an optimizer: give --optimizer=NAME, one of " << dtc::optimizerNames();
      return success();
    }
    for (auto &[name, value] : options.settings)
      if (failed(override(*chosen, name, value)))
        return failure();
    SmallVector<nn::Real> values;
    for (double value : chosen->values)
      values.push_back(nn::Real(value));
    attribute = nn::OptimizerAttr::getChecked([&] { return error(); }, model.getContext(), chosen->entry, ArrayRef<nn::Real>(values), nn::Real(1));
    return success(bool(attribute));
  }

  LogicalResult override(Chosen &chosen, StringRef name, double value) {
    int index = chosen.entry->indexOf(name);
    if (index >= 0) {
      chosen.values[index] = value;
      return success();
    }
    InFlightDiagnostic diagnostic = error();
    diagnostic << dtc::spellSetting(name) << " is no setting of " << chosen.entry->name << ", which has ";
    llvm::interleaveComma(chosen.entry->settings, diagnostic,
                          [&](const dtc::OptimizerSetting &setting) { diagnostic << dtc::spellSetting(setting.name); });
    return diagnostic;
  }

  /// The importer has bound the batch: it is the inputs' first dimension.
  int64_t getBatch() {
    for (unsigned i = 0; i < model.getNumArguments(); ++i) {
      auto type = dyn_cast<RankedTensorType>(model.getArgument(i).getType());
      if (model.getArgAttr(i, nn::names::input) && type && type.getRank() > 0)
        return type.getDimSize(0);
    }
    return 0;
  }

  func::FuncOp model;
  const dtc::RecipeOptions &options;
  bool required;
  nn::RecipeAttr own;
};

} // namespace

LogicalResult dtc::applyRecipe(ModuleOp module, const RecipeOptions &options,
                               bool required) {
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(nn::names::model))
      return RecipeMaker(function, options, required).apply();
  return emitError(module.getLoc()) << "the file holds no model";
}
