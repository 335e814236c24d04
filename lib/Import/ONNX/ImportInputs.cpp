// What a model says before its nodes: versions, initializers, inputs.
#include "ConstantUses.h"
#include "GraphImporter.h"

#include "dialects/NN/NN.h"

#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

static constexpr int64_t minOpset = 13, maxOpset = 23;
// IR versions 4 to 14 add what float32 graphs do not use, or fields that are
// refused by name below.
static constexpr int64_t minIRVersion = 3, maxIRVersion = 14;

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
  hoistInitializers();
  if (options.batch < 0 || options.batch > INT32_MAX)
    return error() << "the batch must be between 1 and " << INT32_MAX
                   << ", not " << options.batch;
  return success();
}

/// Those of a graph and of the bodies in it.
static void collectUses(const ::onnx::GraphProto &graph, llvm::StringSet<> &used) {
  for (const ::onnx::NodeProto &node : graph.node()) {
    for (const std::string &input : node.input())
      if (!input.empty()) // left out
        used.insert(input);
    for (const ::onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        collectUses(attribute.g(), used);
  }
  for (const ::onnx::ValueInfoProto &output : graph.output())
    used.insert(output.name());
}

void GraphImporter::collectUses() { ::collectUses(graph, state.used); }

LogicalResult GraphImporter::defineName(StringRef name, Binding binding,
                                        StringRef what) {
  if (name.empty())
    return error() << what << " has no name";
  // Checkpoints and plans are JSON, in which two such names could become one.
  if (!llvm::json::isUTF8(name))
    return error() << what << " " << quoted(name)
                   << " has a name that is no UTF-8 text, which names of ONNX "
                      "models are";
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
  // Larger buffers are read with the parameters.
  constexpr int64_t mostInText = 1024;
  llvm::StringSet<> buffers = findBuffers(graph);
  for (::onnx::TensorProto &tensor : *graph.mutable_initializer()) {
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
    FailureOr<ElementsAttr> elements = tensors.take(tensor, emit);
    if (failed(elements))
      return failure();
    bool isBuffer = buffers.contains(tensor.name());
    // Without elements: what a node is not given, as Resize its region of interest.
    auto dense = dyn_cast<DenseElementsAttr>(*elements);
    if (!isa<FloatType>(elements->getElementType()) || elements->empty() || (isBuffer && elements->getNumElements() <= mostInText)) {
      constants.emplace_back(tensor.name(), dense); // what is not dense is large, and of floats
      continue;
    }
    SmallVector<NamedAttribute> attributes{attribute(nn::names::parameter, tensor.name()), builder.getNamedAttr(nn::names::init, *elements)};
    if (isBuffer)
      attributes.push_back(builder.getNamedAttr(nn::names::frozen, builder.getUnitAttr()));
    parameters.push_back(place(tensor.name(), elements->getShapedType(), attributes));
  }
  return success();
}

/// A model of IR version 3 lists its initializers among the inputs; the two
/// must then agree.
LogicalResult
GraphImporter::checkInitializedInput(const ::onnx::ValueInfoProto &input) {
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
LogicalResult
GraphImporter::bindFirstDimension(const ::onnx::ValueInfoProto &input) {
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
  auto bound = dimensions.find(first.dim_param());
  int64_t named = bound == dimensions.end() || first.dim_param().empty() ? 0 : bound->second;
  if (!options.batch && !named)
    return emit() << "has the symbolic batch " << quoted(first.dim_param())
                  << "; give one with --batch";
  if (options.batch && named && options.batch != named)
    return emit() << "has the symbolic batch " << quoted(first.dim_param()) << ", which is bound to " << named << ", but the batch asked for is "
                  << options.batch;
  state.symbolicBatch = options.batch ? options.batch : named;
  if (!first.dim_param().empty())
    dimensions[first.dim_param()] = *state.symbolicBatch;
  return success();
}

FailureOr<int64_t> GraphImporter::readInputDimension(
    const ::onnx::TensorShapeProto::Dimension &dimension, unsigned number,
    StringRef what) {
  if (dimension.has_dim_value())
    return dimension.dim_value();
  if (auto bound = dimensions.find(dimension.dim_param()); bound != dimensions.end())
    return bound->second;
  if (number == 0)
    return *state.symbolicBatch;
  return error() << what << " has the symbolic dimension "
                 << quoted(dimension.dim_param()) << " at position " << number
                 << "; give its size with --bind=" << onOneLine(dimension.dim_param()) << "=N";
}

/// The element type of an input; null if models take none such.
static Type inputElementType(int32_t dataType, Builder &builder) {
  switch (dataType) {
  case ::onnx::TensorProto::FLOAT:
    return builder.getF32Type();
  case ::onnx::TensorProto::INT64:
    return builder.getI64Type();
  case ::onnx::TensorProto::INT32:
    return builder.getI32Type();
  case ::onnx::TensorProto::BOOL:
    return builder.getI1Type();
  default:
    return {};
  }
}

LogicalResult GraphImporter::readInput(const ::onnx::ValueInfoProto &input) {
  std::string what = "input " + quoted(input.name());
  if (!input.type().has_tensor_type())
    return error() << what << " is not a tensor";
  const ::onnx::TypeProto::Tensor &type = input.type().tensor_type();
  Type element = inputElementType(type.elem_type(), builder);
  if (!element)
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
                         RankedTensorType::get(shape, element),
                         attribute(nn::names::input, input.name())));
  return success();
}

LogicalResult GraphImporter::readInputs() {
  for (const auto &[name, size] : options.dimensions)
    dimensions[name] = size;
  // The batch's symbol first: it may stand in other inputs too.
  for (const ::onnx::ValueInfoProto &input : graph.input()) {
    bool initialized = initializers.contains(input.name());
    if (failed(initialized ? checkInitializedInput(input)
                           : bindFirstDimension(input)))
      return failure();
  }
  for (const ::onnx::ValueInfoProto &input : graph.input())
    if (!initializers.contains(input.name()) && failed(readInput(input)))
      return failure();
  for (const auto &[name, size] : options.dimensions)
    if (llvm::none_of(graph.input(), [&, wanted = StringRef(name)](const ::onnx::ValueInfoProto &input) {
          return llvm::any_of(input.type().tensor_type().shape().dim(), [&](const auto &dimension) { return dimension.dim_param() == wanted; });
        }))
      return error() << "no input has a symbolic dimension " << quoted(name) << ", to which --bind gives a size";
  return success();
}
