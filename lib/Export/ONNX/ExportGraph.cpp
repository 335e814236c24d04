// A model of the model language, trained, as an ONNX model of its own.
#include "GraphWriter.h"

#include "dialects/NN/NN.h"
#include "dtc/Export/ONNX.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::onnxexport;

/// The module's function with nn.model.
static func::FuncOp modelOf(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(nn::names::model))
      return function;
  llvm_unreachable("an imported module has a model");
}

/// Whether both do the same, up to sizes.
static bool areAlike(func::FuncOp one, func::FuncOp other) {
  Block &a = one.getBody().front(), &b = other.getBody().front();
  if (a.getNumArguments() != b.getNumArguments())
    return false;
  auto it = b.begin();
  for (Operation &op : a) {
    if (it == b.end() || op.getName() != it->getName() || op.getNumResults() != it->getNumResults())
      return false;
    for (auto [x, y] : llvm::zip(op.getResultTypes(), it->getResultTypes()))
      if (cast<RankedTensorType>(x).getRank() != cast<RankedTensorType>(y).getRank())
        return false;
    ++it;
  }
  return it == b.end();
}

FailureOr<std::string> dtc::exportONNX(ModuleOp module, ModuleOp otherModule, const Checkpoint &checkpoint) {
  func::FuncOp function = modelOf(module), other = otherModule ? modelOf(otherModule) : func::FuncOp();
  if (other && !areAlike(function, other))
    other = {};
  Block &body = function.getBody().front();
  std::vector<TrainedTensor> trained;
  std::vector<BlockArgument> arguments;
  for (BlockArgument argument : body.getArguments())
    for (StringRef kind : {nn::names::parameter, nn::names::state})
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kind)) {
        trained.push_back({name.str(), llvm::to_vector(cast<RankedTensorType>(argument.getType()).getShape())});
        arguments.push_back(argument);
      }
  llvm::Expected<std::vector<StringRef>> values = checkpoint.valuesOf(trained);
  if (!values)
    return emitError(UnknownLoc::get(module.getContext())) << llvm::toString(values.takeError());

  ::onnx::ModelProto model;
  constexpr int irVersion = 10, opset = 21; // GroupNormalization; onnxruntime 1.18
  model.set_ir_version(irVersion);
  model.set_producer_name("dtc");
  model.add_opset_import()->set_version(opset);
  ::onnx::GraphProto &graph = *model.mutable_graph();
  graph.set_name(function->getAttrOfType<StringAttr>(nn::names::model).str());
  GraphWriter writer(graph, function, other);
  for (auto [argument, tensor, bytes] : llvm::zip_equal(arguments, trained, *values)) {
    writer.name(argument, tensor.name);
    ::onnx::TensorProto &initializer = *graph.add_initializer();
    initializer.set_name(tensor.name);
    initializer.set_data_type(::onnx::TensorProto::FLOAT);
    for (int64_t size : tensor.shape)
      initializer.add_dims(size);
    initializer.set_raw_data(bytes.data(), bytes.size());
  }
  for (BlockArgument argument : body.getArguments())
    if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), nn::names::input)) {
      writer.name(argument, name.getValue());
      writer.declare(*graph.add_input(), argument);
    }
  // Names of outputs are taken before those of layers are; what is an input or a constant, or two outputs, is copied.
  Operation *results = body.getTerminator();
  SmallVector<std::string> outputs;
  llvm::DenseSet<Value> named;
  llvm::StringSet<> before;
  for (BlockArgument argument : body.getArguments())
    before.insert(writer.nameOf(argument));
  for (auto [i, value] : llvm::enumerate(results->getOperands())) {
    outputs.push_back(function.getResultAttrOfType<StringAttr>(i, nn::names::output).str());
    if (!before.insert(outputs.back()).second)
      return function.emitError() << "output '" << outputs.back() << "' has the name of an input, a parameter or another output, which no ONNX graph may: rename it";
    if (Operation *op = value.getDefiningOp(); op && !isa<nn::ConstantOp>(op) && named.insert(value).second)
      writer.name(value, outputs.back());
  }
  if (failed(writer.write()))
    return failure();
  for (auto [name, value] : llvm::zip_equal(outputs, results->getOperands())) {
    if (writer.nameOf(value) != name) {
      ::onnx::NodeProto &copy = *graph.add_node();
      copy.set_op_type("Identity");
      copy.add_input(writer.nameOf(value));
      copy.add_output(name);
    }
    ::onnx::ValueInfoProto &output = *graph.add_output();
    writer.declare(output, value);
    output.set_name(name);
  }
  constexpr size_t most = 1'500'000'000;
  std::string bytes;
  if (size_t size = model.ByteSizeLong(); size > most)
    return function.emitError() << "the trained model has " << size << " bytes, and files of more than " << most << " bytes are not written";
  if (!model.SerializeToString(&bytes))
    return function.emitError("protobuf cannot write the trained model");
  return bytes;
}
