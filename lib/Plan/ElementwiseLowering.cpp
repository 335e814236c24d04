// Fused elementwise ops (linalg.generic) to kernels: the grid follows memory.
#include "ExternalModels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {
/// One dimension of the iteration space: its extent, and by how much each
/// buffer's position moves along it (0 where a buffer is broadcast).
struct GridDimension {
  int64_t extent;
  SmallVector<int64_t> strides;
};
} // namespace

/// Strides of `type` along the loops of a generic's indexing map.
static FailureOr<SmallVector<int64_t>> loopStrides(AffineMap map, MemRefType type) {
  SmallVector<int64_t> strides(map.getNumDims(), 0);
  SmallVector<int64_t> memory = rt::stridesOf(type);
  for (auto [expression, stride] : llvm::zip_equal(map.getResults(), memory)) {
    if (auto dim = dyn_cast<AffineDimExpr>(expression))
      strides[dim.getPosition()] += stride;
    else if (auto constant = dyn_cast<AffineConstantExpr>(expression);
             !constant || constant.getValue() != 0)
      return failure();
  }
  return strides;
}

/// Joins neighbours that all buffers walk as one, so that a kernel over dense
/// buffers of one layout is a single loop.
static SmallVector<GridDimension> collapse(ArrayRef<GridDimension> dimensions) {
  SmallVector<GridDimension> result;
  for (const GridDimension &inner : dimensions) {
    if (inner.extent == 1)
      continue;
    bool joins = !result.empty() &&
                 llvm::all_of(llvm::zip_equal(result.back().strides, inner.strides),
                              [&](auto pair) {
                                auto [outerStride, innerStride] = pair;
                                return outerStride == innerStride * inner.extent;
                              });
    if (!joins) {
      result.push_back(inner);
      continue;
    }
    result.back().extent *= inner.extent;
    result.back().strides = inner.strides;
  }
  return result;
}

/// Position in buffer `number` as a function of the point of the grid.
static AffineMap positionMap(ArrayRef<GridDimension> grid, size_t number,
                             MLIRContext *context) {
  AffineExpr position = getAffineConstantExpr(0, context);
  for (auto [i, dimension] : llvm::enumerate(grid))
    position = position + getAffineDimExpr(i, context) * dimension.strides[number];
  return AffineMap::get(grid.size(), 0, position);
}

/// Copies the body: elements in, rt.yield out; constants from outside come in.
static LogicalResult cloneBody(linalg::GenericOp generic, Region &region) {
  Block *source = generic.getBlock();
  Block &body = region.emplaceBlock();
  OpBuilder builder(region.getContext());
  builder.setInsertionPointToStart(&body);
  IRMapping mapping;
  for (auto [i, argument] : llvm::enumerate(source->getArguments())) {
    if (static_cast<int64_t>(i) < generic.getNumDpsInputs())
      mapping.map(argument, body.addArgument(argument.getType(), argument.getLoc()));
    else if (!argument.use_empty())
      return generic.emitOpError("reads its output, which no kernel does");
  }
  for (Operation &op : source->without_terminator()) {
    for (Value operand : op.getOperands()) {
      if (mapping.contains(operand))
        continue;
      Operation *definition = operand.getDefiningOp();
      if (!isa_and_present<arith::ConstantOp>(definition))
        return op.emitOpError("in a kernel uses a value from outside that is no constant");
      mapping.map(operand, builder.clone(*definition)->getResult(0));
    }
    builder.clone(op, mapping);
  }
  SmallVector<Value> yielded;
  for (Value value : source->getTerminator()->getOperands()) {
    if (!mapping.contains(value) && isa_and_present<arith::ConstantOp>(value.getDefiningOp()))
      mapping.map(value, builder.clone(*value.getDefiningOp())->getResult(0));
    yielded.push_back(mapping.lookup(value));
  }
  rt::YieldOp::create(builder, generic.getLoc(), yielded);
  return success();
}

/// `where_positive_mul`, after the nn ops in the kernel.
static std::string kernelName(linalg::GenericOp generic) {
  std::string name;
  if (auto ops = generic->getAttrOfType<ArrayAttr>("dtc.ops"))
    for (StringRef op : ops.getAsValueRange<StringAttr>()) {
      if (name.size() + op.size() > 40)
        return name + "_and_more";
      name += (name.empty() ? "" : "_") + op.str();
    }
  return name.empty() ? "elementwise" : name;
}

/// "where_positive, mul", for the comment above the kernel.
static std::string kernelFormula(linalg::GenericOp generic) {
  std::string text;
  if (auto ops = generic->getAttrOfType<ArrayAttr>("dtc.ops"))
    for (StringRef op : ops.getAsValueRange<StringAttr>())
      text += (text.empty() ? "" : ", ") + op.str();
  return text.empty() ? "elementwise" : text;
}

/// Rounding alone is a call of the runtime, which takes many tensors at once: a
/// step begins with the copies of its parameters.
static bool isRounding(linalg::GenericOp generic) {
  Block &body = *generic.getBody();
  auto rounded = dyn_cast<arith::TruncFOp>(body.front());
  return rounded && rounded.getIn().getType().isF32() && rounded.getType().isBF16() && &*std::next(body.begin()) == body.getTerminator() &&
         body.getTerminator()->getOperand(0) == rounded.getResult() &&
         generic.getNumDpsInputs() == 1 && rounded.getIn() == body.getArgument(0) &&
         llvm::all_of(generic.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); });
}

namespace {
struct GenericLowering
    : RuntimeLoweringOpInterface::ExternalModel<GenericLowering, linalg::GenericOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto generic = cast<linalg::GenericOp>(op);
    if (generic.getNumParallelLoops() != generic.getNumLoops())
      return op->emitOpError("has a reduction; kernels are elementwise");

    if (isRounding(generic)) {
      Value tensor = generic.getInputs().front(), from = fragment.memory(tensor);
      Value to = fragment.define(op->getOpResult(0), fragment.isChannelsLast(tensor) ? Layout::ChannelsLast
                                                                                     : Layout::RowMajor);
      CallOptions options = fragment.options("cast");
      fragment.call(op->getLoc(), {from, to}, {}, options);
      return success();
    }

    SmallVector<Value> inputs, outputs;
    SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
    Layout layout = Layout::RowMajor;
    for (OpOperand *operand : generic.getDpsInputOperands()) {
      inputs.push_back(fragment.memory(operand->get()));
      if (generic.getMatchingIndexingMap(operand).isIdentity() &&
          fragment.isChannelsLast(operand->get()))
        layout = Layout::ChannelsLast;
    }
    for (OpResult result : op->getResults())
      outputs.push_back(fragment.define(result, layout));

    // The iteration space in the order in which the first output lies.
    SmallVector<int64_t> extents = generic.getStaticLoopRanges();
    SmallVector<GridDimension> dimensions;
    for (int64_t extent : extents)
      dimensions.push_back({extent, {}});
    for (auto [memory, map] :
         llvm::zip_equal(llvm::concat<Value>(inputs, outputs), maps)) {
      auto strides = loopStrides(map, cast<MemRefType>(memory.getType()));
      if (failed(strides))
        return op->emitOpError("has an indexing map that is no broadcast: ")
               << AffineMapAttr::get(map);
      for (auto [dimension, stride] : llvm::zip_equal(dimensions, *strides))
        dimension.strides.push_back(stride);
    }
    size_t firstOutput = inputs.size();
    llvm::stable_sort(dimensions, [&](const auto &a, const auto &b) {
      return a.strides[firstOutput] > b.strides[firstOutput];
    });
    dimensions = collapse(dimensions);

    SmallVector<int64_t> grid;
    SmallVector<AffineMap> reads, writes;
    for (const GridDimension &dimension : dimensions)
      grid.push_back(dimension.extent);
    for (size_t i = 0; i < inputs.size(); ++i)
      reads.push_back(positionMap(dimensions, i, op->getContext()));
    for (size_t i = 0; i < outputs.size(); ++i)
      writes.push_back(positionMap(dimensions, firstOutput + i, op->getContext()));

    Region body(op);
    if (failed(cloneBody(generic, body)))
      return failure();
    FlatSymbolRefAttr kernel =
        fragment.getKernel(op->getLoc(), kernelName(generic), grid, reads, writes,
                           kernelFormula(generic), body);
    rt::LaunchOp::create(fragment.getBuilder(), op->getLoc(), kernel, inputs, outputs);
    return success();
  }
};

/// The destination of a linalg op; its memory comes from the op's result.
struct EmptyLowering
    : RuntimeLoweringOpInterface::ExternalModel<EmptyLowering, tensor::EmptyOp> {
  LogicalResult lowerToRuntime(Operation *, FragmentBuilder &) const {
    return success();
  }
};

/// Scalars that canonicalisation moved out of kernels; each kernel takes its copy.
struct ScalarConstantLowering
    : RuntimeLoweringOpInterface::ExternalModel<ScalarConstantLowering, arith::ConstantOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &) const {
    if (isa<ShapedType>(op->getResult(0).getType()))
      return op->emitOpError("of a tensor has no memory: use nn.constant");
    return success();
  }
};
} // namespace

void dtc::plan::registerKernelLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, linalg::LinalgDialect *) {
    linalg::GenericOp::attachInterface<GenericLowering>(*context);
  });
}

void dtc::plan::registerTensorLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    tensor::EmptyOp::attachInterface<EmptyLowering>(*context);
  });
}

void dtc::plan::registerScalarLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    arith::ConstantOp::attachInterface<ScalarConstantLowering>(*context);
  });
}
