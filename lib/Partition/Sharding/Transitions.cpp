// The table of transitions.
#include "lib/Partition/Sharding/Transitions.h"

#include "dialects/Dist/Dist.h"
#include "dialects/NN/NN.h"

using namespace mlir;
using namespace dtc;
using namespace dtc::partition;

using Kind = Placement::Kind;

/// What is added up over ranks is f32; then `make` gives the sum, of the same type or a part of it.
static Value inFull(const TransitionSite &site, llvm::function_ref<Value(Value part, RankedTensorType type)> make) {
  Type full = nn::accumulatedType(site.result.getElementType());
  auto local = cast<RankedTensorType>(site.local.getType());
  Value part = site.builder.createOrFold<nn::CastOp>(site.location, local.clone(full), site.local);
  Value sum = make(part, RankedTensorType(site.result).clone(full));
  return site.builder.createOrFold<nn::CastOp>(site.location, site.result, sum);
}

static Value buildAllReduce(const TransitionSite &site) {
  return inFull(site, [&](Value part, RankedTensorType type) -> Value {
    return dist::AllReduceOp::create(site.builder, site.location, type, dist::Reduction::Sum, part, site.axis);
  });
}

static Value buildReduceScatter(const TransitionSite &site) {
  return inFull(site, [&](Value part, RankedTensorType type) -> Value {
    return dist::ReduceScatterOp::create(site.builder, site.location, type, dist::Reduction::Sum, part, site.axis,
                                         site.builder.getI64IntegerAttr(site.to.dim));
  });
}

static Value buildAllGather(const TransitionSite &site) {
  return dist::AllGatherOp::create(site.builder, site.location, site.result, site.local, site.axis,
                                   site.builder.getI64IntegerAttr(site.from.dim));
}

static Value buildAllToAll(const TransitionSite &site) {
  return dist::AllToAllOp::create(site.builder, site.location, site.result, site.local,
                                  site.builder.getI64IntegerAttr(site.from.dim), site.builder.getI64IntegerAttr(site.to.dim), site.axis);
}

/// Of one value everywhere nothing has to be cut.
static Value buildSlice(const TransitionSite &site) {
  if (auto constant = site.local.getDefiningOp<nn::ConstantOp>())
    if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()))
      return nn::ConstantOp::create(site.builder, site.location, site.result, splat.resizeSplat(site.result));
  return dist::PartOp::create(site.builder, site.location, site.result, site.local, site.axis,
                              site.builder.getI64IntegerAttr(site.to.dim));
}

ArrayRef<Transition> dtc::partition::transitions() {
  static const Transition table[] = {
      {Kind::Partial, Kind::Replicated, CommunicationKind::AllReduce, buildAllReduce},
      {Kind::Partial, Kind::Sharded, CommunicationKind::ReduceScatter, buildReduceScatter},
      {Kind::Sharded, Kind::Replicated, CommunicationKind::AllGather, buildAllGather},
      {Kind::Sharded, Kind::Sharded, CommunicationKind::AllToAll, buildAllToAll},
      {Kind::Replicated, Kind::Sharded, std::nullopt, buildSlice},
  };
  return table;
}

double Transition::seconds(uint64_t bytes, ArrayRef<int64_t> ranks, const MachineModel &machine) const {
  if (!kind)
    return 0;
  // What a rank brings is all of the value, but for what is exchanged.
  uint64_t payload = *kind == CommunicationKind::AllToAll ? bytes / ranks.size() : bytes;
  return machine.collectiveSeconds(rowOf(*kind).form, ranks, /*root=*/0, payload);
}

const Transition *dtc::partition::transitionBetween(Placement from, Placement to) {
  for (Placement side : {from, to})
    if (side.isSharded() && side.outer != 1)
      return nullptr;
  if (from.isSharded() && to.isSharded() && from.dim == to.dim)
    return nullptr;
  for (const Transition &row : transitions())
    if (row.from == from.kind && row.to == to.kind)
      return &row;
  return nullptr;
}
