// A graph of nn ops on its way to a graph of ONNX nodes.
#ifndef DTC_LIB_EXPORT_ONNX_GRAPHWRITER_H
#define DTC_LIB_EXPORT_ONNX_GRAPHWRITER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "onnx/onnx_pb.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <string>
#include <vector>

namespace dtc::onnxexport {

/// Writes the nodes of one graph. What the dimensions of the batch are follows from a second function, the same model of another batch.
class GraphWriter {
public:
  /// `other` may be null: all sizes are then fixed.
  GraphWriter(::onnx::GraphProto &graph, mlir::func::FuncOp function, mlir::func::FuncOp other);

  /// Fails with one error at the op that has no form in ONNX.
  llvm::LogicalResult write();

  /// Names an argument or a result of the function.
  void name(mlir::Value value, llvm::StringRef name);
  const std::string &nameOf(mlir::Value value) const { return names.at(value); }
  /// Declares an input or an output of the graph.
  void declare(::onnx::ValueInfoProto &info, mlir::Value value) const;

  //===--------------------------------------------------------------------===//
  // For those that write an op
  //===--------------------------------------------------------------------===//

  /// A node of the op's only result that is read, of these operands.
  ::onnx::NodeProto &node(mlir::Operation *op, llvm::StringRef type, llvm::ArrayRef<std::string> inputs);
  /// A node of a value between the nodes of an op; its name.
  std::string between(mlir::Operation *op, llvm::StringRef type, llvm::ArrayRef<std::string> inputs,
                      llvm::function_ref<void(::onnx::NodeProto &)> fill = [](::onnx::NodeProto &) {});
  std::vector<std::string> operands(mlir::Operation *op) const;
  /// Initializers that no training has made; their names.
  std::string integers(llvm::ArrayRef<int64_t> values);
  std::string number(double value);
  std::string elements(mlir::DenseElementsAttr value);

  static void set(::onnx::NodeProto &node, llvm::StringRef name, int64_t value);
  static void set(::onnx::NodeProto &node, llvm::StringRef name, double value);
  static void set(::onnx::NodeProto &node, llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  static void set(::onnx::NodeProto &node, llvm::StringRef name, llvm::StringRef value);

  /// Whether the size is another one for another batch.
  bool isOfBatch(mlir::Value value, unsigned dimension) const;
  /// A shape to reshape to: -1 where it is the batch's; fails with an error at the op if that is not one dimension.
  llvm::FailureOr<llvm::SmallVector<int64_t>> shapeFor(mlir::Operation *op, mlir::Value value) const;

private:
  std::string unique(llvm::StringRef wanted);

  ::onnx::GraphProto &graph;
  mlir::func::FuncOp function;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::StringSet<> taken;
  llvm::StringMap<std::string> constants;
  llvm::DenseMap<mlir::Value, mlir::Value> ofOtherBatch;
};

/// Writes one op.
using OpWriter = llvm::LogicalResult (*)(GraphWriter &, mlir::Operation *);
/// By the name of the op: a family adds its own.
using OpWriters = llvm::StringMap<OpWriter>;

void addElementwiseWriters(OpWriters &writers);
void addShapeWriters(OpWriters &writers);
void addStructuredWriters(OpWriters &writers);
void addNormalisationWriters(OpWriters &writers);

/// ONNX's number for an element type.
int32_t elementTypeOf(mlir::Type type);

} // namespace dtc::onnxexport

#endif // DTC_LIB_EXPORT_ONNX_GRAPHWRITER_H
