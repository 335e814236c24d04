// Lowers collectives between whole tensors and their parts. The runtime knows parts that lie one behind the other; slices along another
// dimension than the outermost in memory are brought there and back:
//
//   whole  [outer][n][inner]  ── transpose ──>  [n][outer][inner]  ── reduce-scatter ──>  part  [outer][inner]
#include "ExternalModels.h"
#include "RoleLowering.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::plan;

namespace {

/// A tensor that lies densely, as `outer` times `parts` slices along a dimension of `inner` elements each.
struct Slices {
  int64_t outer = 1, parts = 1, inner = 1;

  /// Those along `dimension` of something of this shape; without a dimension, it is cut where it lies.
  static Slices of(ArrayRef<int64_t> shape, std::optional<int64_t> dimension, int64_t parts, bool channelsLast) {
    Slices slices;
    slices.parts = parts;
    bool isOutside = dimension.has_value();
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(shape.size()));
    if (channelsLast)
      std::rotate(order.begin() + 1, order.begin() + 2, order.end());
    for (int64_t position : order) {
      isOutside &= position != dimension;
      (isOutside ? slices.outer : slices.inner) *= shape[position];
    }
    slices.inner /= parts;
    return slices;
  }
  bool areContiguous() const { return outer == 1 || parts == 1; }

  MemRefType whole(Type element) const { return MemRefType::get({outer, parts, inner}, element); }
  MemRefType apart(Type element) const { return MemRefType::get({parts, outer, inner}, element); }
};

Type elementOf(Value memory) { return cast<MemRefType>(memory.getType()).getElementType(); }

/// `memory` as the shape that `type` has, whatever its layout.
Value reinterpret(FragmentBuilder &fragments, Location location, Value memory, MemRefType type, StringRef what) {
  auto name = memory.getDefiningOp()->getAttrOfType<StringAttr>("name");
  return fragments.createView(location, (name.getValue() + "." + what).str(), memory, 0, type);
}

/// Brings the slices of `whole` one behind the other into `apart`.
void takeApart(FragmentBuilder &fragments, Location location, Value whole, Value apart, const Slices &slices) {
  CallOptions options = fragments.options("transpose");
  options.list("perm", {1, 0, 2});
  fragments.call(location, reinterpret(fragments, location, whole, slices.whole(elementOf(whole)), "slices"), apart, options);
}

/// The other way.
void putTogether(FragmentBuilder &fragments, Location location, Value apart, Value whole, const Slices &slices) {
  CallOptions options = fragments.options("transpose");
  options.list("perm", {1, 0, 2});
  fragments.call(location, apart, reinterpret(fragments, location, whole, slices.whole(elementOf(whole)), "slices"), options);
}

Value createApart(FragmentBuilder &fragments, Location location, Twine name, Type element, const Slices &slices) {
  return fragments.createBuffer(location, name.str(), rt::BufferKind::Temporary, slices.apart(element));
}

ArrayRef<int64_t> shapeOf(Type type) { return cast<ShapedType>(type).getShape(); }

/// In how many parts a whole of this type is cut.
int64_t partsOf(Type whole, Type part, std::optional<int64_t> dimension) {
  auto slice = cast<ShapedType>(part);
  if (!dimension || slice.getNumElements() == 0)
    return 1;
  return cast<ShapedType>(whole).getDimSize(*dimension) / slice.getDimSize(*dimension);
}

Layout layoutOf(FragmentBuilder &fragments, Value tensor) {
  return fragments.isChannelsLast(tensor) ? Layout::ChannelsLast : Layout::RowMajor;
}

/// The memory of an operand, as it lies; pieces are those of row-major order.
Value memoryOf(FragmentBuilder &fragments, Value tensor, std::optional<int64_t> dimension) {
  return dimension ? fragments.memory(tensor) : fragments.memory(tensor, Layout::RowMajor);
}

//===----------------------------------------------------------------------===//
// At once
//===----------------------------------------------------------------------===//

struct ReduceScatterLowering : RuntimeLoweringOpInterface::ExternalModel<ReduceScatterLowering, dist::ReduceScatterOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto scatter = cast<dist::ReduceScatterOp>(op);
    std::optional<int64_t> dimension = scatter.getDimension();
    Value whole = memoryOf(fragment, scatter.getValue(), dimension);
    Layout layout = dimension ? layoutOf(fragment, scatter.getValue()) : Layout::RowMajor;
    Value part = fragment.define(op->getOpResult(0), layout);
    Type type = scatter.getValue().getType();
    Slices slices = Slices::of(shapeOf(type), dimension, partsOf(type, scatter.getResult().getType(), dimension),
                               layout == Layout::ChannelsLast);
    std::string name = bufferName(op->getOpResult(0));
    if (!slices.areContiguous()) {
      Value apart = createApart(fragment, op->getLoc(), name + ".apart", elementOf(whole), slices);
      takeApart(fragment, op->getLoc(), whole, apart, slices);
      whole = apart;
    }
    rt::ReduceScatterOp::create(fragment.getBuilder(), op->getLoc(), dist::stringifyReduction(scatter.getReduction()),
                                whole, part, scatter.getAxis(), name, ArrayAttr());
    return success();
  }
};

struct PartLowering : RuntimeLoweringOpInterface::ExternalModel<PartLowering, dist::PartOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto part = cast<dist::PartOp>(op);
    std::optional<int64_t> dimension = part.getDimension();
    Value whole = memoryOf(fragment, part.getValue(), dimension);
    Layout layout = dimension ? layoutOf(fragment, part.getValue()) : Layout::RowMajor;
    CallOptions options = fragment.options("take_part");
    if (dimension)
      options.integer("dimension", *dimension);
    options.text("axis", part.getAxis());
    fragment.call(op->getLoc(), whole, fragment.define(op->getOpResult(0), layout), options);
    return success();
  }
};

struct AllGatherLowering : RuntimeLoweringOpInterface::ExternalModel<AllGatherLowering, dist::AllGatherOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto gather = cast<dist::AllGatherOp>(op);
    std::optional<int64_t> dimension = gather.getDimension();
    Value part = memoryOf(fragment, gather.getValue(), dimension);
    Layout layout = dimension ? layoutOf(fragment, gather.getValue()) : Layout::RowMajor;
    Value whole = fragment.define(op->getOpResult(0), layout);
    Type type = gather.getResult().getType();
    Slices slices = Slices::of(shapeOf(type), dimension, partsOf(type, gather.getValue().getType(), dimension),
                               layout == Layout::ChannelsLast);
    std::string name = bufferName(op->getOpResult(0));
    Value target = whole;
    if (!slices.areContiguous())
      target = createApart(fragment, op->getLoc(), name + ".apart", elementOf(whole), slices);
    rt::AllGatherOp::create(fragment.getBuilder(), op->getLoc(), part, target, gather.getAxis(), name, ArrayAttr());
    if (target != whole)
      putTogether(fragment, op->getLoc(), target, whole, slices);
    return success();
  }
};

/// What an all-to-all takes apart before it, and puts together behind it.
struct Exchange {
  Slices before, after;
  Exchange(Type value, Type result, int64_t from, int64_t to, bool channelsLast) {
    ArrayRef<int64_t> shape = shapeOf(value), slice = shapeOf(result);
    int64_t parts = shape[from] == 0 ? 1 : slice[from] / shape[from];
    before = Slices::of(shape, to, parts, channelsLast);
    after = Slices::of(slice, from, parts, channelsLast);
  }
};

struct AllToAllLowering : RuntimeLoweringOpInterface::ExternalModel<AllToAllLowering, dist::AllToAllOp> {
  LogicalResult lowerToRuntime(Operation *op, FragmentBuilder &fragment) const {
    auto exchange = cast<dist::AllToAllOp>(op);
    Value source = fragment.memory(exchange.getValue());
    Layout layout = layoutOf(fragment, exchange.getValue());
    Value result = fragment.define(op->getOpResult(0), layout);
    Exchange slices(exchange.getValue().getType(), exchange.getResult().getType(), exchange.getFrom(), exchange.getTo(),
                    layout == Layout::ChannelsLast);
    std::string name = bufferName(op->getOpResult(0));
    if (!slices.before.areContiguous()) {
      Value apart = createApart(fragment, op->getLoc(), name + ".sent", elementOf(source), slices.before);
      takeApart(fragment, op->getLoc(), source, apart, slices.before);
      source = apart;
    }
    Value target = result;
    if (!slices.after.areContiguous())
      target = createApart(fragment, op->getLoc(), name + ".apart", elementOf(result), slices.after);
    rt::AllToAllOp::create(fragment.getBuilder(), op->getLoc(), source, target, exchange.getAxis(), name, ArrayAttr());
    if (target != result)
      putTogether(fragment, op->getLoc(), target, result, slices.after);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Started: row-major, since values of timelines go from fragment to fragment
//===----------------------------------------------------------------------===//

/// The names of a bucket's values with something behind each.
SmallVector<std::string> namesWith(ArrayAttr names, StringRef suffix) {
  SmallVector<std::string> result;
  for (StringRef name : names.getAsValueRange<StringAttr>())
    result.push_back((name + suffix).str());
  return result;
}

SmallVector<MemRefType> rowMajorTypes(TypeRange types) {
  return llvm::map_to_vector(types, [](Type type) { return rowMajor(type); });
}

struct ReduceScatterStartLowering : StartLoweringOpInterface::ExternalModel<ReduceScatterStartLowering, dist::ReduceScatterStartOp> {
  /// The values lie side by side, where they are made if their slices need not be taken apart.
  void planMemory(Operation *op, RoleLowering &role) const {
    auto start = cast<dist::ReduceScatterStartOp>(op);
    SmallVector<Value> views = role.layOut(op->getLoc(), start.getBucket(), rowMajorTypes(start.getValues().getTypes()),
                                           namesWith(start.getNames(), ".scattered"));
    for (auto [value, part, view] : llvm::zip_equal(start.getValues(), start.getPending().getType().getTypes(), views))
      if (slicesOf(start, value.getType(), part).areContiguous())
        role.promiseReplaced(value, view);
    role.placesOf(op) = views;
  }

  FailureOr<Value> lowerStart(Operation *op, RoleLowering &role) const {
    auto start = cast<dist::ReduceScatterStartOp>(op);
    FragmentBuilder &fragments = role.getFragments();
    SmallVector<Value> wholes = role.placesOf(op);
    ArrayRef<Type> types = start.getPending().getType().getTypes();
    for (auto [value, part, view] : llvm::zip_equal(start.getValues(), types, wholes)) {
      Slices slices = slicesOf(start, value.getType(), part);
      if (slices.areContiguous()) {
        role.copy(op->getLoc(), value, view);
        continue;
      }
      Value plain = role.plain(op->getLoc(), value, rowMajor(value.getType()));
      takeApart(fragments, op->getLoc(), plain, reinterpret(fragments, op->getLoc(), view, slices.apart(elementOf(view)), "apart"),
                slices);
    }
    SmallVector<Value> parts = role.layOut(op->getLoc(), (start.getBucket() + ".parts").str(), rowMajorTypes(types),
                                           namesWith(start.getNames(), ".part"));
    role.placesOf(op) = parts;
    return rt::ReduceScatterStartOp::create(fragments.getBuilder(), op->getLoc(), role.getPendingType(),
                                            dist::stringifyReduction(start.getReduction()), wholes, parts, start.getAxis(),
                                            start.getBucket(), start.getNames())
        .getPending();
  }

  void lowerWait(Operation *op, RoleLowering &role, dist::WaitOp wait) const {
    for (auto [result, part] : llvm::zip_equal(wait.getValues(), role.placesOf(op)))
      role.setPlace(result, part);
  }

private:
  static Slices slicesOf(dist::ReduceScatterStartOp start, Type whole, Type part) {
    return Slices::of(shapeOf(whole), start.getDimension(), partsOf(whole, part, start.getDimension()), false);
  }
};

struct AllGatherStartLowering : StartLoweringOpInterface::ExternalModel<AllGatherStartLowering, dist::AllGatherStartOp> {
  void planMemory(Operation *, RoleLowering &) const {}

  FailureOr<Value> lowerStart(Operation *op, RoleLowering &role) const {
    auto start = cast<dist::AllGatherStartOp>(op);
    FragmentBuilder &fragments = role.getFragments();
    ArrayRef<Type> types = start.getPending().getType().getTypes();
    SmallVector<Value> wholes(types.size()), parts;
    // Straight to where the step gives it back, if nobody looks there meanwhile.
    SmallVector<size_t> elsewhere;
    for (auto [i, type] : llvm::enumerate(types)) {
      if (slicesOf(start, i).areContiguous())
        if (auto wait = dyn_cast<dist::WaitOp>(*start.getPending().user_begin()))
          wholes[i] = role.freeHome(wait.getValues()[i], op);
      if (!wholes[i] || wholes[i].getType() != rowMajor(type))
        elsewhere.push_back(i);
    }
    SmallVector<MemRefType> bucket;
    SmallVector<std::string> names, all = namesWith(start.getNames(), ".whole");
    for (size_t i : elsewhere) {
      bucket.push_back(rowMajor(types[i]));
      names.push_back(all[i]);
    }
    if (!elsewhere.empty())
      for (auto [i, view] : llvm::zip_equal(elsewhere, role.layOut(op->getLoc(), (start.getBucket() + ".wholes").str(), bucket, names)))
        wholes[i] = view;
    for (Value value : start.getValues())
      parts.push_back(role.plain(op->getLoc(), value, rowMajor(value.getType())));
    role.placesOf(op) = wholes;
    return rt::AllGatherStartOp::create(fragments.getBuilder(), op->getLoc(), role.getPendingType(), parts, wholes, start.getAxis(),
                                        start.getBucket(), start.getNames())
        .getPending();
  }

  void lowerWait(Operation *op, RoleLowering &role, dist::WaitOp wait) const {
    auto start = cast<dist::AllGatherStartOp>(op);
    for (auto [i, result] : llvm::enumerate(wait.getValues()))
      role.setPlace(result, together(role.getFragments(), wait.getLoc(), role.placesOf(op)[i], result.getType(), slicesOf(start, i),
                                     cast<StringAttr>(start.getNames()[i]).getValue()));
  }

  /// What lies apart, put together; what is contiguous lies so already.
  static Value together(FragmentBuilder &fragments, Location location, Value memory, Type type, const Slices &slices, StringRef name) {
    if (slices.areContiguous())
      return memory;
    Value whole = fragments.createBuffer(location, name, rt::BufferKind::Temporary, rowMajor(type));
    putTogether(fragments, location, reinterpret(fragments, location, memory, slices.apart(elementOf(memory)), "apart"), whole, slices);
    return whole;
  }

private:
  static Slices slicesOf(dist::AllGatherStartOp start, size_t index) {
    Type whole = start.getPending().getType().getTypes()[index], part = start.getValues()[index].getType();
    return Slices::of(shapeOf(whole), start.getDimension(), partsOf(whole, part, start.getDimension()), false);
  }
};

struct AllToAllStartLowering : StartLoweringOpInterface::ExternalModel<AllToAllStartLowering, dist::AllToAllStartOp> {
  void planMemory(Operation *, RoleLowering &) const {}

  FailureOr<Value> lowerStart(Operation *op, RoleLowering &role) const {
    auto start = cast<dist::AllToAllStartOp>(op);
    FragmentBuilder &fragments = role.getFragments();
    SmallVector<Value> sources;
    for (auto [i, value] : llvm::enumerate(start.getValues())) {
      Value source = role.plain(op->getLoc(), value, rowMajor(value.getType()));
      Slices before = slicesOf(start, i).before;
      if (!before.areContiguous()) {
        Value apart = createApart(fragments, op->getLoc(), cast<StringAttr>(start.getNames()[i]).getValue() + ".sent",
                                  elementOf(source), before);
        takeApart(fragments, op->getLoc(), source, apart, before);
        source = apart;
      }
      sources.push_back(source);
    }
    SmallVector<Value> targets =
        role.layOut(op->getLoc(), start.getBucket(), rowMajorTypes(start.getPending().getType().getTypes()),
                    namesWith(start.getNames(), ".exchanged"));
    role.placesOf(op) = targets;
    return rt::AllToAllStartOp::create(fragments.getBuilder(), op->getLoc(), role.getPendingType(), sources, targets, start.getAxis(),
                                       start.getBucket(), start.getNames())
        .getPending();
  }

  void lowerWait(Operation *op, RoleLowering &role, dist::WaitOp wait) const {
    auto start = cast<dist::AllToAllStartOp>(op);
    for (auto [i, result] : llvm::enumerate(wait.getValues()))
      role.setPlace(result, AllGatherStartLowering::together(role.getFragments(), wait.getLoc(), role.placesOf(op)[i], result.getType(),
                                                             slicesOf(start, i).after,
                                                             cast<StringAttr>(start.getNames()[i]).getValue()));
  }

private:
  static Exchange slicesOf(dist::AllToAllStartOp start, size_t index) {
    return Exchange(start.getValues()[index].getType(), start.getPending().getType().getTypes()[index], start.getFrom(), start.getTo(),
                    false);
  }
};

} // namespace

void dtc::plan::registerPartsLowerings(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, dist::DistDialect *) {
    dist::ReduceScatterOp::attachInterface<ReduceScatterLowering>(*context);
    dist::ReduceScatterStartOp::attachInterface<ReduceScatterStartLowering>(*context);
    dist::PartOp::attachInterface<PartLowering>(*context);
    dist::AllGatherOp::attachInterface<AllGatherLowering>(*context);
    dist::AllGatherStartOp::attachInterface<AllGatherStartLowering>(*context);
    dist::AllToAllOp::attachInterface<AllToAllLowering>(*context);
    dist::AllToAllStartOp::attachInterface<AllToAllStartLowering>(*context);
  });
}
