// Makes the recipe attribute out of the model's own and the command line.
#include "Recipe.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
namespace nn = dtc::nn;

namespace {

/// One setting of an optimizer and PyTorch's default for it.
struct Setting {
  StringRef name;
  double value;
};

/// An optimizer by the name that users know, and what it takes.
struct Optimizer {
  StringRef name;
  SmallVector<Setting> settings;
  Attribute (*make)(const Optimizer &, function_ref<InFlightDiagnostic()>,
                    MLIRContext *);

  nn::Real get(StringRef setting) const {
    return nn::Real(llvm::find_if(settings, [&](const Setting &candidate) {
                      return candidate.name == setting;
                    })->value);
  }
};

Attribute makeSGD(const Optimizer &o, function_ref<InFlightDiagnostic()> error,
                  MLIRContext *context) {
  return nn::SGDAttr::getChecked(error, context, o.get("lr"), o.get("momentum"),
                                 o.get("dampening"), o.get("weight_decay"),
                                 o.get("nesterov") != 0);
}

Attribute makeAdam(const Optimizer &o, function_ref<InFlightDiagnostic()> error,
                   MLIRContext *context) {
  return nn::AdamAttr::getChecked(error, context, o.get("lr"), o.get("beta1"),
                                  o.get("beta2"), o.get("epsilon"),
                                  o.get("weight_decay"), o.name == "adamw");
}

/// torch.optim's optimizers with their defaults.
SmallVector<Optimizer> getOptimizers() {
  return {{"sgd",
           {{"lr", 1e-3}, {"momentum", 0}, {"dampening", 0}, {"weight_decay", 0}, {"nesterov", 0}},
           makeSGD},
          {"adam",
           {{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}, {"weight_decay", 0}},
           makeAdam},
          {"adamw",
           {{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"epsilon", 1e-8}, {"weight_decay", 1e-2}},
           makeAdam}};
}

/// The optimizer of a model's own recipe, to be changed by options.
std::optional<Optimizer> fromAttribute(Attribute attribute) {
  SmallVector<Optimizer> known = getOptimizers();
  if (auto sgd = dyn_cast_if_present<nn::SGDAttr>(attribute)) {
    known[0].settings = {{"lr", sgd.getLr()},
                         {"momentum", sgd.getMomentum()},
                         {"dampening", sgd.getDampening()},
                         {"weight_decay", sgd.getWeightDecay()},
                         {"nesterov", double(sgd.getNesterov())}};
    return known[0];
  }
  if (auto adam = dyn_cast_if_present<nn::AdamAttr>(attribute)) {
    Optimizer &optimizer = known[adam.getDecoupled() ? 2 : 1];
    optimizer.settings = {{"lr", adam.getLr()},
                          {"beta1", adam.getBeta1()},
                          {"beta2", adam.getBeta2()},
                          {"epsilon", adam.getEpsilon()},
                          {"weight_decay", adam.getWeightDecay()}};
    return optimizer;
  }
  return std::nullopt;
}

/// `weight_decay` as the option is spelled.
std::string spell(StringRef setting) {
  std::string text = "--" + setting.str();
  llvm::replace(text, '_', '-');
  return text;
}

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
                        "--loss=cross-entropy, mse, bce or bce-logits";
    if (!optimizer)
      return error() << "no optimizer: the model has no recipe of its own; "
                        "give --optimizer=sgd, adam or adamw";
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

  LogicalResult chooseLoss(Attribute &loss) {
    if (!options.loss) {
      loss = own ? own.getLoss() : Attribute();
      return success();
    }
    loss = makeLoss(*options.loss, model.getContext());
    if (!loss)
      return error() << "--loss=" << *options.loss
                     << " is not supported; supported: cross-entropy, mse, bce, bce-logits";
    return success();
  }

  LogicalResult chooseOptimizer(Attribute &attribute) {
    std::optional<Optimizer> optimizer;
    if (options.optimizer) {
      for (Optimizer &known : getOptimizers())
        if (known.name == *options.optimizer)
          optimizer = known;
      if (!optimizer)
        return error() << "--optimizer=" << *options.optimizer
                       << " is not supported; supported: sgd, adam, adamw";
    } else if (own && options.settings.empty()) {
      attribute = own.getOptimizer();
      return success();
    } else if (own) {
      optimizer = fromAttribute(own.getOptimizer());
    }
    if (!optimizer) {
      if (required && !options.settings.empty())
        return error() << spell(options.settings.front().first)
                       << " without an optimizer: give --optimizer=sgd, adam or adamw";
      return success();
    }
    for (auto &[name, value] : options.settings)
      if (failed(override(*optimizer, name, value)))
        return failure();
    attribute = optimizer->make(*optimizer, [&] { return error(); }, model.getContext());
    return success(bool(attribute));
  }

  LogicalResult override(Optimizer &optimizer, StringRef name, double value) {
    for (Setting &setting : optimizer.settings)
      if (setting.name == name) {
        setting.value = value;
        return success();
      }
    InFlightDiagnostic diagnostic = error();
    diagnostic << spell(name) << " is no setting of " << optimizer.name << ", which has ";
    llvm::interleaveComma(optimizer.settings, diagnostic,
                          [&](const Setting &setting) { diagnostic << spell(setting.name); });
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
