// One model on its way to a function of nn ops.
#ifndef DTC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define DTC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "Node.h"

#include "dtc/Import/ImportOptions.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace dtc::onnximport {

/// Imports one model, once. Fails after one error, which tells of all nodes that are refused.
class GraphImporter {
public:
  GraphImporter(::onnx::ModelProto &model, llvm::StringRef path,
                const ImportOptions &options, mlir::MLIRContext &context)
      : model(model), graph(*model.mutable_graph()), options(options), context(context),
        tensors(path, context), builder(&context) {
    state.path = path;
    state.tensors = &tensors;
    state.importBody = [this](Node &node, const ::onnx::GraphProto &body, llvm::ArrayRef<Binding> arguments) {
      return importBody(node, body, arguments);
    };
  }

  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// A parameter, or a running statistic, as `run` makes an argument of it.
  struct Parameter {
    std::string name;
    llvm::SmallVector<int64_t> shape;
  };
  /// Instead of `run`: the parameters alone, whatever the inputs' sizes are. In the model, which is changed, each then is the
  /// initializer of its name; those of merged ones hold a type and no data.
  llvm::FailureOr<std::vector<Parameter>> readParameters();
  /// Puts data of other files into the tensor itself. Its type must be one that models hold.
  llvm::LogicalResult takeIn(::onnx::TensorProto &tensor);
  /// Of what has been read besides the model's own file.
  llvm::ArrayRef<std::string> getDataFiles() const { return tensors.getFiles(); }

private:
  /// A function argument or result to be.
  struct Place {
    llvm::StringRef name;
    mlir::Type type;
    mlir::DictionaryAttr attributes;
  };

  // ImportInputs.cpp
  llvm::LogicalResult checkModel();
  llvm::LogicalResult readOpset();
  llvm::LogicalResult readInitializers();
  llvm::LogicalResult readInputs();
  llvm::LogicalResult readInput(const ::onnx::ValueInfoProto &input);
  llvm::FailureOr<int64_t>
  readInputDimension(const ::onnx::TensorShapeProto::Dimension &dimension,
                     unsigned number, llvm::StringRef what);
  llvm::LogicalResult bindFirstDimension(const ::onnx::ValueInfoProto &input);
  llvm::LogicalResult
  checkInitializedInput(const ::onnx::ValueInfoProto &input);
  void collectUses();
  llvm::LogicalResult defineName(llvm::StringRef name, Binding binding,
                                 llvm::StringRef what);

  // HoistInitializers.cpp
  /// The initializers of bodies become the graph's own, under their names where these are free: what is trained is an argument of the function.
  void hoistInitializers();

  // ImportBody.cpp
  /// GraphState::importBody.
  llvm::FailureOr<llvm::SmallVector<Binding>> importBody(Node &node, const ::onnx::GraphProto &body, llvm::ArrayRef<Binding> arguments);

  // SeparateParameters.cpp
  /// Gives each use its own parameter where the exporter merged several into one.
  void separateParameters();

  // ImportGraph.cpp
  llvm::LogicalResult importNodes();
  /// Says of a refused node's outputs, or of what depends on them, that nothing is known.
  void bindUnknown(const ::onnx::NodeProto &proto);
  llvm::LogicalResult importNode(const ::onnx::NodeProto &proto, size_t number);
  llvm::LogicalResult checkInputsDefined(const ::onnx::NodeProto &proto,
                                         Node &node);
  llvm::LogicalResult importOutputs(llvm::SmallVectorImpl<mlir::Value> &values);
  llvm::LogicalResult checkDeclaredType(const ::onnx::ValueInfoProto &output,
                                        mlir::RankedTensorType type);

  mlir::InFlightDiagnostic error() {
    return mlir::emitError(fileLocation(state.path, context));
  }
  Place place(llvm::StringRef name, mlir::Type type,
              llvm::ArrayRef<mlir::NamedAttribute> attributes) {
    return {name, type, mlir::DictionaryAttr::get(&context, attributes)};
  }
  mlir::NamedAttribute attribute(llvm::StringRef key, llvm::StringRef value) {
    return builder.getNamedAttr(key, builder.getStringAttr(value));
  }

  const ::onnx::ModelProto &model;
  ::onnx::GraphProto &graph;
  const ImportOptions &options;
  mlir::MLIRContext &context;
  TensorReader tensors;
  mlir::OpBuilder builder;
  GraphState state;
  /// Initializers by name, until their inputs have been read.
  llvm::StringMap<const ::onnx::TensorProto *> initializers;
  /// Symbolic dimensions that are bound: the batch's, and those that the options name.
  llvm::StringMap<int64_t> dimensions;
  llvm::SmallVector<Place> inputs, parameters, outputs;
  /// Integers and booleans among the initializers: constants.
  llvm::SmallVector<std::pair<llvm::StringRef, mlir::DenseElementsAttr>> constants;
  /// What nodes compute, by name; empty until one of them lacks an input.
  llvm::StringSet<> computed;
  /// Whether a node was refused because of its operator.
  bool lacksOperator = false;
};

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
