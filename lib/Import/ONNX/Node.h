// One node of the graph, as the functions that import operators see it.
#ifndef DTC_LIB_IMPORT_ONNX_NODE_H
#define DTC_LIB_IMPORT_ONNX_NODE_H

#include "Tensors.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace dtc::onnximport {

/// What a name of the graph stands for: a value of the function, of any element type; what is known at compile time is an nn.constant.
/// Null for an output of a node that was refused.
using Binding = mlir::Value;

class Node;

/// What all nodes of a graph share.
struct GraphState {
  llvm::StringRef path;
  int64_t opset = 0;
  /// The batch, if the model leaves it symbolic.
  std::optional<int64_t> symbolicBatch;
  llvm::StringMap<Binding> bindings;
  /// Every name that some node or graph output uses.
  llvm::StringSet<> used;
  TensorReader *tensors = nullptr;
  /// How many elements may still be computed at compile time: a chain of nodes could double them without end.
  int64_t evaluations = int64_t{1} << 26;
  /// How many elements may still be read for that: many nodes could read one large tensor.
  int64_t readings = int64_t{1} << 28;
  /// How many ops may still be made: one node of a recurrent layer is thousands.
  int64_t ops = int64_t{1} << 21;
  /// How many nodes and how many bytes of bodies (of If, Loop and Scan) may still be imported: few bytes say that many run often.
  int64_t bodyNodes = int64_t{1} << 18, bodyBytes = int64_t{1} << 30;
  /// How many bodies are around the node.
  unsigned depth = 0;
  /// Imports a body where the node stands, its inputs standing for the arguments; what its outputs stand for. Reports errors.
  std::function<llvm::FailureOr<llvm::SmallVector<Binding>>(Node &, const ::onnx::GraphProto &, llvm::ArrayRef<Binding>)> importBody;
};

/// Reads operands and attributes and builds ops. A reader that finds nothing
/// fit reports it and returns a default; `failed()` then tells, so an operator
/// reads all it needs and asks once.
class Node {
public:
  /// `builder` inserts at the end of the function's body.
  Node(const ::onnx::NodeProto &proto, size_t number, GraphState &graph,
       mlir::OpBuilder &builder);

  int64_t opset() const { return graph.opset; }
  std::optional<int64_t> symbolicBatch() const { return graph.symbolicBatch; }
  mlir::OpBuilder &builder() { return build; }
  mlir::Location location() const { return loc; }

  /// Whether an error has been reported.
  bool failed() const { return hasError; }
  /// Begins an error (a warning): "node 'conv1' (Conv, opset 17): ". Errors
  /// after the first are swallowed.
  mlir::InFlightDiagnostic error();
  mlir::InFlightDiagnostic warning();

  //===-- Operands --------------------------------------------------------===//

  unsigned inputCount() const { return proto.input_size(); }
  /// Whether operand `i` is given; an optional one may be left out by "".
  bool hasInput(unsigned i) const;
  /// Operand `i`, of any element type; null if it is missing.
  mlir::Value tensor(unsigned i);
  /// Operand `i` as a tensor; if it is an initializer, training keeps it up to
  /// date without a gradient. Null if another node's statistics are in it.
  mlir::Value statistic(unsigned i);
  /// The elements of operand `i`, which must be known at compile time; null if they are not.
  mlir::DenseElementsAttr constant(unsigned i);
  /// Operand `i` as a list of integers about dimensions, known at compile time: a shape, axes.
  llvm::SmallVector<int64_t> listInput(unsigned i);
  /// Operand `i` as one number known at compile time: a tensor of one element, whatever its rank.
  int64_t integerInput(unsigned i);
  double floatingInput(unsigned i);
  /// Whether so many elements may be written down or read one by one at compile time; reports it if not, and else takes them from what the
  /// model has left. To be asked before any is made.
  bool affords(int64_t elements);
  unsigned outputCount() const { return proto.output_size(); }
  /// Whether somebody uses output `i`.
  bool usesOutput(unsigned i) const;
  /// Says what output `i` stands for, of an operator with several; the first is what its function returns.
  void give(unsigned i, Binding binding) { further.try_emplace(i, std::move(binding)); }
  /// What was said; null for an output that has no meaning here.
  const Binding *given(unsigned i) const {
    auto found = further.find(i);
    return found == further.end() ? nullptr : &found->second;
  }

  //===-- Attributes ------------------------------------------------------===//

  bool hasAttribute(llvm::StringRef name) const;
  /// The attribute, counted as read; null if absent or of another type.
  const ::onnx::AttributeProto *
  attribute(llvm::StringRef name, ::onnx::AttributeProto::AttributeType type);
  int64_t integer(llvm::StringRef name, int64_t otherwise);
  int64_t requiredInteger(llvm::StringRef name);
  /// An integer that stands for a truth value.
  bool flag(llvm::StringRef name, bool otherwise);
  double floating(llvm::StringRef name, double otherwise);
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef otherwise);
  /// A list about dimensions: strides, axes; null if absent.
  std::optional<llvm::SmallVector<int64_t>> integerList(llvm::StringRef name);
  /// The graph that control flow runs; null, with an error, if there is none.
  const ::onnx::GraphProto *body(llvm::StringRef name);
  /// Imports a body (once more), its inputs standing for `arguments`. What its outputs stand for: null, each, what follows from a refused node.
  llvm::FailureOr<llvm::SmallVector<Binding>> run(const ::onnx::GraphProto &body, llvm::ArrayRef<Binding> arguments) {
    return graph.importBody(*this, body, arguments);
  }
  /// Reports the attributes that nobody has read: the operator has none such.
  llvm::LogicalResult checkAllAttributesRead();

  /// The dimension that a possibly negative axis counts, in [0, rank), or
  /// [0, rank] if `endAllowed`.
  int64_t normalizeAxis(int64_t axis, int64_t rank, bool endAllowed = false);

  //===-- Ops -------------------------------------------------------------===//

  /// Makes an op whose types are inferred; its first result. A constant, where all operands are.
  template <typename Op>
  llvm::FailureOr<mlir::Value>
  create(mlir::ValueRange operands,
         llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    auto dictionary = build.getDictionaryAttr(attributes);
    typename Op::Properties properties;
    llvm::SmallVector<mlir::Type> types;
    auto infer = [&] {
      if (llvm::failed(Op::setPropertiesFromAttr(
              properties, dictionary, [&] { return mlir::emitError(loc); })))
        return llvm::failure();
      return Op::inferReturnTypes(build.getContext(), loc, operands, dictionary,
                                  mlir::OpaqueProperties(&properties), {},
                                  types);
    };
    if (llvm::failed(capture(infer)) || llvm::failed(checkTypes(types)))
      return llvm::failure();
    return finish(Op::create(build, loc, types, operands, attributes));
  }
  /// Checks an op that has been made, with its diagnostics turned into this node's error, and evaluates it where all operands are constants; its
  /// first result.
  llvm::FailureOr<mlir::Value> finish(mlir::Operation *op);

  /// The same elements under another shape; `x` itself if that is its shape.
  llvm::FailureOr<mlir::Value> reshape(mlir::Value x,
                                       llvm::ArrayRef<int64_t> shape);
  /// Elements begin to begin + size of an axis; `x` itself if that is all.
  llvm::FailureOr<mlir::Value> slice(mlir::Value x, int64_t axis, int64_t begin, int64_t size);
  /// `x` repeated to `shape` by numpy's rules; `x` itself if that is its shape.
  llvm::FailureOr<mlir::Value> broadcast(mlir::Value x, llvm::ArrayRef<int64_t> shape);
  /// A constant with these elements.
  mlir::Value constant(mlir::DenseElementsAttr elements);
  /// A rank-0 float32 constant.
  mlir::Value scalar(double value);
  /// An int64 constant of one dimension.
  mlir::Value integers(llvm::ArrayRef<int64_t> values);

  mlir::NamedAttribute list(llvm::StringRef name,
                            llvm::ArrayRef<int64_t> values);
  mlir::NamedAttribute number(llvm::StringRef name, int64_t value);
  mlir::NamedAttribute real(llvm::StringRef name, double value);
  mlir::NamedAttribute unit(llvm::StringRef name);

  /// The elements of a tensor attribute.
  llvm::FailureOr<Binding> readTensor(const ::onnx::TensorProto &tensor,
                                      llvm::StringRef what);

private:
  /// Runs what reports through MLIR with its first diagnostic turned into this node's error.
  llvm::LogicalResult
  capture(llvm::function_ref<llvm::LogicalResult()> check);
  /// Bounds results; they may be empty, as lists of integers at compile time are.
  llvm::LogicalResult checkTypes(llvm::ArrayRef<mlir::Type> types);

  const ::onnx::NodeProto &proto;
  GraphState &graph;
  mlir::OpBuilder &build;
  mlir::Location loc;
  std::string description;
  bool hasError = false;
  std::map<unsigned, Binding> further;
  struct Attribute {
    const ::onnx::AttributeProto *proto;
    bool isRead = false;
  };
  llvm::StringMap<Attribute> attributes;
};

/// The sizes of a tensor's dimensions.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

} // namespace dtc::onnximport

#endif // DTC_LIB_IMPORT_ONNX_NODE_H
