// The nn function under construction: inputs, parameters, checked ops.
#ifndef DTC_LIB_IMPORT_DSL_GRAPH_H
#define DTC_LIB_IMPORT_DSL_GRAPH_H

#include "Datum.h"
#include "Reporter.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

namespace dtc::dsl {

/// Builds one `func.func` from its start to its end. Everything that makes a
/// tensor checks its size first, since shapes come from a file.
class Graph {
public:
  /// Elements of one tensor (4 TiB of f32); keeps all sizes far from 2^63.
  static constexpr int64_t maxElements = int64_t(1) << 40;
  /// Operations of one model, against `repeat` and blocks that explode.
  static constexpr unsigned maxOperations = 1'000'000;

  Graph(Reporter &reporter, llvm::StringRef modelName, mlir::Location location);

  /// A tensor with these extents, of f32 unless an element type is given; reports at `location` and returns null if one is
  /// not positive or the whole is too large.
  mlir::RankedTensorType makeType(llvm::ArrayRef<int64_t> shape,
                                  mlir::Location location, mlir::Type element = {});

  /// Arguments of the function; null after a report (duplicate name).
  mlir::Value addInput(llvm::StringRef name, mlir::RankedTensorType type,
                       mlir::Location location);
  mlir::Value addParameter(llvm::StringRef name, mlir::RankedTensorType type,
                           mlir::Attribute init, mlir::Location location);
  /// A value that training keeps up to date without a gradient.
  mlir::Value addStatistic(llvm::StringRef name, mlir::RankedTensorType type,
                           mlir::Attribute init, mlir::Location location);
  /// The parameter of this full name, or null.
  mlir::Value findParameter(llvm::StringRef name) const;
  llvm::SmallVector<llvm::StringRef> parameterNames() const;

  /// A scalar f32 constant.
  mlir::Value constant(double value, mlir::Location location);

  /// An op whose result types are inferred. Reports and returns null where its
  /// shapes do not fit together.
  template <typename OpTy>
  OpTy infer(mlir::Location location, mlir::ValueRange operands,
             typename OpTy::Properties properties = {}) {
    mlir::OperationState state(location, OpTy::getOperationName());
    state.addOperands(operands);
    state.getOrAddProperties<typename OpTy::Properties>() = properties;
    llvm::SmallVector<mlir::Type> types;
    if (failed(OpTy::inferReturnTypes(
            &reporter.getContext(), location, operands,
            mlir::DictionaryAttr::get(&reporter.getContext()), &properties,
            mlir::RegionRange(), types))) {
      reporter.countError();
      return nullptr;
    }
    if (!checkOperation(types, location))
      return nullptr;
    state.addTypes(types);
    return llvm::cast<OpTy>(builder.create(state));
  }

  /// An op whose result type is given.
  template <typename OpTy, typename... Args>
  OpTy create(mlir::Location location, mlir::RankedTensorType type,
              Args &&...args) {
    if (!checkOperation(type, location))
      return nullptr;
    return OpTy::create(builder, location, type, std::forward<Args>(args)...);
  }

  /// Ends the function with these outputs.
  mlir::OwningOpRef<mlir::ModuleOp>
  finish(llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Value>> outputs,
         mlir::Attribute recipe);

  Reporter &getReporter() { return reporter; }
  mlir::Builder &getBuilder() { return builder; }

private:
  bool checkOperation(mlir::TypeRange results, mlir::Location location);
  bool checkElements(mlir::RankedTensorType type, mlir::Location location);
  mlir::Value addArgument(mlir::RankedTensorType type, mlir::Location location,
                          llvm::ArrayRef<mlir::NamedAttribute> attributes);
  void warnAboutUnused();

  Reporter &reporter;
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  mlir::Block *body;
  llvm::SmallVector<mlir::Attribute> argumentAttributes;
  llvm::StringMap<mlir::Value> parameters;
  unsigned operations = 0;
};

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_GRAPH_H
