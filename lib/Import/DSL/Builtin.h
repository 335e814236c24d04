// What the language brings: layers, initial values, losses, optimizers. Each
// stands in the file of its family under Builtins/ and answers for itself.
#ifndef DTC_LIB_IMPORT_DSL_BUILTIN_H
#define DTC_LIB_IMPORT_DSL_BUILTIN_H

#include "Graph.h"
#include "Signature.h"

#include <cmath>
#include <functional>
#include <map>

namespace dtc::dsl {

/// Bounds of the uniform distributions that layers with `fanIn` inputs start
/// from. Weights: sqrt(6 / fanIn), which keeps the variance of activations
/// behind ReLU (He et al. 2015, "Delving Deep into Rectifiers"). Biases:
/// 1 / sqrt(fanIn) (PyTorch).
inline double weightBound(double fanIn) { return std::sqrt(6 / fanIn); }
inline double biasBound(double fanIn) { return 1 / std::sqrt(fanIn); }

/// One call of a layer while it is built: its full name (`block1.conv1`), its
/// place, and the graph that it adds to.
struct Layer {
  Layer(Graph &graph, std::string path, mlir::Location place);

  Graph &graph;
  std::string path;
  mlir::Location place;    ///< where it stands in the file
  mlir::Location location; ///< the same under its name

  /// Initial values: uniform on [-bound, bound), normal with mean 0, one value.
  mlir::Attribute uniform(double bound) const;
  mlir::Attribute normal(double stddev) const;
  mlir::Attribute constant(double value) const;

  /// A parameter of this layer, `path.suffix`. Null after a report.
  mlir::Value parameter(llvm::StringRef suffix, llvm::ArrayRef<int64_t> shape,
                        mlir::Attribute init);
  /// What a call gave as `name`: a parameter of that suffix with the given initial value, or with `byDefault` where there is none or
  /// `true`; the given tensor, whose shape is checked; null where it gave `false`. Fails after a report.
  mlir::FailureOr<mlir::Value> parameter(const Arguments &arguments,
                                         llvm::StringRef name,
                                         llvm::ArrayRef<int64_t> shape,
                                         mlir::Attribute byDefault);
  /// A value of this layer that training keeps up to date without a gradient.
  mlir::Value statistic(llvm::StringRef suffix, llvm::ArrayRef<int64_t> shape,
                        double value);

  /// Adds an op whose shape is inferred and returns its first result.
  template <typename OpTy>
  Datum infer(mlir::ValueRange operands,
              typename OpTy::Properties properties = {}) {
    OpTy op = graph.infer<OpTy>(location, operands, properties);
    return op ? Datum(mlir::Value(op->getResult(0))) : Datum(Invalid());
  }
  /// `x` under another shape of as many elements.
  Datum reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape);
};

struct LayerBuiltin {
  Signature signature;
  std::function<Datum(Layer &, const Arguments &)> build;
};

using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;

/// Something whose meaning is an attribute: an initial value, a loss, an
/// optimizer. `build` returns null after a report.
struct AttributeBuiltin {
  Signature signature;
  std::function<mlir::Attribute(const Arguments &, mlir::MLIRContext *,
                                EmitError)>
      build;
};

/// Entries by the name of their signature.
template <typename Entry>
class Table {
public:
  void add(Entry entry) {
    llvm::StringRef name = entry.signature.name;
    [[maybe_unused]] bool isNew =
        entries.try_emplace(name, std::move(entry)).second;
    assert(isNew && "two builtins of the same name");
  }
  const Entry *find(llvm::StringRef name) const {
    auto it = entries.find(name);
    return it == entries.end() ? nullptr : &it->second;
  }
  llvm::SmallVector<llvm::StringRef> names() const {
    llvm::SmallVector<llvm::StringRef> result;
    for (const auto &entry : entries)
      result.push_back(entry.first);
    return result;
  }

private:
  std::map<llvm::StringRef, Entry> entries;
};

struct Builtins {
  Table<LayerBuiltin> layers;
  Table<AttributeBuiltin> initialValues, losses, optimizers;
};

/// All of them, built once.
const Builtins &builtins();

void registerConvolutionLayers(Table<LayerBuiltin> &table);
void registerMatmulLayers(Table<LayerBuiltin> &table);
void registerPoolingLayers(Table<LayerBuiltin> &table);
void registerNormalisationLayers(Table<LayerBuiltin> &table);
void registerAttentionLayers(Table<LayerBuiltin> &table);
void registerElementwiseLayers(Table<LayerBuiltin> &table);
void registerRandomLayers(Table<LayerBuiltin> &table);
void registerReductionLayers(Table<LayerBuiltin> &table);
void registerGatherLayers(Table<LayerBuiltin> &table);
void registerShapeLayers(Table<LayerBuiltin> &table);
void registerInitialValues(Table<AttributeBuiltin> &table);
void registerLosses(Table<AttributeBuiltin> &table);
void registerOptimizers(Table<AttributeBuiltin> &table);

//===----------------------------------------------------------------------===//
// What several families need
//===----------------------------------------------------------------------===//

/// Reports an input whose rank is not 2 + `spatial`.
bool checkSpatialRank(const Arguments &arguments, mlir::Value x,
                      size_t spatial);

/// The pads of a window, all begins, then all ends: from `padding`, which is
/// one integer, one a dimension, begins and ends, or `same` (the output is as
/// large as the input, which takes stride 1; an odd one goes to the end).
mlir::FailureOr<llvm::SmallVector<int64_t>>
readPadding(const Arguments &arguments, llvm::ArrayRef<int64_t> kernel,
            llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> dilations);

/// An axis counted from 0, or from the end if negative; reports and fails
/// where there is none.
mlir::FailureOr<int64_t> readAxis(const Arguments &arguments,
                                  llvm::StringRef name, int64_t axis,
                                  int64_t rank);

} // namespace dtc::dsl

#endif // DTC_LIB_IMPORT_DSL_BUILTIN_H
