// The `train` block.
#include "Recipe.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

Attribute dtc::dsl::callAttribute(
    const Table<AttributeBuiltin> &table, StringRef what, const Expr &expr,
    llvm::function_ref<Datum(const Expr &)> evaluate, Reporter &reporter) {
  Name callee;
  SmallVector<GivenArgument> given;
  if (auto *call = std::get_if<CallExpr>(&expr.node)) {
    callee = call->callee;
    if (call->layer)
      reporter.error(call->layer->name.position)
          << "'as' names layers, and this is no layer";
    for (const Argument &argument : call->arguments)
      given.push_back({argument.name, evaluate(*argument.value),
                       argument.value->position});
  } else if (auto *name = std::get_if<NameExpr>(&expr.node);
             name && name->path.size() == 1) {
    callee = name->path.front();
  } else {
    reporter.error(expr.position) << "expected the name of an " << what;
    return {};
  }
  const AttributeBuiltin *builtin = table.find(callee.text);
  if (!builtin) {
    InFlightDiagnostic diagnostic = reporter.error(callee.position);
    diagnostic << "unknown " << what << " '" << callee.text << "'";
    std::string suggestion = didYouMean(callee.text, table.names());
    diagnostic << suggestion;
    if (suggestion.empty()) {
      diagnostic << "; there are ";
      llvm::interleaveComma(table.names(), diagnostic);
    }
    return {};
  }
  auto arguments = bind(builtin->signature, given, callee.position, reporter);
  if (!arguments)
    return {};
  return builtin->build(*arguments, &reporter.getContext(),
                        [&] { return reporter.error(callee.position); });
}

/// Numbers alone: a recipe stands outside of the model and sees nothing of it.
static Datum evaluateLiteral(const Expr &expr, Reporter &reporter) {
  if (auto *integer = std::get_if<IntegerExpr>(&expr.node))
    return integer->value;
  if (auto *real = std::get_if<RealExpr>(&expr.node))
    return real->value;
  if (auto *boolean = std::get_if<BooleanExpr>(&expr.node))
    return boolean->value;
  if (auto *negate = std::get_if<NegateExpr>(&expr.node)) {
    Datum value = evaluateLiteral(*negate->operand, reporter);
    if (auto *integer = std::get_if<int64_t>(&value))
      return -*integer; // a literal is never negative, so this fits
    if (auto *real = std::get_if<double>(&value))
      return -*real;
    if (isInvalid(value))
      return value;
  }
  reporter.error(expr.position) << "a recipe holds numbers, true and false";
  return Invalid();
}

static void readEntry(Recipe &recipe, const Train::Entry &entry,
                      Reporter &reporter) {
  auto literal = [&](const Expr &expr) {
    return evaluateLiteral(expr, reporter);
  };
  StringRef key = entry.key.text;
  if (key == "loss") {
    recipe.loss =
        callAttribute(builtins().losses, "loss", *entry.value, literal, reporter);
  } else if (key == "optimizer") {
    recipe.optimizer = callAttribute(builtins().optimizers, "optimizer",
                                     *entry.value, literal, reporter);
  } else if (key == "batch") {
    Datum value = literal(*entry.value);
    Datum positive = kinds::positive.convert(value);
    if (auto *batch = std::get_if<int64_t>(&positive))
      recipe.batch = *batch;
    else if (!isInvalid(value))
      reporter.error(entry.value->position)
          << "'batch' must be " << kinds::positive.description << ", not "
          << describe(value);
    // Any batch will do to find the other errors.
    recipe.batch = std::max<int64_t>(recipe.batch, 1);
  } else {
    reporter.error(entry.key.position)
        << "a recipe has no '" << key << "'"
        << didYouMean(key, {"loss", "optimizer", "batch"});
  }
}

Recipe dtc::dsl::readRecipe(const File &file, Reporter &reporter) {
  Recipe recipe;
  if (file.trains.empty())
    return recipe;
  const Train &train = file.trains.front();
  recipe.position = train.position;
  if (file.trains.size() > 1) {
    InFlightDiagnostic diagnostic = reporter.error(file.trains[1].position);
    diagnostic << "a file has one train block";
    diagnostic.attachNote(reporter.at(train.position)) << "which is this";
  }
  StringRef model = file.models.front().name.text;
  if (!train.model.text.empty() && !model.empty() && train.model.text != model)
    reporter.error(train.model.position)
        << "the file has no model '" << train.model.text
        << "'; did you mean '" << model << "'?";
  llvm::StringMap<Position> seen;
  for (const Train::Entry &entry : train.entries) {
    auto [it, isNew] = seen.try_emplace(entry.key.text, entry.key.position);
    if (isNew) {
      readEntry(recipe, entry, reporter);
      continue;
    }
    InFlightDiagnostic diagnostic = reporter.error(entry.key.position);
    diagnostic << "'" << entry.key.text << "' is given twice";
    diagnostic.attachNote(reporter.at(it->second)) << "first here";
  }
  for (StringRef key : {"loss", "optimizer"})
    if (!seen.count(key) && !reporter.hasErrors())
      reporter.error(train.position) << "the recipe has no '" << key << ":'";
  return recipe;
}

Attribute dtc::dsl::makeRecipe(const Recipe &recipe, int64_t batch,
                               Reporter &reporter) {
  if (!recipe.loss || !recipe.optimizer)
    return {};
  return nn::RecipeAttr::getChecked(
      [&] { return reporter.error(recipe.position); }, &reporter.getContext(),
      recipe.loss, recipe.optimizer, batch);
}
