// The nodes and outputs of a model, and the function that they make.
#include "ConstantUses.h"
#include "FoldedNormalisation.h"
#include "GraphImporter.h"
#include "InlineFunctions.h"
#include "Operators.h"
#include "ReadModel.h"
#include "SpreadConstants.h"

#include "dialects/NN/NN.h"
#include "dtc/Import/ONNX.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::checkInputsDefined(const ::onnx::NodeProto &proto,
                                                Node &node) {
  for (const std::string &input : proto.input()) {
    if (input.empty() || state.bindings.contains(input))
      continue;
    // Once, for all nodes that are refused so.
    if (computed.empty())
      for (const ::onnx::NodeProto &other : graph.node())
        for (const std::string &output : other.output())
          computed.insert(output);
    if (computed.contains(input))
      return node.error()
             << "input " << quoted(input)
             << " is computed by this node itself or by a later one; nodes "
                "must be in order and have no cycle";
    return node.error() << "input " << quoted(input) << " is not defined";
  }
  return success();
}

/// How many names are given: ONNX leaves optional inputs and outputs out by the name "", behind the last other one as well as before.
template <typename Names>
static unsigned countGiven(const Names &names) {
  unsigned count = names.size();
  while (count > 0 && names.Get(count - 1).empty())
    --count;
  return count;
}

/// Whether the first of the integers that a node computes follows from a shape.
static bool followsShape(const ::onnx::NodeProto &proto, const llvm::StringSet<> &others) {
  if (proto.op_type() == "Shape" || proto.op_type() == "Size")
    return true;
  if (proto.op_type() == "Concat")
    return proto.input_size() > 0 && others.contains(proto.input(0));
  return llvm::any_of(proto.input(), [&](const std::string &input) { return others.contains(input); });
}

LogicalResult GraphImporter::importNode(const ::onnx::NodeProto &proto,
                                        size_t number) {
  Node node(proto, number, state, builder);
  if (node.failed())
    return failure();
  if (state.ops <= 0)
    return node.error() << "is one too many: a model makes at most " << GraphState().ops << " ops";
  if (!proto.domain().empty() && proto.domain() != "ai.onnx")
    return node.error() << "operators of domain " << quoted(proto.domain())
                        << " are not supported, only ONNX's own are";
  const Operator *op = operatorTable().find(proto.op_type(), state.opset);
  if (!op) {
    lacksOperator = true;
    return node.error() << "this operator is not supported";
  }
  // Of any number of inputs none is optional.
  unsigned inputCount = op->maxInputs == variadic ? proto.input_size() : countGiven(proto.input()),
           outputCount = countGiven(proto.output());
  if (inputCount < op->minInputs || inputCount > op->maxInputs)
    return node.error() << "has " << inputCount
                        << " inputs, the operator takes " << op->minInputs
                        << (op->maxInputs == variadic ? " or more"
                            : op->maxInputs == op->minInputs
                                ? ""
                                : " to " + std::to_string(op->maxInputs));
  if (outputCount < 1 || outputCount > op->maxOutputs)
    return node.error() << "has " << outputCount
                        << " outputs, the operator gives "
                        << (op->maxOutputs == 1          ? "1"
                            : op->maxOutputs == variadic ? "1 or more"
                                                         : "1 to " + std::to_string(op->maxOutputs));
  if (failed(checkInputsDefined(proto, node)))
    return failure();
  // What a refused node computes is not known, nor then what follows from it.
  if (llvm::any_of(proto.input(), [&](const std::string &input) {
        auto binding = state.bindings.find(input);
        return binding != state.bindings.end() && !binding->second;
      })) {
    bindUnknown(proto);
    return success();
  }

  FailureOr<Binding> result = op->import(node);
  if (failed(result) || failed(node.checkAllAttributesRead()))
    return failure();
  for (auto [i, name] : llvm::enumerate(proto.output())) {
    const Binding *binding = i == 0 ? &*result : node.given(i);
    if (name.empty())
      continue;
    if (!binding && node.usesOutput(i))
      return node.error() << "output " << quoted(name) << ", number " << i << ", is used but not supported";
    if (!binding)
      continue;
    if (!state.bindings.try_emplace(name, *binding).second)
      return node.error() << "output " << quoted(name)
                          << " has a name that is already taken; every name may "
                             "be defined once";
    if (isa<IntegerType>(getElementTypeOrSelf(*binding)) && followsShape(proto, state.followShapes))
      state.followShapes.insert(name);
  }
  return success();
}

void GraphImporter::bindUnknown(const ::onnx::NodeProto &proto) {
  for (const std::string &output : proto.output())
    if (!output.empty())
      state.bindings.try_emplace(output, Binding());
}

LogicalResult GraphImporter::importNodes() {
  // Of each operator, how many of its nodes are refused, and what is said of the first.
  struct Refused {
    unsigned count = 0;
    Location location;
    std::string message;
  };
  llvm::MapVector<StringRef, Refused> refused;
  unsigned total = 0;
  for (auto [i, proto] : llvm::enumerate(graph.node())) {
    std::optional<std::pair<Location, std::string>> error;
    {
      ScopedDiagnosticHandler capture(&context, [&](Diagnostic &found) {
        if (found.getSeverity() != DiagnosticSeverity::Error)
          return failure();
        if (!error)
          error.emplace(found.getLocation(), found.str());
        return success();
      });
      if (succeeded(importNode(proto, i)))
        continue;
    }
    bindUnknown(proto);
    assert(error && "a node is refused with an error");
    auto [entry, isNew] = refused.try_emplace(proto.op_type(), Refused{0, error->first, error->second});
    ++entry->second.count;
    ++total;
  }
  if (total == 0)
    return success();

  constexpr size_t most = 32; // a file may name operators without end
  InFlightDiagnostic diagnostic =
      total == 1 ? emitError(refused.front().second.location) : error();
  if (total == 1) {
    diagnostic << refused.front().second.message;
  } else {
    diagnostic << total << " nodes are not supported: ";
    llvm::interleaveComma(ArrayRef(refused.getArrayRef()).take_front(most), diagnostic, [&](const auto &entry) {
      diagnostic << onOneLine(entry.first.take_front(100)) << " (" << entry.second.count << ")";
    });
    if (refused.size() > most)
      diagnostic << " and " << refused.size() - most << " other operators";
    for (const auto &[name, first] : ArrayRef(refused.getArrayRef()).take_front(most))
      diagnostic.attachNote(first.location) << first.message;
  }
  if (lacksOperator) {
    std::string names;
    for (const auto &[name, versions] : operatorTable().rows())
      names += (names.empty() ? "" : ", ") + name;
    diagnostic.attachNote() << "supported operators: " << names;
  }
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

/// A declared output type must agree with the inferred one; symbolic dimensions
/// other than the batch promise nothing.
LogicalResult
GraphImporter::checkDeclaredType(const ::onnx::ValueInfoProto &output,
                                 RankedTensorType type) {
  if (!output.has_type())
    return success();
  const ::onnx::TypeProto::Tensor &declared = output.type().tensor_type();
  if (!output.type().has_tensor_type() || !TensorReader::holds(declared.elem_type(), type.getElementType()))
    return error() << "output " << quoted(output.name())
                   << " is declared as something else than a tensor of " << type.getElementType() << ", which the graph computes";
  if (!declared.has_shape())
    return success();
  bool agree = declared.shape().dim_size() == type.getRank();
  SmallVector<std::string> sizes;
  for (auto [i, dimension] : llvm::enumerate(declared.shape().dim())) {
    if (dimension.has_dim_value())
      sizes.push_back(std::to_string(dimension.dim_value()));
    else if (auto bound = dimensions.find(dimension.dim_param()); bound != dimensions.end())
      sizes.push_back(std::to_string(bound->second));
    else
      sizes.push_back("?");
    agree = agree && (sizes.back() == "?" ||
                      sizes.back() == std::to_string(type.getDimSize(i)));
  }
  if (agree)
    return success();
  sizes.resize(std::min<size_t>(sizes.size(), 64));
  return error() << "output " << quoted(output.name())
                 << " is declared with shape [" << llvm::join(sizes, ", ")
                 << "] but the graph computes "
                 << nn::formatShape(type.getShape());
}

LogicalResult GraphImporter::importOutputs(SmallVectorImpl<Value> &values) {
  if (graph.output_size() == 0)
    return error() << "the graph has no output";
  llvm::StringSet<> seen;
  for (const ::onnx::ValueInfoProto &output : graph.output()) {
    StringRef name = output.name();
    auto binding = state.bindings.find(name);
    if (name.empty() || binding == state.bindings.end())
      return error() << "output " << quoted(name)
                     << " of the graph is not defined";
    if (!seen.insert(name).second)
      return error() << "output " << quoted(name)
                     << " of the graph is listed twice";
    Value value = binding->second;
    auto type = cast<RankedTensorType>(value.getType());
    if (failed(checkDeclaredType(output, type)))
      return failure();
    outputs.push_back(place(name, type, attribute(nn::names::output, name)));
    values.push_back(value);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

/// A name that MLIR prints without quotes.
static std::string identifier(StringRef name) {
  std::string result;
  if (name.empty() || llvm::isDigit(name[0]))
    result = '_';
  for (char c : name.take_front(100))
    result += llvm::isAlnum(c) || c == '_' ? c : '_';
  return result;
}

OwningOpRef<ModuleOp> GraphImporter::run() {
  if (failed(checkModel()) || failed(readInitializers()) ||
      failed(readInputs()))
    return {};
  // Their running variance is the unbiased one, whatever ONNX defines: of PyTorch's modules, and of the programs whose graphs dtc writes.
  bool isUnbiased = model.producer_name() == "pytorch" || model.producer_name() == "dtc";
  RunningVariance byDefault = isUnbiased ? RunningVariance::Unbiased : RunningVariance::Biased;
  state.biasedVariance = options.runningVariance.value_or(byDefault) == RunningVariance::Biased;
  if (options.trainMode) // by the names of the file
    foldedNormalisations = findFoldedNormalisations(model).size();
  separateParameters();
  tieParameters();
  restoreNames();
  collectUses();

  Location location = fileLocation(state.path, context);
  OwningOpRef<ModuleOp> module(ModuleOp::create(location));
  builder.setInsertionPointToEnd(module->getBody());
  std::string name = graph.name().empty() ? "model" : graph.name();

  SmallVector<Place> arguments(inputs);
  arguments.append(parameters);
  auto types = [](ArrayRef<Place> places) {
    return llvm::map_to_vector(places, [](const Place &p) { return p.type; });
  };
  auto attributes = [](ArrayRef<Place> places) {
    return llvm::map_to_vector(places,
                               [](const Place &p) { return p.attributes; });
  };
  auto function =
      func::FuncOp::create(builder, location, identifier(name),
                           builder.getFunctionType(types(arguments), {}));
  function->setAttr(nn::names::model, builder.getStringAttr(name));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  // All at once: one by one would be quadratic in their number.
  function.setAllArgAttrs(attributes(arguments));
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    body->getArgument(i).setLoc(
        namedLocation(argument.name, state.path, context));
    if (failed(defineName(argument.name, body->getArgument(i),
                          i < inputs.size() ? "input" : "initializer")))
      return {};
  }
  if (failed(defineTied()))
    return {};
  for (auto [name, elements] : constants) {
    auto constant = nn::ConstantOp::create(builder, namedLocation(name, state.path, context), elements.getType(), elements);
    if (failed(defineName(name, constant, "initializer")))
      return {};
  }

  if (failed(importNodes()) || failed(reportTrainMode()))
    return {};

  SmallVector<Value> values;
  if (failed(importOutputs(values)))
    return {};
  func::ReturnOp::create(builder, location, values);
  // What served shapes alone leaves no ops.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (mlir::isOpTriviallyDead(&op))
      op.erase();
  function.setFunctionType(
      builder.getFunctionType(types(arguments), types(outputs)));
  function.setAllResultAttrs(attributes(outputs));
  spreadConstants(function);
  markConstantUses(function);
  if (failed(verify(*module)))
    return {};
  if (options.dataFiles) {
    // Tensors share files.
    llvm::StringSet<> seen;
    for (const std::string &file : tensors.getFiles())
      if (seen.insert(file).second)
        options.dataFiles->push_back(file);
  }
  return module;
}

OwningOpRef<ModuleOp> dtc::importONNX(StringRef path,
                                      const ImportOptions &options,
                                      MLIRContext &context) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  try {
    std::unique_ptr<::onnx::ModelProto> model = readModel(path, context);
    if (!model || failed(inlineFunctions(*model, path, context)))
      return {};
    return GraphImporter(*model, path, options, context).run();
  } catch (const std::bad_alloc &) {
    emitError(fileLocation(path, context))
        << "the model does not fit into memory";
  } catch (const std::exception &exception) {
    emitError(fileLocation(path, context))
        << "the model cannot be read: " << onOneLine(exception.what());
  }
  return {};
}
