// dtc-verify-step: what must hold when the nn level ends.
#include "dialects/NN/NN.h"
#include "dtc/Autodiff/AutodiffInterfaces.h"
#include "dtc/Autodiff/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace dtc {
#define GEN_PASS_DEF_VERIFYSTEPPASS
#include "dtc/Autodiff/Passes.h.inc"
} // namespace dtc

using namespace mlir;
using namespace dtc;
namespace names = dtc::nn::names;

namespace {

using Named = llvm::MapVector<StringAttr, BlockArgument>;

/// The arguments of a step function by their roles.
struct Arguments {
  Named inputs, parameters, states;
  SmallVector<BlockArgument> label, sampleWeight, lossWeight, sampleIndex, step, learningRate;
};

constexpr StringLiteral namedRoles[] = {names::input, names::parameter, names::state};
constexpr StringLiteral flagRoles[] = {names::label,       names::sampleWeight, names::lossWeight,
                                       names::sampleIndex, names::step,         names::learningRate};

FailureOr<Arguments> readArguments(func::FuncOp function) {
  Arguments arguments;
  Named *named[] = {&arguments.inputs, &arguments.parameters, &arguments.states};
  SmallVector<BlockArgument> *flags[] = {&arguments.label, &arguments.sampleWeight, &arguments.lossWeight, &arguments.sampleIndex,
                                         &arguments.step, &arguments.learningRate};
  for (BlockArgument argument : function.getArguments()) {
    unsigned number = argument.getArgNumber(), roles = 0;
    for (auto [role, map] : llvm::zip_equal(namedRoles, named)) {
      auto name = function.getArgAttrOfType<StringAttr>(number, role);
      if (!name)
        continue;
      ++roles;
      if (!map->insert({name, argument}).second)
        return emitError(argument.getLoc())
               << "two arguments of @" << function.getSymName() << " have '" << role
               << "' " << name;
      if (role != names::input && !function.getArgAttr(number, names::init))
        return emitError(argument.getLoc())
               << "'" << role << "' " << name << " has no '" << names::init << "'";
    }
    for (auto [role, list] : llvm::zip_equal(flagRoles, flags))
      if (function.getArgAttr(number, role)) {
        ++roles;
        list->push_back(argument);
      }
    if (roles != 1)
      return emitError(argument.getLoc())
             << "argument " << number << " of @" << function.getSymName() << " has "
             << roles << " roles instead of one (input, label, sample weight, "
             << "sample index, step, learning rate, parameter or state)";
  }
  return arguments;
}

LogicalResult checkCount(func::FuncOp function, StringRef role, size_t count,
                         size_t expected) {
  if (count == expected)
    return success();
  return function.emitError() << "@" << function.getSymName() << " has " << count
                              << " '" << role << "' instead of " << expected;
}

LogicalResult checkOps(func::FuncOp function) {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitError("a step must have a body of one block");
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (!isa_and_nonnull<nn::NNDialect>(op.getDialect()))
      return op.emitError() << "'" << op.getName() << "' is not an nn op";
    for (Type type : op.getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type);
          !tensor || !tensor.hasStaticShape())
        return op.emitError() << "result " << type << " is not a static tensor";
  }
  for (Type type : function.getArgumentTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type);
        !tensor || !tensor.hasStaticShape())
      return function.emitError() << "argument " << type << " is not a static tensor";
  return success();
}

/// The results that carry `role`, checked to be one scalar or `expected` many.
LogicalResult checkScalarResult(func::FuncOp function, StringRef role,
                                bool required) {
  size_t count = 0;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    if (!function.getResultAttr(i, role))
      continue;
    ++count;
    auto type = dyn_cast<RankedTensorType>(function.getResultTypes()[i]);
    if (!type || type.getRank() != 0)
      return function.emitError() << "result '" << role << "' of @"
                                  << function.getSymName() << " is "
                                  << function.getResultTypes()[i] << ", not a scalar";
  }
  return required || count > 1 ? checkCount(function, role, count, 1) : success();
}

/// Values that the loss is computed from.
llvm::DenseSet<Value> influences(func::FuncOp function) {
  llvm::DenseSet<Value> values;
  Operation *terminator = function.getBody().front().getTerminator();
  SmallVector<Value> worklist;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (function.getResultAttr(i, names::loss))
      worklist.push_back(terminator->getOperand(i));
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (values.insert(value).second)
      if (Operation *op = value.getDefiningOp())
        llvm::append_range(worklist, op->getOperands());
  }
  return values;
}

/// The value returned for each argument of a role, checked to be one each.
FailureOr<llvm::MapVector<StringAttr, Value>>
readResults(func::FuncOp function, StringRef role, StringRef noun,
            const Named &arguments) {
  llvm::MapVector<StringAttr, Value> results;
  Operation *terminator = function.getBody().front().getTerminator();
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto name = function.getResultAttrOfType<StringAttr>(i, role);
    if (!name)
      continue;
    auto argument = arguments.find(name);
    if (argument == arguments.end())
      return function.emitError() << "result " << noun << " " << name
                                  << " has no argument of that name";
    Type type = argument->second.getType();
    if (function.getResultTypes()[i] != type)
      return function.emitError()
             << noun << " " << name << " goes in as " << type << " and comes out as "
             << function.getResultTypes()[i];
    if (!results.insert({name, terminator->getOperand(i)}).second)
      return function.emitError() << noun << " " << name << " has two results";
  }
  for (auto [name, argument] : arguments)
    if (!results.contains(name))
      return emitError(argument.getLoc())
             << noun << " " << name << " has no result with its new value";
  return results;
}

/// A parameter's result is the update of its own argument; one that is frozen,
/// or does not even reach the loss, is returned as it came.
LogicalResult checkUpdates(func::FuncOp function, const Named &parameters,
                           const llvm::MapVector<StringAttr, Value> &results) {
  llvm::DenseSet<Value> influential = influences(function);
  for (auto [name, argument] : parameters) {
    Value result = results.find(name)->second;
    bool isFrozen = bool(function.getArgAttr(argument.getArgNumber(), names::frozen));
    if (result == argument) {
      if (isFrozen || !influential.contains(argument))
        continue;
      return emitError(argument.getLoc()) << "parameter " << name
                                          << " influences the loss but is not updated";
    }
    if (isFrozen)
      return emitError(argument.getLoc()) << "parameter " << name << " is frozen but is updated";
    auto update = result.getDefiningOp<nn::UpdateOp>();
    if (!update || update.getParameter() != argument)
      return emitError(argument.getLoc())
             << "the result of parameter " << name << " is not an update of it";
  }
  return success();
}

LogicalResult verifyTraining(func::FuncOp function, const Arguments &arguments) {
  if (failed(checkCount(function, names::label, arguments.label.size(), 1)) ||
      failed(checkCount(function, names::sampleWeight, arguments.sampleWeight.size(), 1)) ||
      (!arguments.lossWeight.empty() && failed(checkCount(function, names::lossWeight, arguments.lossWeight.size(), 1))) ||
      (!arguments.sampleIndex.empty() && failed(checkCount(function, names::sampleIndex, arguments.sampleIndex.size(), 1))) ||
      failed(checkCount(function, names::step, arguments.step.size(), 1)) ||
      failed(checkCount(function, names::learningRate, arguments.learningRate.size(), 1)) ||
      failed(checkScalarResult(function, names::loss, /*required=*/true)))
    return failure();
  auto parameters =
      readResults(function, names::parameter, "parameter", arguments.parameters);
  if (failed(parameters) ||
      failed(readResults(function, names::state, "state", arguments.states)))
    return failure();
  return checkUpdates(function, arguments.parameters, *parameters);
}

LogicalResult verifyEvaluation(func::FuncOp function, const Arguments &arguments) {
  if (failed(checkCount(function, names::label, arguments.label.size(), 1)) ||
      failed(checkCount(function, names::sampleWeight, arguments.sampleWeight.size(), 1)) ||
      failed(checkCount(function, names::lossWeight, arguments.lossWeight.size(), 0)) ||
      failed(checkCount(function, names::sampleIndex, arguments.sampleIndex.size(), 0)) ||
      failed(checkCount(function, names::step, arguments.step.size(), 0)) ||
      failed(checkCount(function, names::learningRate, arguments.learningRate.size(), 0)) ||
      failed(checkScalarResult(function, names::loss, /*required=*/true)))
    return failure();
  return checkScalarResult(function, names::correct, /*required=*/false);
}

/// One result, the output: a row for each sample.
LogicalResult verifyPrediction(func::FuncOp function, const Arguments &arguments) {
  if (failed(checkCount(function, names::label, arguments.label.size(), 0)) ||
      failed(checkCount(function, names::lossWeight, arguments.lossWeight.size(), 0)) ||
      failed(checkCount(function, names::sampleIndex, arguments.sampleIndex.size(), 0)) ||
      failed(checkCount(function, names::step, arguments.step.size(), 0)) ||
      failed(checkCount(function, names::learningRate, arguments.learningRate.size(), 0)) ||
      failed(checkCount(function, "result", function.getNumResults(), 1)))
    return failure();
  if (!function.getResultAttr(0, names::output))
    return checkCount(function, names::output, 0, 1);
  auto type = dyn_cast<RankedTensorType>(function.getResultTypes()[0]);
  for (auto [name, input] : arguments.inputs) {
    auto samples = cast<RankedTensorType>(input.getType());
    if (samples.getRank() > 0 && (!type || type.getRank() == 0 || type.getDimSize(0) != samples.getDimSize(0)))
      return function.emitError() << "result '" << names::output << "' of @" << function.getSymName() << " is "
                                  << function.getResultTypes()[0] << ", without a row for each of the " << samples.getDimSize(0)
                                  << " samples";
  }
  return success();
}

/// Both functions are of one model: equal inputs and parameters, in one order.
LogicalResult checkSameArguments(StringRef noun, const Named &training,
                                 const Named &evaluation, func::FuncOp function) {
  bool same = training.size() == evaluation.size();
  for (size_t i = 0; same && i < training.size(); ++i) {
    auto &[name, argument] = *std::next(training.begin(), i);
    auto &[otherName, other] = *std::next(evaluation.begin(), i);
    same = name == otherName && argument.getType() == other.getType();
  }
  if (same)
    return success();
  return function.emitError() << "the " << noun << " of @train and @" << function.getSymName() << " differ";
}

/// An evaluation, or a prediction, reads state that training keeps, and that is the model's own.
LogicalResult checkEvaluatedState(const Named &training, const Named &evaluation,
                                  func::FuncOp function) {
  for (auto [name, argument] : evaluation) {
    auto kept = training.find(name);
    if (kept == training.end() || kept->second.getType() != argument.getType())
      return emitError(argument.getLoc())
             << "state " << name << " of @" << function.getSymName() << " is not a state of @train of the same type";
    if (!function.getArgAttr(argument.getArgNumber(), names::statistic))
      return emitError(argument.getLoc())
             << "state " << name << " of @" << function.getSymName() << " is no '" << names::statistic << "'";
  }
  return success();
}

struct VerifyStepPass : dtc::impl::VerifyStepPassBase<VerifyStepPass> {
  void runOnOperation() override {
    if (failed(verify(getOperation())))
      signalPassFailure();
    else
      markAllAnalysesPreserved();
  }

  /// Null where no function has the phase.
  static FailureOr<func::FuncOp> lookupPhase(ModuleOp module, StringRef phase) {
    func::FuncOp found;
    for (auto function : module.getOps<func::FuncOp>()) {
      auto attribute = function->getAttrOfType<StringAttr>(names::phase);
      if (!attribute || attribute.getValue() != phase)
        continue;
      if (found) {
        InFlightDiagnostic error = function.emitError()
                                   << "two functions have the phase \"" << phase << "\"";
        error.attachNote(found.getLoc()) << "this is the other one";
        return error;
      }
      found = function;
    }
    return found;
  }

  static FailureOr<func::FuncOp> findPhase(ModuleOp module, StringRef phase) {
    FailureOr<func::FuncOp> found = lookupPhase(module, phase);
    if (succeeded(found) && !*found)
      return module.emitError() << "no function has the phase \"" << phase << "\"";
    return found;
  }

  static LogicalResult verify(ModuleOp module) {
    FailureOr<func::FuncOp> training = findPhase(module, "train");
    if (failed(training) || failed(checkOps(*training)))
      return failure();
    FailureOr<Arguments> train = readArguments(*training);
    if (failed(train) || failed(verifyTraining(*training, *train)))
      return failure();

    FailureOr<func::FuncOp> evaluation = findPhase(module, "evaluate");
    if (failed(evaluation) || failed(checkOps(*evaluation)))
      return failure();
    FailureOr<Arguments> evaluate = readArguments(*evaluation);
    if (failed(evaluate) || failed(verifyEvaluation(*evaluation, *evaluate)))
      return failure();

    if ((*training)->getAttr(names::model) != (*evaluation)->getAttr(names::model))
      return evaluation->emitError("@train and @evaluate are of different models");
    if (failed(checkSameArguments("inputs", train->inputs, evaluate->inputs, *evaluation)))
      return failure();
    if (failed(checkEvaluatedState(train->states, evaluate->states, *evaluation)))
      return failure();
    if (failed(checkSameArguments("parameters", train->parameters, evaluate->parameters,
                                  *evaluation)))
      return failure();

    FailureOr<func::FuncOp> prediction = lookupPhase(module, "predict");
    if (failed(prediction) || !*prediction)
      return prediction;
    if (failed(checkOps(*prediction)))
      return failure();
    FailureOr<Arguments> predict = readArguments(*prediction);
    if (failed(predict) || failed(verifyPrediction(*prediction, *predict)))
      return failure();
    if ((*training)->getAttr(names::model) != (*prediction)->getAttr(names::model))
      return prediction->emitError("@train and @predict are of different models");
    if (failed(checkSameArguments("inputs", train->inputs, predict->inputs, *prediction)) ||
        failed(checkEvaluatedState(train->states, predict->states, *prediction)))
      return failure();
    return checkSameArguments("parameters", train->parameters, predict->parameters, *prediction);
  }
};

} // namespace
