// The collectives' calls: checks of their operands, and what a network is told.
#include "comm/Collective.h"
#include "comm/WorldImpl.h"
#include "core/Require.h"

namespace dtcrt {

namespace {

using Kind = TraceEvent::Kind;

Transfer transfer(Kind kind, const Bytes &from, const Bytes &to) {
  require(from.is_dense && to.is_dense, text_of(kind).category, "the tensors are dense");
  require(from.element == to.element, text_of(kind).category, "both sides have the same elements");
  return {static_cast<std::byte *>(from.data), from.size, static_cast<std::byte *>(to.data), to.size};
}

const char *name_of(const Tensor<f32> &tensor) { return tensor.name(); }
const char *name_of(const Bytes &tensor) { return tensor.name; }

int ranks_of(Context &ctx, const char *axis) { return ctx.world() ? ctx.world()->impl().group(axis).size : 1; }

/// A part has the elements of the whole over the ranks, rounded up.
void require_parts(Kind kind, const Bytes &whole, const Bytes &part, int ranks) {
  const std::size_t elements = whole.size / whole.element, count = static_cast<std::size_t>(ranks);
  require(part.size / part.element == (elements + count - 1) / count, text_of(kind).category, "a part is the whole over the ranks");
}

/// The name of the first tensor which is written, where the options have none.
template <class Options, class Tensors, class Tensor> const char *name_of(const Options &options, ListOf<Tensors> list, Tensor Tensors::*written) {
  return detail::named(options, list.size() ? name_of(list.begin()->*written) : nullptr).name;
}

Pending start(Context &ctx, const CollectiveCall &call) {
  if (call.bytes() == 0)
    return Pending();
  return start_collective(ctx, call);
}

} // namespace

Pending all_reduce_start(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) {
  return start(ctx, {.kind = Kind::all_reduce, .tensors = {transfer(Kind::all_reduce, tensor, tensor)}, .reduction = options.reduction,
                     .axis = options.axis, .name = detail::named(options, tensor.name()).name});
}

Pending reduce_scatter_start(Context &ctx, ListOf<ReduceScatterTensors> tensors, const ReduceScatterOptions &options) {
  CollectiveCall call{.kind = Kind::reduce_scatter, .reduction = options.reduction, .axis = options.axis,
                      .name = name_of(options, tensors, &ReduceScatterTensors::part)};
  for (const ReduceScatterTensors &tensor : tensors) {
    require_parts(call.kind, tensor.whole, tensor.part, ranks_of(ctx, options.axis));
    call.tensors.push_back(transfer(call.kind, tensor.whole, tensor.part));
  }
  return start(ctx, call);
}

Pending all_gather_start(Context &ctx, ListOf<AllGatherTensors> tensors, const CollectiveOptions &options) {
  CollectiveCall call{.kind = Kind::all_gather, .axis = options.axis,
                      .name = name_of(options, tensors, &AllGatherTensors::whole)};
  for (const AllGatherTensors &tensor : tensors) {
    require_parts(call.kind, tensor.whole, tensor.part, ranks_of(ctx, options.axis));
    call.tensors.push_back(transfer(call.kind, tensor.part, tensor.whole));
  }
  return start(ctx, call);
}

Pending all_to_all_start(Context &ctx, ListOf<AllToAllTensors> tensors, const CollectiveOptions &options) {
  CollectiveCall call{.kind = Kind::all_to_all, .axis = options.axis,
                      .name = name_of(options, tensors, &AllToAllTensors::to)};
  for (const AllToAllTensors &tensor : tensors) {
    const std::size_t elements = tensor.from.size / tensor.from.element;
    require(tensor.from.size == tensor.to.size && elements % static_cast<std::size_t>(ranks_of(ctx, options.axis)) == 0,
            text_of(call.kind).category, "both sides have the same number of elements, equal parts for all ranks");
    call.tensors.push_back(transfer(call.kind, tensor.from, tensor.to));
  }
  return start(ctx, call);
}

Pending broadcast_start(Context &ctx, Bytes tensor, const BroadcastOptions &options) {
  require(options.root >= 0 && options.root < ranks_of(ctx, options.axis), "broadcast", "the root is a coordinate of the axis");
  return start(ctx, {.kind = Kind::broadcast, .tensors = {transfer(Kind::broadcast, tensor, tensor)}, .root = options.root,
                     .axis = options.axis, .name = detail::named(options, tensor.name).name});
}

void all_reduce(Context &ctx, const Tensor<f32> &tensor, const AllReduceOptions &options) { all_reduce_start(ctx, tensor, options).wait(); }
void reduce_scatter(Context &ctx, ListOf<ReduceScatterTensors> tensors, const ReduceScatterOptions &options) {
  reduce_scatter_start(ctx, tensors, options).wait();
}
void all_gather(Context &ctx, ListOf<AllGatherTensors> tensors, const CollectiveOptions &options) {
  all_gather_start(ctx, tensors, options).wait();
}
void all_to_all(Context &ctx, ListOf<AllToAllTensors> tensors, const CollectiveOptions &options) {
  all_to_all_start(ctx, tensors, options).wait();
}
void broadcast(Context &ctx, Bytes tensor, const BroadcastOptions &options) { broadcast_start(ctx, tensor, options).wait(); }

} // namespace dtcrt
