// Layers that move elements: flatten, reshape, transpose, concat, slice,
// split, expand, upsample.
#include "Builtin.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::dsl;

/// Integers of a Rest argument: one after the other, or one list.
static IntegerList readList(const Arguments &arguments, StringRef name) {
  IntegerList list;
  for (const Datum &datum : arguments.all(name))
    llvm::append_range(list, std::get<IntegerList>(datum));
  return list;
}

/// Merges the dimensions from `axis` on; PyTorch's default keeps the batch.
static Datum buildFlatten(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  ArrayRef<int64_t> shape = tensorType(x).getShape();
  auto axis = readAxis(arguments, "axis", arguments.integer("axis", 1),
                       static_cast<int64_t>(shape.size()));
  if (failed(axis))
    return Invalid();
  SmallVector<int64_t> flat(shape.take_front(*axis));
  flat.push_back(1);
  for (int64_t extent : shape.drop_front(*axis))
    flat.back() *= extent;
  return layer.reshape(x, flat);
}

/// One extent may be -1: whatever is left.
static Datum buildReshape(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  IntegerList shape = readList(arguments, "shape");
  int64_t elements = tensorType(x).getNumElements(), known = 1;
  int64_t *open = nullptr;
  for (int64_t &extent : shape) {
    if (extent == -1 && !open) {
      open = &extent;
    } else if (extent < 1 || llvm::MulOverflow(known, extent, known)) {
      arguments.error("shape") << "is " << nn::formatShape(shape)
                               << ": extents are positive and one may be -1";
      return Invalid();
    }
  }
  if (open ? elements % known != 0 : elements != known) {
    arguments.error("shape") << "is " << nn::formatShape(shape) << ", but "
                             << describe(Datum(x)) << " has " << elements
                             << " elements";
    return Invalid();
  }
  if (open)
    *open = elements / known;
  return layer.reshape(x, shape);
}

/// numpy.transpose: without a permutation the dimensions are reversed.
static Datum buildTranspose(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  int64_t rank = tensorType(x).getRank();
  SmallVector<int64_t> permutation;
  for (int64_t given : readList(arguments, "permutation")) {
    auto axis = readAxis(arguments, "permutation", given, rank);
    if (failed(axis))
      return Invalid();
    permutation.push_back(*axis);
  }
  if (!arguments.has("permutation"))
    permutation = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  nn::TransposeOp::Properties properties;
  properties.permutation =
      layer.graph.getBuilder().getDenseI64ArrayAttr(permutation);
  return layer.infer<nn::TransposeOp>(x, properties);
}

static Datum buildConcat(Layer &layer, const Arguments &arguments) {
  SmallVector<Value> operands;
  for (const Datum &datum : arguments.all("tensors"))
    operands.push_back(std::get<Value>(datum));
  if (operands.empty()) {
    arguments.error("tensors") << "is missing";
    return Invalid();
  }
  auto axis = readAxis(arguments, "axis", arguments.integer("axis", 1),
                       tensorType(operands.front()).getRank());
  if (failed(axis))
    return Invalid();
  nn::ConcatOp::Properties properties;
  properties.axis = layer.graph.getBuilder().getI64IntegerAttr(*axis);
  return layer.infer<nn::ConcatOp>(operands, properties);
}

/// Elements begin … end - 1 along an axis; both may count from the end.
static Datum buildSlice(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  RankedTensorType type = tensorType(x);
  auto axis = readAxis(arguments, "axis", arguments.integer("axis"),
                       type.getRank());
  if (failed(axis))
    return Invalid();
  int64_t extent = type.getDimSize(*axis);
  int64_t begin = arguments.integer("begin"), end = arguments.integer("end", extent);
  auto fromStart = [&](int64_t index) {
    return index < 0 && index >= -extent ? index + extent : index;
  };
  int64_t first = fromStart(begin), last = fromStart(end);
  if (first < 0 || last > extent || first >= last) {
    arguments.error("begin") << "and 'end' give no elements: from " << begin
                             << " to " << end << " of " << extent;
    return Invalid();
  }
  SmallVector<int64_t> shape(type.getShape()), offsets(type.getRank(), 0);
  shape[*axis] = last - first;
  offsets[*axis] = first;
  RankedTensorType result = layer.graph.makeType(shape, layer.location, type.getElementType());
  auto op = layer.graph.create<nn::SliceOp>(layer.location, result, x, offsets);
  return op ? Datum(op.getY()) : Datum(Invalid());
}

/// Equal parts along an axis, as numpy.split with a number.
static Datum buildSplit(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  RankedTensorType type = tensorType(x);
  auto axis = readAxis(arguments, "axis", arguments.integer("axis", -1), type.getRank());
  if (failed(axis))
    return Invalid();
  int64_t parts = arguments.integer("parts"), extent = type.getDimSize(*axis);
  if (extent % parts != 0) {
    arguments.error("parts") << "is " << parts << ", which must divide the " << extent << " of axis " << *axis << " of " << describe(Datum(x));
    return Invalid();
  }
  SmallVector<int64_t> shape(type.getShape()), offsets(type.getRank(), 0);
  shape[*axis] = extent / parts;
  RankedTensorType result = layer.graph.makeType(shape, layer.location, type.getElementType());
  Tuple results;
  for (int64_t part = 0; part < parts; ++part) {
    offsets[*axis] = part * shape[*axis];
    auto op = layer.graph.create<nn::SliceOp>(layer.location, result, x, offsets);
    if (!op)
      return Invalid();
    results.push_back(op.getY());
  }
  return parts == 1 ? Datum(results.front()) : Datum(std::move(results));
}

/// numpy.broadcast_to.
static Datum buildExpand(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  RankedTensorType type = tensorType(x);
  IntegerList shape = readList(arguments, "shape");
  bool fits = shape.size() >= static_cast<size_t>(type.getRank());
  if (fits)
    for (auto [from, to] : llvm::zip(llvm::reverse(type.getShape()), llvm::reverse(shape)))
      fits &= from == 1 || from == to;
  if (!fits) {
    arguments.error("shape") << "is " << nn::formatShape(shape) << ", to which " << describe(Datum(x)) << " does not expand";
    return Invalid();
  }
  RankedTensorType result = layer.graph.makeType(shape, layer.location, type.getElementType());
  if (!result)
    return Invalid();
  auto op = layer.graph.create<nn::BroadcastOp>(layer.location, result, x);
  return op ? Datum(op.getY()) : Datum(Invalid());
}

/// Every spatial element repeated `factor` times (nearest neighbour).
static Datum buildUpsample(Layer &layer, const Arguments &arguments) {
  Value x = arguments.tensor("x");
  ArrayRef<int64_t> shape = tensorType(x).getShape();
  if (shape.size() < 3) {
    arguments.error("x") << "has no spatial dimensions: it is "
                         << describe(Datum(x));
    return Invalid();
  }
  auto factors = arguments.integers("factor", shape.size() - 2, 1);
  if (failed(factors))
    return Invalid();
  // [N, C, H, W] -> [N, C, H, 1, W, 1] -> [N, C, H, f, W, f] -> [N, C, fH, fW]
  SmallVector<int64_t> apart(shape.take_front(2)), repeated = apart, whole = apart;
  for (auto [extent, factor] : llvm::zip(shape.drop_front(2), *factors)) {
    apart.append({extent, 1});
    repeated.append({extent, factor});
    int64_t product;
    if (llvm::MulOverflow(extent, factor, product))
      product = Graph::maxElements + 1; // refused by the graph's own check
    whole.push_back(product);
  }
  Datum spread = layer.reshape(x, apart);
  RankedTensorType type = layer.graph.makeType(repeated, layer.location);
  if (isInvalid(spread) || !type)
    return Invalid();
  auto op = layer.graph.create<nn::BroadcastOp>(layer.location, type,
                                                std::get<Value>(spread));
  return op ? layer.reshape(op.getY(), whole) : Datum(Invalid());
}

void dtc::dsl::registerShapeLayers(Table<LayerBuiltin> &table) {
  table.add({{"flatten",
              {{"x", &kinds::anyTensor}, {"axis", &kinds::integer, Arity::Optional}}},
             buildFlatten});
  table.add({{"reshape",
              {{"x", &kinds::anyTensor}, {"shape", &kinds::integers, Arity::Rest}}},
             buildReshape});
  table.add({{"transpose",
              {{"x", &kinds::anyTensor},
               {"permutation", &kinds::integers, Arity::Rest}}},
             buildTranspose});
  table.add({{"concat",
              {{"tensors", &kinds::anyTensor, Arity::Rest},
               {"axis", &kinds::integer, Arity::Optional}}},
             buildConcat});
  table.add({{"slice",
              {{"x", &kinds::anyTensor},
               {"axis", &kinds::integer},
               {"begin", &kinds::integer},
               {"end", &kinds::integer, Arity::Optional}}},
             buildSlice});
  table.add({{"split",
              {{"x", &kinds::anyTensor},
               {"parts", &kinds::positive},
               {"axis", &kinds::integer, Arity::Optional}}},
             buildSplit});
  table.add({{"expand",
              {{"x", &kinds::anyTensor}, {"shape", &kinds::integers, Arity::Rest}}},
             buildExpand});
  table.add({{"upsample",
              {{"x", &kinds::tensor}, {"factor", &kinds::positives}}},
             buildUpsample});
}
