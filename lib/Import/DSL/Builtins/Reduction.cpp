// Layers that work along axes: sum, mean, softmax, log_softmax.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// The axes to reduce, in ascending order; all of them where none are given.
static FailureOr<SmallVector<int64_t>> readAxes(const Arguments &arguments,
                                                int64_t rank) {
  if (!arguments.has("axes"))
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  SmallVector<int64_t> axes;
  for (int64_t given : std::get<IntegerList>(arguments.get("axes"))) {
    auto axis = readAxis(arguments, "axes", given, rank);
    if (failed(axis))
      return failure();
    if (llvm::is_contained(axes, *axis)) {
      arguments.error("axes") << "names axis " << given << " twice";
      return failure();
    }
    axes.push_back(*axis);
  }
  llvm::sort(axes);
  return axes;
}

template <typename OpT>
static Datum buildReduction(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  auto axes = readAxes(arguments, tensorType(x).getRank());
  if (failed(axes))
    return Invalid();
  Builder &builder = layer.graph.getBuilder();
  typename OpT::Properties properties;
  properties.axes = builder.getDenseI64ArrayAttr(*axes);
  if (arguments.boolean("keep", false))
    properties.keep_dims = builder.getUnitAttr();
  return layer.infer<OpT>(x, properties);
}

template <typename OpT>
static LayerBuiltin reduction(StringRef name) {
  return {{name,
           {{"x", &kinds::tensor},
            {"axes", &kinds::integers, Arity::Optional},
            {"keep", &kinds::boolean, Arity::Optional}}},
          buildReduction<OpT>};
}

template <typename OpTy>
static LayerBuiltin alongAxis(StringRef name) {
  return {{name,
           {{"x", &kinds::tensor},
            {"axis", &kinds::integer, Arity::Optional}}},
          [](Layer &layer, const Arguments &arguments) -> Datum {
            Value x = arguments.tensor("x");
            auto axis = readAxis(arguments, "axis", arguments.integer("axis", -1),
                                 tensorType(x).getRank());
            if (failed(axis))
              return Invalid();
            typename OpTy::Properties properties;
            properties.axis =
                layer.graph.getBuilder().getI64IntegerAttr(*axis);
            return layer.infer<OpTy>(x, properties);
          }};
}

void dtc::dsl::registerReductionLayers(Table<LayerBuiltin> &table) {
  table.add(reduction<nn::ReduceSumOp>("sum"));
  table.add(reduction<nn::ReduceMeanOp>("mean"));
  table.add(alongAxis<nn::SoftmaxOp>("softmax"));
  table.add(alongAxis<nn::LogSoftmaxOp>("log_softmax"));
}
