// dtc-differentiate-graph: a model with a recipe becomes @train, @evaluate and @predict.
#include "GatheredRows.h"
#include "SamplePlaces.h"
#include "TrainedOutput.h"

#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/Gradients.h"
#include "dtc/Autodiff/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace dtc {
#define GEN_PASS_DEF_DIFFERENTIATEGRAPHPASS
#include "dtc/Autodiff/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
namespace names = dtc::nn::names;

namespace {

/// What the pass needs to know about a model, checked.
struct Model {
  func::FuncOp function;
  nn::RecipeAttr recipe;
  LossInterface loss;
  nn::OptimizerAttr optimizer;
  SmallVector<BlockArgument> inputs, parameters, states;
  /// Where the model itself reads the weights of samples.
  SmallVector<BlockArgument, 1> sampleWeights;
  bool isFrozen(BlockArgument parameter) {
    return bool(function.getArgAttr(parameter.getArgNumber(), names::frozen));
  }
  /// As the parameter's own attributes have it.
  nn::OptimizerAttr optimizerOf(BlockArgument parameter) {
    auto scale = function.getArgAttrOfType<FloatAttr>(parameter.getArgNumber(), names::rateScale);
    bool decays = !function.getArgAttr(parameter.getArgNumber(), names::noDecay);
    return optimizer.forParameter(scale ? scale.getValueAsDouble() : 1, decays);
  }
  BatchStatistics batchStatistics = BatchStatistics::Share;
  /// What draws random values, in order: their numbers among each other. Empty: the step has no sample index.
  DenseMap<Operation *, int64_t> streams;
  /// The result of the function that is trained.
  unsigned trained = 0;
  RankedTensorType prediction, label;
};

/// A function under construction; arguments and results come one by one.
class StepFunction {
public:
  StepFunction(Model &model, StringRef phase)
      : function(func::FuncOp::create(
            model.function.getLoc(), phase,
            FunctionType::get(model.function.getContext(), {}, {}))),
        block(function.addEntryBlock()),
        builder(model.function.getLoc(), OpBuilder::atBlockEnd(block)) {
    function->setAttr(names::model, model.function->getAttr(names::model));
    function->setAttr(names::recipe, model.recipe);
    if (Attribute whole = model.function->getAttr(names::wholeBatches))
      function->setAttr(names::wholeBatches, whole);
    function->setAttr(names::phase, builder.getStringAttr(phase));
  }

  Value addArgument(Type type, ArrayRef<NamedAttribute> attributes, Location location) {
    argumentAttributes.push_back(builder.getDictionaryAttr(attributes));
    return block->addArgument(type, location);
  }
  Value addArgument(Type type, StringRef flag) {
    return addArgument(
        type, builder.getNamedAttr(flag, builder.getUnitAttr()),
        NameLoc::get(builder.getStringAttr(flag.substr(flag.find('.') + 1))));
  }
  /// The label; where it is a class id, with the number of classes.
  Value addLabel(Model &model) {
    SmallVector<NamedAttribute> attributes = {
        builder.getNamedAttr(names::label, builder.getUnitAttr())};
    if (int64_t classes = model.loss.getClasses(model.prediction))
      attributes.push_back(
          builder.getNamedAttr(names::classes, builder.getI64IntegerAttr(classes)));
    return addArgument(model.label, attributes,
                       NameLoc::get(builder.getStringAttr("label")));
  }
  /// An argument as the model has it.
  Value copyArgument(Model &model, BlockArgument argument) {
    DictionaryAttr attributes =
        model.function.getArgAttrDict(argument.getArgNumber());
    return addArgument(argument.getType(), attributes.getValue(), argument.getLoc());
  }

  /// An input as the model has it; where its whole numbers choose rows of tables, with the rows of the smallest.
  Value copyInput(Model &model, BlockArgument input) {
    NamedAttrList attributes(model.function.getArgAttrDict(input.getArgNumber()));
    if (std::optional<int64_t> rows = findGatheredRows(input))
      attributes.set(names::classes, builder.getI64IntegerAttr(*rows));
    return addArgument(input.getType(), attributes.getAttrs(), input.getLoc());
  }

  /// Says of a parameter that it has no update.
  void freeze(Value parameter) {
    DictionaryAttr &attributes = argumentAttributes[cast<BlockArgument>(parameter).getArgNumber()];
    NamedAttrList list(attributes);
    list.set(names::frozen, builder.getUnitAttr());
    attributes = list.getDictionary(builder.getContext());
  }

  void addResult(Value value, StringRef name, Attribute attribute) {
    results.push_back(value);
    resultAttributes.push_back(
        builder.getDictionaryAttr(builder.getNamedAttr(name, attribute)));
  }
  void addResult(Value value, StringRef flag) {
    addResult(value, flag, builder.getUnitAttr());
  }

  /// Ends the function; ops that no result needs are removed.
  func::FuncOp finish() {
    builder.setLoc(function.getLoc());
    func::ReturnOp::create(builder, results);
    function.setFunctionType(builder.getFunctionType(
        block->getArgumentTypes(), ValueRange(results).getTypes()));
    function.setAllArgAttrs(argumentAttributes);
    function.setAllResultAttrs(resultAttributes);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op))
        op.erase();
    return function;
  }

  func::FuncOp function;
  Block *block;
  ImplicitLocOpBuilder builder;

private:
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  SmallVector<Value> results;
};

/// Checks that dimension 0 of a model input or output is the recipe's batch.
LogicalResult checkBatch(Model &model, RankedTensorType type,
                         StringRef place, StringAttr name) {
  int64_t batch = model.recipe.getBatch();
  if (type.getRank() > 0 && type.getDimSize(0) == batch)
    return success();
  return model.function.emitError()
         << place << " " << name << " is " << type
         << " but the recipe's batch is " << batch << ": it must be dimension 0";
}

LogicalResult collectArguments(Model &model) {
  func::FuncOp function = model.function;
  for (BlockArgument argument : function.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (auto input = function.getArgAttrOfType<StringAttr>(number, names::input)) {
      if (failed(checkBatch(model, cast<RankedTensorType>(argument.getType()),
                            "input", input)))
        return failure();
      model.inputs.push_back(argument);
    } else if (function.getArgAttr(number, names::parameter)) {
      model.parameters.push_back(argument);
    } else if (function.getArgAttr(number, names::state)) {
      model.states.push_back(argument);
    } else if (function.getArgAttr(number, names::sampleWeight)) {
      model.sampleWeights.push_back(argument);
    } else {
      return function.emitError() << "argument " << number << " of the model is neither '"
                                  << names::input << "' nor '" << names::parameter
                                  << "' nor '" << names::state << "' nor '"
                                  << names::sampleWeight << "'";
    }
  }
  if (model.parameters.empty())
    return function.emitError("the model has no parameters: there is nothing to train");
  if (llvm::all_of(model.parameters, [&](BlockArgument p) { return model.isFrozen(p); }))
    return function.emitError("all parameters of the model are frozen: there is nothing to train");
  return success();
}

/// Kept values and the ops that keep them belong together one to one.
LogicalResult checkStates(Model &model) {
  func::FuncOp function = model.function;
  auto keeps = [](OpOperand &use) {
    auto stateful = dyn_cast<StatefulOpInterface>(use.getOwner());
    return stateful && llvm::is_contained(stateful.getStateOperands(), use.getOperandNumber());
  };
  for (BlockArgument state : model.states) {
    auto name = function.getArgAttrOfType<StringAttr>(state.getArgNumber(), names::state);
    if (!state.use_empty() && (!state.hasOneUse() || !keeps(*state.use_begin())))
      return emitError(state.getLoc())
             << "state " << name << " must belong to one op that keeps it from step to step";
  }
  for (Operation &op : function.getBody().front())
    if (auto stateful = dyn_cast<StatefulOpInterface>(op)) {
      auto x = cast<RankedTensorType>(op.getOperand(0).getType());
      if (x.getRank() == 0 || x.getDimSize(0) % model.recipe.getBatch() != 0)
        return op.emitOpError("takes statistics over the rows of ") << x << ", which are no samples of a batch of "
                                                                    << model.recipe.getBatch();
      for (unsigned number : stateful.getStateOperands())
        if (auto argument = dyn_cast<BlockArgument>(op.getOperand(number));
            !argument || !function.getArgAttr(argument.getArgNumber(), names::state))
          return op.emitOpError("operand #") << number << " is no '" << names::state
                                             << "' argument: it has to be kept from step to step";
      if (failed(stateful.checkTraining()))
        return failure();
    }
  return success();
}

/// Each has a stream of random values of its own. Fails for an op that draws and has no meaning in an evaluation.
LogicalResult numberStreams(Model &model) {
  WalkResult walked = model.function.walk([](nn::RandomUniformOp op) {
    if (op->use_empty())
      return WalkResult::advance();
    op.emitError("random numbers are supported as dropout's alone: uniform ones from 0 to 1 that are compared with the probability to keep; "
                 "an evaluation has no others");
    return WalkResult::interrupt();
  });
  if (walked.wasInterrupted())
    return failure();
  for (Operation &op : model.function.getBody().front())
    if (isa<RandomOpInterface>(op))
      model.streams.try_emplace(&op, model.streams.size());
  return success();
}

FailureOr<Model> readModel(func::FuncOp function, StringRef output) {
  Model model;
  model.function = function;
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("a model must have a body of one block");
  model.recipe = function->getAttrOfType<nn::RecipeAttr>(names::recipe);
  if (!model.recipe)
    return function.emitError()
           << "the model has no '" << names::recipe
           << "': nothing says which loss and optimizer it is trained with";
  model.loss = dyn_cast<LossInterface>(model.recipe.getLoss());
  if (!model.loss)
    return function.emitError() << model.recipe.getLoss() << " is not a loss";
  model.optimizer = dyn_cast<nn::OptimizerAttr>(model.recipe.getOptimizer());
  if (!model.optimizer)
    return function.emitError() << model.recipe.getOptimizer() << " is not an optimizer";

  FailureOr<unsigned> trained = findTrainedOutput(function, output);
  if (failed(trained) || failed(collectArguments(model)) || failed(checkStates(model)))
    return failure();
  model.trained = *trained;
  if (failed(numberStreams(model)))
    return failure();
  auto prediction = cast<RankedTensorType>(function.getResultTypes()[*trained]);
  auto name = function.getResultAttrOfType<StringAttr>(*trained, names::output);
  if (failed(checkBatch(model, prediction, "output", name)))
    return failure();
  if (!isa<FloatType>(prediction.getElementType()))
    return function.emitError() << "output " << name << " is " << prediction << ": what has no gradient is not trained; --output names another";
  FailureOr<RankedTensorType> label =
      model.loss.getLabelType(function.getLoc(), prediction);
  if (failed(label))
    return failure();
  model.label = *label;
  model.prediction = prediction;
  model.loss.remarkOn(function.getBody().front().getTerminator()->getOperand(*trained), name);
  return model;
}

enum class Phase { Train, Evaluate, Predict };

/// The model's forward computation inside a step function. A prediction has neither label nor loss.
struct Forward {
  Value prediction, label, sampleWeight, lossWeight, step, learningRate;
  /// In training alone, and only where something draws by it.
  Value sampleIndex;
  /// In the order of Model::parameters.
  SmallVector<Value> parameters;
  /// In the order of Model::states; in training alone.
  SmallVector<Value> newStates;
};

/// An op with state as it is in the phase.
void buildStateful(Model &model, StepFunction &step, StatefulOpInterface op, IRMapping &mapping,
                   bool training, Forward &forward) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(mapping.lookupOrDefault(operand));
  step.builder.setLoc(op->getLoc());
  SmallVector<Value> results;
  if (training) {
    TrainedOp trained = op.buildTraining(step.builder, operands, forward.sampleWeight,
                                         model.batchStatistics);
    results = trained.results;
    for (auto [number, value] : llvm::zip_equal(op.getStateOperands(), trained.newStates)) {
      auto place = llvm::find(model.states, op->getOperand(number));
      forward.newStates[place - model.states.begin()] = value;
    }
  } else {
    results = op.buildEvaluation(step.builder, operands);
  }
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results))
    mapping.map(result, value);
}

/// An op that draws as it is in the phase.
void buildRandom(Model &model, StepFunction &step, RandomOpInterface op, IRMapping &mapping, const SamplePlaces *places,
                 const Forward &forward) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(mapping.lookupOrDefault(operand));
  step.builder.setLoc(op->getLoc());
  SmallVector<Value> results;
  if (places) {
    Draw draw{forward.step, /*sample=*/{}, /*outer=*/1, model.streams.lookup(op)};
    if (std::optional<int64_t> outer = places->outerOf(op->getOperand(0))) {
      draw.sample = forward.sampleIndex;
      draw.outer = *outer;
    }
    results = op.buildTraining(step.builder, operands, draw);
  } else {
    results = op.buildEvaluation(step.builder, operands);
  }
  for (auto [result, value] : llvm::zip_equal(op->getResults(), results))
    mapping.map(result, value);
}

Forward buildForward(Model &model, StepFunction &step, Phase phase) {
  bool training = phase == Phase::Train, predicts = phase == Phase::Predict;
  Forward forward;
  IRMapping mapping;
  for (BlockArgument input : model.inputs)
    mapping.map(input, step.copyInput(model, input));
  func::FuncOp function = model.function;
  auto prediction = cast<RankedTensorType>(function.getResultTypes()[model.trained]);
  if (!predicts)
    forward.label = step.addLabel(model);
  if (!predicts || !model.sampleWeights.empty())
    forward.sampleWeight = step.addArgument(
        RankedTensorType::get({model.recipe.getBatch()}, prediction.getElementType()),
        names::sampleWeight);
  for (BlockArgument weight : model.sampleWeights)
    mapping.map(weight, forward.sampleWeight);
  // An evaluation sums over batches: what its labels count is known when all have been seen.
  forward.lossWeight = forward.sampleWeight;
  if (training && !model.loss.getLabelCounts().areAlike())
    forward.lossWeight = step.addArgument(forward.sampleWeight.getType(), names::lossWeight);
  std::optional<SamplePlaces> places;
  if (training && !model.streams.empty()) {
    places.emplace(model.function, model.recipe.getBatch());
    forward.sampleIndex = step.addArgument(
        RankedTensorType::get({model.recipe.getBatch()}, step.builder.getI64Type()), names::sampleIndex);
  }
  if (training) {
    forward.step = step.addArgument(
        RankedTensorType::get({}, step.builder.getI64Type()), names::step);
    forward.learningRate = step.addArgument(
        RankedTensorType::get({}, step.builder.getF64Type()), names::learningRate);
  }
  for (BlockArgument parameter : model.parameters) {
    forward.parameters.push_back(step.copyArgument(model, parameter));
    mapping.map(parameter, forward.parameters.back());
  }
  for (BlockArgument state : model.states) {
    Value copy = step.copyArgument(model, state);
    mapping.map(state, copy);
    // Kept as it is unless an op says otherwise.
    if (training)
      forward.newStates.push_back(copy);
  }
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator())
    if (auto stateful = dyn_cast<StatefulOpInterface>(op))
      buildStateful(model, step, stateful, mapping, training, forward);
    else if (auto random = dyn_cast<RandomOpInterface>(op))
      buildRandom(model, step, random, mapping, places ? &*places : nullptr, forward);
    else
      step.builder.clone(op, mapping);
  forward.prediction =
      mapping.lookupOrDefault(body.getTerminator()->getOperand(model.trained));
  // The loss is named after the output it is taken of.
  auto name = function.getResultAttrOfType<StringAttr>(model.trained, names::output);
  step.builder.setLoc(NameLoc::get(step.builder.getStringAttr("loss"),
                                   NameLoc::get(name)));
  return forward;
}

func::FuncOp buildEvaluation(Model &model) {
  StepFunction step(model, "evaluate");
  Forward forward = buildForward(model, step, Phase::Evaluate);
  step.addResult(model.loss.buildLossAlone(step.builder, forward.prediction,
                                           forward.label, forward.sampleWeight),
                 names::loss);
  if (Value correct = model.loss.buildCorrect(step.builder, forward.prediction,
                                              forward.label, forward.sampleWeight))
    step.addResult(correct, names::correct);
  return step.finish();
}

/// True where the output is made of the samples by some op.
bool dependsOnSamples(Model &model) {
  SmallVector<Value> work = {model.function.getBody().front().getTerminator()->getOperand(model.trained)};
  if (isa<BlockArgument>(work.front()))
    return false;
  llvm::DenseSet<Value> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (llvm::is_contained(model.inputs, value))
      return true;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(work, op->getOperands());
  }
  return false;
}

/// What the loss is taken of, for the samples of a batch.
func::FuncOp buildPrediction(Model &model) {
  StepFunction step(model, "predict");
  Forward forward = buildForward(model, step, Phase::Predict);
  step.addResult(forward.prediction, names::output, model.function.getResultAttr(model.trained, names::output));
  return step.finish();
}

/// Adds the arguments for a parameter's optimizer state and returns them.
SmallVector<Value> addStates(StepFunction &step, RankedTensorType type, StringRef parameter, nn::OptimizerAttr optimizer,
                             SmallVectorImpl<StringAttr> &stateNames) {
  SmallVector<Value> arguments;
  for (const OptimizerState *state : optimizer.getStates()) {
    stateNames.push_back(step.builder.getStringAttr(optimizer.getEntry()->stateName(*state) + "/" + parameter));
    arguments.push_back(step.addArgument(
        state->isScalar ? RankedTensorType::get({}, type.getElementType()) : type,
        {step.builder.getNamedAttr(names::init, optimizer.getInit(*state)),
         step.builder.getNamedAttr(names::state, stateNames.back())},
        NameLoc::get(stateNames.back())));
  }
  return arguments;
}

/// One for each parameter; null for those that are frozen or do not influence the loss: whatever they are, its slope along them is 0.
FailureOr<SmallVector<Value>> buildParameterGradients(Model &model, StepFunction &step,
                                                      Forward &forward, Value gradient) {
  SmallVector<Value> trained;
  for (auto [source, parameter] : llvm::zip_equal(model.parameters, forward.parameters))
    if (!model.isFrozen(source))
      trained.push_back(parameter);
  FailureOr<SmallVector<Value>> built =
      buildGradients(step.builder, forward.prediction, gradient, trained);
  if (failed(built))
    return failure();
  SmallVector<Value> gradients(model.parameters.size());
  auto next = built->begin();
  for (auto [source, all] : llvm::zip_equal(model.parameters, gradients))
    if (!model.isFrozen(source))
      all = *next++;
  return gradients;
}

FailureOr<func::FuncOp> buildTraining(Model &model) {
  StepFunction step(model, "train");
  OwningOpRef<func::FuncOp> owner(step.function);
  Forward forward = buildForward(model, step, Phase::Train);
  auto [loss, gradient] = model.loss.buildLoss(
      step.builder, forward.prediction, forward.label, forward.lossWeight);
  FailureOr<SmallVector<Value>> gradients = buildParameterGradients(model, step, forward, gradient);
  if (failed(gradients))
    return failure();

  step.addResult(loss, names::loss);
  SmallVector<Value> newStates(forward.newStates);
  SmallVector<StringAttr> stateNames;
  func::FuncOp function = model.function;
  for (BlockArgument state : model.states)
    stateNames.push_back(
        function.getArgAttrOfType<StringAttr>(state.getArgNumber(), names::state));
  for (auto [source, parameter, gradient] :
       llvm::zip_equal(model.parameters, forward.parameters, *gradients)) {
    auto name = function.getArgAttrOfType<StringAttr>(source.getArgNumber(),
                                                      names::parameter);
    if (!gradient) {
      if (!model.isFrozen(source)) {
        emitWarning(source.getLoc()) << "parameter " << name
                                     << " does not influence the loss: it keeps its value";
        step.freeze(parameter);
      }
      step.addResult(parameter, names::parameter, name);
      continue;
    }
    nn::OptimizerAttr optimizer = model.optimizerOf(source);
    SmallVector<Value> states = addStates(step, cast<RankedTensorType>(parameter.getType()), name.getValue(), optimizer, stateNames);
    step.builder.setLoc(FusedLoc::get(step.builder.getContext(), {NameLoc::get(name)},
                                      step.builder.getStringAttr("update")));
    auto update = nn::UpdateOp::create(step.builder, parameter, gradient, states, forward.learningRate,
                                       forward.step, optimizer);
    step.addResult(update.getNewParameter(), names::parameter, name);
    llvm::append_range(newStates, update.getNewStates());
  }
  for (auto [state, name] : llvm::zip_equal(newStates, stateNames))
    step.addResult(state, names::state, name);
  step.finish();
  return owner.release();
}

/// The module's only model that is not a step already.
FailureOr<func::FuncOp> findModel(ModuleOp module) {
  func::FuncOp model;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function->hasAttr(names::model) || function->hasAttr(names::phase))
      continue;
    if (model) {
      InFlightDiagnostic error = function.emitError("a module holds one model");
      error.attachNote(model.getLoc()) << "this is another one";
      return error;
    }
    model = function;
  }
  if (!model)
    return module.emitError("the module has no function with 'nn.model'");
  return model;
}

struct DifferentiateGraphPass
    : dtc::impl::DifferentiateGraphPassBase<DifferentiateGraphPass> {
  using DifferentiateGraphPassBase::DifferentiateGraphPassBase;

  void runOnOperation() override {
    if (failed(differentiate(getOperation())))
      signalPassFailure();
  }

  LogicalResult differentiate(ModuleOp module) {
    FailureOr<func::FuncOp> function = findModel(module);
    if (failed(function))
      return failure();
    for (StringRef name : {"train", "evaluate", "predict"})
      if (Operation *other = SymbolTable::lookupSymbolIn(module, name);
          other && other != *function)
        return other->emitError() << "the name @" << name
                                  << " is needed for the model's own function";
    FailureOr<Model> model = readModel(*function, output);
    if (failed(model))
      return failure();
    model->batchStatistics = batchStatistics;
    FailureOr<func::FuncOp> training = buildTraining(*model);
    if (failed(training))
      return failure();
    func::FuncOp evaluation = buildEvaluation(*model);

    OpBuilder builder(*function);
    builder.insert(*training);
    builder.insert(evaluation);
    if (dependsOnSamples(*model))
      builder.insert(buildPrediction(*model));
    function->erase();
    return success();
  }
};

} // namespace
