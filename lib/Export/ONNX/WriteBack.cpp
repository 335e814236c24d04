// A checkpoint's values in the ONNX file that the program was compiled from.
#include "EvaluationForm.h"
#include "lib/Import/ONNX/GraphImporter.h"
#include "lib/Import/ONNX/InlineFunctions.h"
#include "lib/Import/ONNX/ReadModel.h"

#include "dialects/NN/NN.h"
#include "dtc/Export/ONNX.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <cstring>

using namespace mlir;
using namespace dtc;
using namespace dtc::onnximport;

namespace {

class WriteBack {
public:
  WriteBack(::onnx::ModelProto &model, StringRef path, bool tie, MLIRContext &context)
      : model(model), graph(*model.mutable_graph()), path(path), context(context), importer(model, path, options, context) {
    options.tie = tie;
  }

  FailureOr<std::string> run(const Checkpoint &checkpoint, std::vector<std::string> &dataFiles) {
    FailureOr<std::vector<GraphImporter::Parameter>> parameters = importer.readParameters();
    if (failed(parameters))
      return failure();
    std::vector<TrainedTensor> trained;
    for (const GraphImporter::Parameter &parameter : *parameters)
      trained.push_back({parameter.name, parameter.shape});
    llvm::Expected<std::vector<StringRef>> values = checkpoint.valuesOf(trained);
    if (!values)
      return emitError(UnknownLoc::get(&context)) << llvm::toString(values.takeError());
    std::vector<std::string> copied = addTied(*parameters, *values);
    if (failed(replace(*parameters, *values)) || failed(takeIn(graph)))
      return failure();
    llvm::append_range(dataFiles, importer.getDataFiles());
    writeFunctionsOut();
    if (failed(makeEvaluationForm(graph, path, context)))
      return failure();
    constexpr size_t most = 1'500'000'000;
    if (size_t bytes = model.ByteSizeLong(); bytes > most)
      return emitError(fileLocation(path, context)) << "the trained model has " << bytes << " bytes, and files of more than " << most
                                                    << " bytes are not written: an ONNX file holds at most 2 GiB";
    std::string bytes;
    if (!model.SerializeToString(&bytes))
      return emitError(fileLocation(path, context)) << "protobuf cannot write the trained model";
    return bytes;
  }

private:
  /// Adds the copies of tied parameters. Returns the values of those that are transposed, to be kept until they have been read.
  std::vector<std::string> addTied(std::vector<GraphImporter::Parameter> &trained, std::vector<StringRef> &values) {
    llvm::StringMap<size_t> numbers;
    for (auto [i, tensor] : llvm::enumerate(trained))
      numbers[tensor.name] = i;
    std::vector<std::string> transposes;
    transposes.reserve(importer.getTies().size()); // a short string would move with its values
    for (const GraphImporter::Tie &tie : importer.getTies()) {
      StringRef bytes = values[numbers.lookup(tie.original)];
      if (tie.isTransposed)
        bytes = transposes.emplace_back(transposed(bytes, tie.shape[0], tie.shape[1]));
      trained.push_back({tie.copy, tie.copy, tie.shape, {}});
      values.push_back(bytes);
    }
    return transposes;
  }

  /// The matrix of so many rows and columns whose transpose `bytes` holds.
  static std::string transposed(StringRef bytes, int64_t rows, int64_t columns) {
    std::string data(bytes.size(), 0);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        std::memcpy(&data[(i * columns + j) * sizeof(float)], bytes.data() + (j * rows + i) * sizeof(float), sizeof(float));
    return data;
  }

  LogicalResult replace(ArrayRef<GraphImporter::Parameter> trained, ArrayRef<StringRef> values) {
    llvm::StringMap<::onnx::TensorProto *> byName;
    for (::onnx::TensorProto &tensor : *graph.mutable_initializer())
      byName[tensor.name()] = &tensor;
    llvm::StringSet<> inputs;
    for (const ::onnx::ValueInfoProto &input : graph.input())
      inputs.insert(input.name());
    for (auto [parameter, bytes] : llvm::zip_equal(trained, values)) {
      ::onnx::TensorProto &tensor = *byName.lookup(parameter.initializer);
      if (failed(setValues(tensor, parameter.shape, bytes)))
        return failure();
      // Until IR version 3 every initializer is an input too.
      if (model.ir_version() < 4 && !inputs.contains(parameter.initializer))
        declareInput(tensor);
    }
    return success();
  }

  void declareInput(const ::onnx::TensorProto &tensor) {
    ::onnx::ValueInfoProto &input = *graph.add_input();
    input.set_name(tensor.name());
    ::onnx::TypeProto::Tensor &type = *input.mutable_type()->mutable_tensor_type();
    type.set_elem_type(tensor.data_type());
    for (int64_t size : tensor.dims())
      type.mutable_shape()->add_dim()->set_dim_value(size);
  }

  /// Of the initializer's own type, where that holds what was trained.
  LogicalResult setValues(::onnx::TensorProto &tensor, ArrayRef<int64_t> shape, StringRef bytes) {
    using T = ::onnx::TensorProto;
    std::string data;
    switch (tensor.data_type()) {
    case T::FLOAT:
      data = bytes.str();
      break;
    case T::DOUBLE:
      data = widened(bytes);
      break;
    default: {
      bool isHalf = tensor.data_type() == T::FLOAT16;
      std::optional<std::string> exact = narrowed(bytes, isHalf ? APFloat::IEEEhalf() : APFloat::BFloat());
      if (exact) {
        data = std::move(*exact);
      } else if (onlyCast(tensor.name())) {
        tensor.set_data_type(T::FLOAT);
        setDeclaredType(tensor);
        data = bytes.str();
      } else {
        return emitError(namedLocation(tensor.name(), path, context))
               << "the initializer is " << elementTypeName(tensor.data_type())
               << ", which does not hold what was trained in float32, and other nodes than Cast read it: export the model in float32";
      }
    }
    }
    tensor.clear_dims();
    for (int64_t size : shape)
      tensor.add_dims(size);
    tensor.clear_float_data();
    tensor.clear_double_data();
    tensor.clear_int32_data();
    tensor.clear_external_data();
    tensor.clear_data_location();
    tensor.set_raw_data(std::move(data));
    return success();
  }

  static float valueAt(StringRef bytes, size_t i) {
    float value;
    std::memcpy(&value, bytes.data() + i * sizeof(float), sizeof(float));
    return value;
  }

  static std::string widened(StringRef bytes) {
    std::string data;
    for (size_t i = 0; i < bytes.size() / sizeof(float); ++i) {
      double value = valueAt(bytes, i);
      data.append(reinterpret_cast<const char *>(&value), sizeof(value));
    }
    return data;
  }

  /// In 16 bits; none if they do not hold every value.
  static std::optional<std::string> narrowed(StringRef bytes, const llvm::fltSemantics &semantics) {
    std::string data;
    for (size_t i = 0; i < bytes.size() / sizeof(float); ++i) {
      APFloat value(valueAt(bytes, i));
      bool losesInfo = false;
      value.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
      if (losesInfo)
        return std::nullopt;
      auto bits = static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
      data.append(reinterpret_cast<const char *>(&bits), sizeof(bits));
    }
    return data;
  }

  /// Whether only Cast reads it, to which its type is no matter.
  bool onlyCast(StringRef name) {
    for (const ::onnx::NodeProto &node : graph.node())
      if (llvm::is_contained(node.input(), name) && !(node.op_type() == "Cast" && node.domain().empty()))
        return false;
    return llvm::none_of(graph.output(), [&](const ::onnx::ValueInfoProto &output) { return output.name() == name; });
  }

  void setDeclaredType(const ::onnx::TensorProto &tensor) {
    for (auto *infos : {graph.mutable_input(), graph.mutable_value_info()})
      for (::onnx::ValueInfoProto &info : *infos)
        if (info.name() == tensor.name() && info.type().has_tensor_type())
          info.mutable_type()->mutable_tensor_type()->set_elem_type(tensor.data_type());
  }

  /// The written file lies elsewhere, without the files beside the model.
  LogicalResult takeIn(::onnx::GraphProto &part) {
    for (::onnx::TensorProto &tensor : *part.mutable_initializer())
      if (failed(importer.takeIn(tensor)))
        return failure();
    for (::onnx::NodeProto &node : *part.mutable_node())
      for (::onnx::AttributeProto &attribute : *node.mutable_attribute()) {
        if (attribute.has_t() && failed(importer.takeIn(*attribute.mutable_t())))
          return failure();
        for (::onnx::TensorProto &tensor : *attribute.mutable_tensors())
          if (failed(importer.takeIn(tensor)))
            return failure();
        if (attribute.has_g() && failed(takeIn(*attribute.mutable_g())))
          return failure();
        for (::onnx::GraphProto &inner : *attribute.mutable_graphs())
          if (failed(takeIn(inner)))
            return failure();
      }
    return success();
  }

  /// They stand where they were called: nobody needs their definitions, nor the domains of these.
  void writeFunctionsOut() {
    if (model.functions().empty())
      return;
    llvm::StringSet<> called;
    for (const ::onnx::FunctionProto &function : model.functions())
      called.insert(function.domain());
    for (const ::onnx::NodeProto &node : graph.node())
      called.erase(node.domain());
    model.clear_functions();
    auto &imports = *model.mutable_opset_import();
    imports.erase(std::remove_if(imports.begin(), imports.end(),
                                 [&](const ::onnx::OperatorSetIdProto &import) {
                                   return !import.domain().empty() && import.domain() != "ai.onnx" && called.contains(import.domain());
                                 }),
                  imports.end());
  }

  ::onnx::ModelProto &model;
  ::onnx::GraphProto &graph;
  StringRef path;
  MLIRContext &context;
  ImportOptions options;
  GraphImporter importer;
};

} // namespace

FailureOr<std::string> dtc::writeBackONNX(StringRef path, const Checkpoint &checkpoint, bool tie, MLIRContext &context,
                                          std::vector<std::string> &dataFiles) {
  context.loadDialect<nn::NNDialect>();
  try {
    std::unique_ptr<::onnx::ModelProto> model = readModel(path, context);
    if (!model || failed(inlineFunctions(*model, path, context)))
      return failure();
    return WriteBack(*model, path, tie, context).run(checkpoint, dataFiles);
  } catch (const std::bad_alloc &) {
    emitError(fileLocation(path, context)) << "the model does not fit into memory";
  } catch (const std::exception &exception) {
    emitError(fileLocation(path, context)) << "the model cannot be read: " << onOneLine(exception.what());
  }
  return failure();
}
