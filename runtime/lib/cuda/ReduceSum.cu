// Sums over axes: teams of threads for rows, blocks of columns for what is innermost and kept (bias gradients). Long sums are shared by
// blocks, each of which writes its part in f64; a last kernel adds the parts in their order.
#include "dtcrt/reduction.h"
#include "cuda/ColumnBlocks.h"
#include "dtcrt/movement.h"
#include "math/ReduceLoops.h"
#include "math/Workspace.h"

#include <type_traits>

namespace dtcrt {

namespace {

using namespace device;

/// The offset in x of a term or a result; one loop needs no division.
__device__ index offset_in(const ReduceLoops &loops, index position, int inner = 0) {
  if (loops.size.size() - inner <= 1)
    return loops.size.size() > inner ? position * loops.from[0] : 0;
  index from, to;
  loops.at(position, inner, from, to);
  return from;
}

/// Where a sum goes: into y, or, as one of several shares of it, into parts [share, result].
struct Target {
  f32 *y;
  f64 *parts;
  index results;
  ReduceLoops kept;

  __device__ void write(index result, index share, f64 sum) const {
    if (parts) {
      parts[share * results + result] = sum;
      return;
    }
    index from, to;
    kept.at(result, 0, from, to);
    y[to] = static_cast<f32>(sum);
  }
};

/// A team adds up a share of one result's terms; packs lie inside the innermost summed loop.
template <int lanes, int count, class T> __global__ void sum_rows(const T *x, ReduceLoops summed, index terms, index shares, Target target) {
  constexpr index teams = block_threads / lanes;
  const index tasks = target.results * shares, packs = terms / count, step = count == 1 ? summed.from.back() : 1;
  for (index task = blockIdx.x * teams + threadIdx.x / lanes; task < tasks; task += gridDim.x * teams) {
    const index share = divide(task, target.results), result = task - share * target.results;
    const T *in = x + offset_in(target.kept, result);
    LongSum sum;
    for (index i = packs * share / shares + Team<lanes>::lane(); i < packs * (share + 1) / shares; i += lanes) {
      const index term = i * count, inner = summed.size.back(), outer = summed.size.size() == 1 ? 0 : divide(term, inner);
      const T *at = in + offset_in(summed, outer, 1) + (term - outer * inner) * step;
      const Pack<T, count> values = load<count>(at);
      f32 of_pack = 0;
      for (int j = 0; j < count; ++j)
        of_pack += values[j];
      sum.add(of_pack);
    }
    const f64 total = Team<lanes>::sum(sum.total());
    if (Team<lanes>::lane() == 0)
      target.write(result, share, total);
  }
}

/// Columns are the innermost kept loop, rows all points of the summed loops; grid (chunks × groups, shares).
template <int count, class T>
__global__ void sum_columns(const T *x, ReduceLoops summed, index rows, int across, index chunks, Target target) {
  const index width = target.kept.size.back(), step = target.kept.from.back();
  const index group = divide(blockIdx.x, chunks), chunk = blockIdx.x - group * chunks;
  const index column = (chunk * across + threadIdx.x % across) * count;
  const bool is_column = column < width;
  const T *in = x + offset_in(target.kept, group, 1) + column * step;
  LongSum sums[count];
  if (is_column)
    for_rows<Pack<T, count>>(
        rows, across,
        [&](index row, Pack<T, count> &values) {
          values = load<count>(in + offset_in(summed, row));
          return true;
        },
        [&](const Pack<T, count> &values) {
          for (int j = 0; j < count; ++j)
            sums[j].add(values[j]);
        });
  for (int j = 0; j < count; ++j) {
    const f64 total = merge_rows(sums[j].total(), across, Sum());
    if (is_column && static_cast<int>(threadIdx.x) < across)
      target.write(group * width + column + j, blockIdx.y, total);
  }
}

__global__ void add_shares(Target target, const f64 *parts, index shares) {
  const Finished<f64> result = finish_column(parts, shares, target.results, Sum());
  if (result.is_first)
    target.write(result.column, 0, result.total);
}

/// Runs a kernel that writes `shares` shares of each result, and adds these up.
template <class Launch> void shared(Context &ctx, const Target &target, index shares, Launch launch_shares) {
  if (shares == 1)
    return launch_shares(target);
  Target parts = target;
  parts.parts = static_cast<f64 *>(workspace(ctx, static_cast<std::size_t>(shares * target.results) * sizeof(f64)));
  launch_shares(parts);
  launch(ctx, add_shares, finish_blocks(target.results), block_threads, target, parts.parts, shares);
}

/// Whether x can be read in packs along the innermost of these loops.
template <int count, class T> bool in_packs(const T *x, const ReduceLoops &inner, const ReduceLoops &outer) {
  bool result = inner.from.back() == 1 && packs<count, T>({x}, {inner.size.back()});
  for (int d = 0; d < inner.size.size() - 1; ++d)
    result = result && inner.from[d] % count == 0;
  for (index step : outer.from)
    result = result && step % count == 0;
  return result;
}

template <class T> void rows(Context &ctx, const T *x, const ReducePlan &plan, const Target &target) {
  const index terms = plan.summed.product();
  const auto run = [&](auto lanes, auto count) {
    // Few results with many terms: several teams share one, so that the GPU is filled.
    const index per_team = lanes.value * 16 * count.value, wanted = 4096 / lanes.value;
    const index shares = target.results >= wanted ? 1 : std::clamp<index>(ceil_div(terms, per_team), 1, ceil_div(wanted, target.results));
    shared(ctx, target, shares, [&](const Target &to) {
      launch(ctx, sum_rows<lanes.value, count.value, T>, blocks_for(ctx, to.results * shares * lanes.value), block_threads, x, plan.summed, terms, shares, to);
    });
  };
  const auto with = [&](auto count) {
    if (terms / count.value <= 32)
      run(std::integral_constant<int, 8>(), count);
    else if (terms / count.value <= 1024)
      run(std::integral_constant<int, 32>(), count);
    else
      run(std::integral_constant<int, block_threads>(), count);
  };
  if (in_packs<pack_size<T>>(x, plan.summed, plan.kept))
    with(std::integral_constant<int, pack_size<T>>());
  else
    with(std::integral_constant<int, 1>());
}

template <class T> void columns(Context &ctx, const T *x, const ReducePlan &plan, const Target &target) {
  const index width = plan.kept.size.back(), groups = target.results / width, rows = plan.summed.product();
  const auto run = [&](auto count) {
    const ColumnBlocks blocks(width / count.value, rows);
    const index shares = std::clamp<index>(blocks.shares, 1, std::max<index>(4096 / groups, 1));
    shared(ctx, target, shares, [&](const Target &to) {
      launch(ctx, sum_columns<count.value, T>, dim3(static_cast<unsigned>(blocks.chunks * groups), static_cast<unsigned>(shares)), block_threads, x,
             plan.summed, rows, blocks.across, blocks.chunks, to);
    });
  };
  if (in_packs<pack_size<T>>(x, plan.kept, plan.summed))
    run(std::integral_constant<int, pack_size<T>>());
  else
    run(std::integral_constant<int, 1>());
}

template <class T> void sum(Context &ctx, const Tensor<T> &x, const Tensor<f32> &y, const ReduceOptions &o) {
  const ReducePlan plan(x, y, o);
  if (y.size() == 0)
    return;
  if (x.size() == 0)
    return fill(ctx, y, 0);
  const Target target{y.data(), nullptr, y.size(), plan.kept};
  if (plan.innermost_kept())
    return columns(ctx, x.data(), plan, target);
  ReducePlan rows_of = plan;
  if (plan.summed.size.empty()) { // a single element
    rows_of.summed.size.push_back(1);
    rows_of.summed.from.push_back(1);
    rows_of.summed.to.push_back(0);
  }
  rows(ctx, x.data(), rows_of, target);
}

} // namespace

void reduce_sum(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &y, const ReduceOptions &o) { sum(ctx, x, y, o); }
void reduce_sum(Context &ctx, const Tensor<bf16> &x, const Tensor<f32> &y, const ReduceOptions &o) { sum(ctx, x, y, o); }

} // namespace dtcrt
