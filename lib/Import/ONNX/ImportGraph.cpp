// An ONNX graph to a function of nn ops.
#include "dtc/Import/ONNX.h"

#include "Operators.h"
#include "ReadModel.h"

#include "dialects/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

constexpr int64_t minOpset = 13, maxOpset = 21;
// IR versions 4 to 14 add what float32 graphs do not use, or fields that are
// refused by name below.
constexpr int64_t minIRVersion = 3, maxIRVersion = 14;

class GraphImporter {
public:
  GraphImporter(const ::onnx::ModelProto &model, StringRef path,
                const ImportOptions &options, MLIRContext &context)
      : model(model), graph(model.graph()), options(options), context(context),
        tensors(path, context), builder(&context) {
    state.path = path;
    state.tensors = &tensors;
  }

  OwningOpRef<ModuleOp> run();

private:
  /// A function argument or result to be.
  struct Place {
    StringRef name;
    Type type;
    DictionaryAttr attributes;
  };

  LogicalResult checkModel();
  LogicalResult readOpset();
  LogicalResult readInitializers();
  LogicalResult readInput(const ::onnx::ValueInfoProto &input);
  FailureOr<int64_t>
  readInputDimension(const ::onnx::TensorShapeProto::Dimension &dimension,
                     unsigned number, StringRef what);
  LogicalResult bindFirstDimension(const ::onnx::ValueInfoProto &input);
  LogicalResult checkInitializedInput(const ::onnx::ValueInfoProto &input);
  void collectUses();
  LogicalResult defineName(StringRef name, Binding binding, StringRef what);
  LogicalResult importNode(const ::onnx::NodeProto &proto, size_t number);
  LogicalResult checkInputsDefined(const ::onnx::NodeProto &proto, Node &node);
  LogicalResult importOutputs(SmallVectorImpl<Value> &values);
  LogicalResult checkDeclaredType(const ::onnx::ValueInfoProto &output,
                                  RankedTensorType type);

  InFlightDiagnostic error() {
    return emitError(fileLocation(state.path, context));
  }
  Place place(StringRef name, Type type, ArrayRef<NamedAttribute> attributes) {
    return {name, type, DictionaryAttr::get(&context, attributes)};
  }
  NamedAttribute attribute(StringRef key, StringRef value) {
    return builder.getNamedAttr(key, builder.getStringAttr(value));
  }

  const ::onnx::ModelProto &model;
  const ::onnx::GraphProto &graph;
  const ImportOptions &options;
  MLIRContext &context;
  TensorReader tensors;
  OpBuilder builder;
  GraphState state;
  /// Initializers by name, until their inputs have been read.
  llvm::StringMap<const ::onnx::TensorProto *> initializers;
  /// Names of symbolic dimensions that are bound to the batch.
  llvm::StringSet<> batchNames;
  SmallVector<Place> inputs, parameters, outputs;
  SmallVector<std::pair<StringRef, IntegerTensor>> integerInitializers;
};

} // namespace

//===----------------------------------------------------------------------===//
// The model as a whole
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::readOpset() {
  for (const ::onnx::OperatorSetIdProto &import : model.opset_import()) {
    if (!import.domain().empty() && import.domain() != "ai.onnx")
      continue; // refused at the nodes that use it
    if (state.opset && state.opset != import.version())
      return error() << "the model imports two opsets of the default domain, "
                     << state.opset << " and " << import.version();
    state.opset = import.version();
    if (state.opset < minOpset || state.opset > maxOpset)
      return error() << "the model uses opset " << state.opset
                     << " of ONNX, supported are " << minOpset << " to "
                     << maxOpset
                     << "; export it again or convert it with "
                        "onnx.version_converter";
  }
  if (!state.opset)
    return error() << "the model imports no opset of the default domain";
  return success();
}

LogicalResult GraphImporter::checkModel() {
  if (!model.has_ir_version() || !model.has_graph())
    return error() << "this is no ONNX model: it has no "
                   << (model.has_ir_version() ? "graph" : "ir_version");
  if (model.ir_version() < minIRVersion || model.ir_version() > maxIRVersion)
    return error() << "the model has ONNX IR version " << model.ir_version()
                   << ", supported are " << minIRVersion << " to "
                   << maxIRVersion;
  if (failed(readOpset()))
    return failure();
  // Parts that would change what the graph means.
  if (model.training_info_size())
    return error() << "the model carries training_info; how to train is said "
                      "by the recipe, so remove it";
  if (graph.sparse_initializer_size())
    return error() << "sparse initializers are not supported";
  if (graph.quantization_annotation_size())
    return error() << "quantized models are not supported; export the float32 "
                      "model";
  if (options.batch < 0 || options.batch > INT32_MAX)
    return error() << "the batch must be between 1 and " << INT32_MAX
                   << ", not " << options.batch;
  return success();
}

void GraphImporter::collectUses() {
  for (const ::onnx::NodeProto &node : graph.node())
    for (const std::string &input : node.input())
      state.used.insert(input);
  for (const ::onnx::ValueInfoProto &output : graph.output())
    state.used.insert(output.name());
}

LogicalResult GraphImporter::defineName(StringRef name, Binding binding,
                                        StringRef what) {
  if (name.empty())
    return error() << what << " has no name";
  if (!state.bindings.try_emplace(name, std::move(binding)).second)
    return error() << what << " " << quoted(name)
                   << " has a name that is already taken; every name may be "
                      "defined once";
  return success();
}

//===----------------------------------------------------------------------===//
// Initializers and inputs
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::readInitializers() {
  for (const ::onnx::TensorProto &tensor : graph.initializer()) {
    auto emit = [&] {
      InFlightDiagnostic diagnostic =
          emitError(namedLocation(tensor.name(), state.path, context));
      diagnostic << "initializer " << quoted(tensor.name()) << ": ";
      return diagnostic;
    };
    if (tensor.name().empty())
      return error() << "an initializer has no name";
    if (!initializers.try_emplace(tensor.name(), &tensor).second)
      return emit() << "the name is already taken by another initializer";
    if (tensor.data_type() == ::onnx::TensorProto::INT64 ||
        tensor.data_type() == ::onnx::TensorProto::INT32) {
      FailureOr<IntegerTensor> integers = tensors.readIntegers(tensor, emit);
      if (failed(integers))
        return failure();
      integerInitializers.emplace_back(tensor.name(), std::move(*integers));
      continue;
    }
    FailureOr<DenseElementsAttr> floats = tensors.readFloats(tensor, emit);
    if (failed(floats))
      return failure();
    parameters.push_back(
        place(tensor.name(), floats->getType(),
              {attribute(nn::names::parameter, tensor.name()),
               builder.getNamedAttr(nn::names::init, *floats)}));
  }
  return success();
}

/// A model of IR version 3 lists its initializers among the inputs; the two
/// must then agree.
LogicalResult GraphImporter::checkInitializedInput(
    const ::onnx::ValueInfoProto &input) {
  const ::onnx::TensorProto &tensor = *initializers.lookup(input.name());
  const ::onnx::TypeProto::Tensor &type = input.type().tensor_type();
  bool agree = !input.has_type() || (input.type().has_tensor_type() &&
                                     type.elem_type() == tensor.data_type());
  if (agree && type.has_shape()) {
    agree = type.shape().dim_size() == tensor.dims_size();
    for (int i = 0; agree && i < tensor.dims_size(); ++i)
      agree = !type.shape().dim(i).has_dim_value() ||
              type.shape().dim(i).dim_value() == tensor.dims(i);
  }
  if (!agree)
    return emitError(namedLocation(input.name(), state.path, context))
           << "input " << quoted(input.name())
           << " is declared with another type than its initializer has";
  return success();
}

/// Binds a symbolic first dimension to the batch of the options.
LogicalResult GraphImporter::bindFirstDimension(
    const ::onnx::ValueInfoProto &input) {
  const ::onnx::TensorShapeProto &shape = input.type().tensor_type().shape();
  auto emit = [&] {
    InFlightDiagnostic diagnostic =
        emitError(namedLocation(input.name(), state.path, context));
    diagnostic << "input " << quoted(input.name()) << " ";
    return diagnostic;
  };
  if (!input.type().tensor_type().has_shape())
    return success(); // reported with the input's type
  if (shape.dim_size() == 0) {
    if (options.batch)
      return emit() << "is a scalar; its first dimension must be the batch";
    return success();
  }
  const ::onnx::TensorShapeProto::Dimension &first = shape.dim(0);
  if (first.has_dim_value()) {
    if (options.batch && options.batch != first.dim_value())
      return emit() << "has a fixed batch of " << first.dim_value()
                    << ", but the batch asked for is " << options.batch
                    << "; export the model with a symbolic batch, or ask for "
                    << first.dim_value();
    return success();
  }
  if (!options.batch)
    return emit() << "has the symbolic batch " << quoted(first.dim_param())
                  << "; give one with --batch";
  state.symbolicBatch = options.batch;
  if (!first.dim_param().empty())
    batchNames.insert(first.dim_param());
  return success();
}

FailureOr<int64_t> GraphImporter::readInputDimension(
    const ::onnx::TensorShapeProto::Dimension &dimension, unsigned number,
    StringRef what) {
  if (dimension.has_dim_value())
    return dimension.dim_value();
  if (number == 0 || batchNames.contains(dimension.dim_param()))
    return options.batch;
  return error() << what << " has the symbolic dimension "
                 << quoted(dimension.dim_param()) << " at position " << number
                 << "; only the first, the batch, may be symbolic, so export "
                    "the model with fixed sizes";
}

LogicalResult GraphImporter::readInput(const ::onnx::ValueInfoProto &input) {
  std::string what = "input " + quoted(input.name());
  if (!input.type().has_tensor_type())
    return error() << what << " is not a tensor";
  const ::onnx::TypeProto::Tensor &type = input.type().tensor_type();
  if (type.elem_type() != ::onnx::TensorProto::FLOAT)
    return TensorReader::refuseType(type.elem_type(), [&] {
      InFlightDiagnostic diagnostic = error();
      diagnostic << what << ": ";
      return diagnostic;
    });
  if (!type.has_shape())
    return error() << what << " has no shape; its rank must be known";
  SmallVector<int64_t> shape;
  for (auto [i, dimension] : llvm::enumerate(type.shape().dim())) {
    FailureOr<int64_t> size = readInputDimension(dimension, i, what);
    if (failed(size))
      return failure();
    shape.push_back(*size);
  }
  if (failed(checkShape(shape, [&] {
        InFlightDiagnostic diagnostic = error();
        diagnostic << what << ": ";
        return diagnostic;
      })))
    return failure();
  inputs.push_back(place(input.name(),
                         RankedTensorType::get(shape, builder.getF32Type()),
                         attribute(nn::names::input, input.name())));
  return success();
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

LogicalResult GraphImporter::checkInputsDefined(const ::onnx::NodeProto &proto,
                                                Node &node) {
  for (const std::string &input : proto.input()) {
    if (input.empty() || state.bindings.contains(input))
      continue;
    for (const ::onnx::NodeProto &other : graph.node())
      if (llvm::is_contained(other.output(), input))
        return node.error()
               << "input " << quoted(input)
               << " is computed by this node itself or by a later one; nodes "
                  "must be in order and have no cycle";
    return node.error() << "input " << quoted(input) << " is not defined";
  }
  return success();
}

LogicalResult GraphImporter::importNode(const ::onnx::NodeProto &proto,
                                        size_t number) {
  Node node(proto, number, state, builder);
  if (node.failed())
    return failure();
  if (!proto.domain().empty() && proto.domain() != "ai.onnx")
    return node.error() << "operators of domain " << quoted(proto.domain())
                        << " are not supported, only ONNX's own are";
  const Operator *op = operatorTable().find(proto.op_type(), state.opset);
  if (!op) {
    InFlightDiagnostic diagnostic = node.error();
    diagnostic << "this operator is not supported";
    std::string names;
    for (const auto &[name, versions] : operatorTable().rows())
      names += (names.empty() ? "" : ", ") + name;
    diagnostic.attachNote() << "supported operators: " << names;
    return diagnostic;
  }
  unsigned inputCount = proto.input_size(), outputCount = proto.output_size();
  if (inputCount < op->minInputs || inputCount > op->maxInputs)
    return node.error() << "has " << inputCount << " inputs, the operator takes "
                        << op->minInputs
                        << (op->maxInputs == variadic ? " or more"
                            : op->maxInputs == op->minInputs
                                ? ""
                                : " to " + std::to_string(op->maxInputs));
  if (outputCount < 1 || outputCount > op->maxOutputs)
    return node.error() << "has " << outputCount
                        << " outputs, the operator gives "
                        << (op->maxOutputs == 1 ? "1" : "1 or 2");
  if (failed(checkInputsDefined(proto, node)))
    return failure();

  FailureOr<Binding> result = op->import(node);
  if (failed(result) || failed(node.checkAllAttributesRead()))
    return failure();
  if (proto.output(0).empty())
    return node.error() << "its first output has no name";
  if (!state.bindings.try_emplace(proto.output(0), *result).second)
    return node.error() << "output " << quoted(proto.output(0))
                        << " has a name that is already taken; every name may "
                           "be defined once";
  return success();
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
  if (!output.type().has_tensor_type() ||
      declared.elem_type() != ::onnx::TensorProto::FLOAT)
    return error() << "output " << quoted(output.name())
                   << " is declared as something else than a float32 tensor";
  if (!declared.has_shape())
    return success();
  bool agree = declared.shape().dim_size() == type.getRank();
  SmallVector<std::string> sizes;
  for (auto [i, dimension] : llvm::enumerate(declared.shape().dim())) {
    if (dimension.has_dim_value())
      sizes.push_back(std::to_string(dimension.dim_value()));
    else if (batchNames.contains(dimension.dim_param()))
      sizes.push_back(std::to_string(options.batch));
    else
      sizes.push_back("?");
    agree = agree && (sizes.back() == "?" ||
                      sizes.back() == std::to_string(type.getDimSize(i)));
  }
  if (agree)
    return success();
  sizes.resize(std::min<size_t>(sizes.size(), 64));
  return error() << "output " << quoted(output.name()) << " is declared with shape ["
                 << llvm::join(sizes, ", ") << "] but the graph computes "
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
    Value value = binding->second.value;
    if (!value)
      return error() << "output " << quoted(name)
                     << " of the graph holds integers; only float32 tensors "
                        "can be outputs";
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
  if (failed(checkModel()) || failed(readInitializers()))
    return {};
  collectUses();
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    bool initialized = initializers.contains(input.name());
    if (failed(initialized ? checkInitializedInput(input)
                           : bindFirstDimension(input)))
      return {};
  }
  for (const ::onnx::ValueInfoProto &input : graph.input())
    if (!initializers.contains(input.name()) && failed(readInput(input)))
      return {};

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
  auto function = func::FuncOp::create(
      builder, location, identifier(name),
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
  for (auto &[name, integers] : integerInitializers)
    if (failed(defineName(name, std::move(integers), "initializer")))
      return {};

  for (auto [i, node] : llvm::enumerate(graph.node()))
    if (failed(importNode(node, i)))
      return {};

  SmallVector<Value> values;
  if (failed(importOutputs(values)))
    return {};
  func::ReturnOp::create(builder, location, values);
  function.setFunctionType(
      builder.getFunctionType(types(arguments), types(outputs)));
  function.setAllResultAttrs(attributes(outputs));
  if (failed(verify(*module)))
    return {};
  return module;
}

OwningOpRef<ModuleOp> dtc::importONNX(StringRef path,
                                      const ImportOptions &options,
                                      MLIRContext &context) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  try {
    std::unique_ptr<::onnx::ModelProto> model = readModel(path, context);
    if (!model)
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
