// Attention by tiles of keys x queries, of which only a few are in memory (Dao 2023, "FlashAttention-2"). A tile has a query in each lane, so that
// maxima and sums of a query's scores are those of whole vectors:
//
//   scores^T [keys, queries] = k (scale q)^T      y^T [E, queries] += v^T p^T
//
// and k, v and their gradients are read and written as they lie; of bf16 a tile at a time is widened.
#include "cpu/AttentionTile.h"
#include "cpu/Backend.h"
#include "dtcrt/attention.h"
#include "math/AttentionGeometry.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <omp.h>

namespace dtcrt {

namespace {

using namespace tile;

/// Queries and keys of a tile.
constexpr index tile_queries = 64, tile_keys = 64;
static_assert(tile_queries % panel == 0);
constexpr f32 infinity = std::numeric_limits<f32>::infinity();

/// A thread's tiles, one behind the other in a block of memory.
class Scratch {
public:
  explicit Scratch(f32 *memory) : memory_(memory) {}
  f32 *take(index count) {
    f32 *result = memory_ ? memory_ + used_ : nullptr;
    used_ += round_up(count, 16);
    return result;
  }
  index used() const { return used_; }

private:
  f32 *memory_;
  index used_ = 0;
};

/// Rows `first` to `first + count` of a head's k or v: as they lie, or in `storage` [tile_keys, width], if they are to be widened or lie apart: rows a
/// power of two from another share a few lines of the cache.
template <class T> Matrix rows_of(const HeadView<T> &view, const T *head, index first, index count, index width, f32 *storage) {
  const T *from = head + first * view.position;
  if constexpr (std::is_same_v<T, f32>)
    if (view.position == width)
      return {from, view.position, view.element};
  for (index r = 0; r < count; ++r)
    for (index c = 0; c < width; ++c)
      storage[r * width + c] = from[r * view.position + c * view.element];
  return {storage, width, 1};
}

/// to [width, tile_queries] = factor * rows of a head, transposed; lanes behind `count` are 0.
template <class T> void take_columns(const HeadView<T> &view, const T *head, index first, index count, index width, f32 factor, f32 *to) {
  for (index t = 0; t < count; ++t) {
    const T *from = head + (first + t) * view.position;
    for (index d = 0; d < width; ++d)
      to[d * tile_queries + t] = factor * static_cast<f32>(from[d * view.element]);
  }
  for (index d = 0; d < width; ++d)
    std::fill(to + d * tile_queries + count, to + (d + 1) * tile_queries, 0.0f);
}
/// The same rows as they are, to [tile_queries, step].
template <class T> void take_rows(const HeadView<T> &view, const T *head, index first, index count, index width, f32 factor, f32 *to, index step) {
  for (index t = 0; t < count; ++t) {
    const T *from = head + (first + t) * view.position;
    for (index d = 0; d < width; ++d)
      to[t * step + d] = factor * static_cast<f32>(from[d * view.element]);
    std::fill(to + t * step + width, to + (t + 1) * step, 0.0f);
  }
}

/// Where a tile stands: queries t0 to t0 + queries, keys s0 to s0 + keys, of one sample and head.
struct Place {
  index n, head, t0, queries, s0, keys;
  index columns() const { return round_up(queries, panel); }
};

/// Puts what hides keys into a tile of scores.
void apply_masks(const AttentionGeometry &g, const Place &at, f32 *scores) {
  if (g.bias.data) {
    const f32 *bias = g.bias.at(at.n, at.head) + at.t0 * g.bias.step[2] + at.s0 * g.bias.step[3];
    for (index t = 0; t < at.queries; ++t)
      for (index s = 0; s < at.keys; ++s)
        scores[s * tile_queries + t] += bias[t * g.bias.step[2] + s * g.bias.step[3]];
  }
  if (g.mask.data) {
    const bool *mask = g.mask.at(at.n, at.head) + at.t0 * g.mask.step[2] + at.s0 * g.mask.step[3];
    for (index t = 0; t < at.queries; ++t)
      for (index s = 0; s < at.keys; ++s)
        if (!mask[t * g.mask.step[2] + s * g.mask.step[3]])
          scores[s * tile_queries + t] = -infinity;
  }
  if (g.causal && at.s0 + at.keys > at.t0 + 1)
    for (index s = 0; s < at.keys; ++s)
      std::fill_n(scores + s * tile_queries, std::clamp<index>(at.s0 + s - at.t0, 0, at.queries), -infinity);
}

/// The place of one tile of queries and the first tile of keys.
Place place_of(const AttentionGeometry &g, index n, index head, index tile) {
  const index t0 = tile * tile_queries;
  return {n, head, t0, std::min(tile_queries, g.queries - t0), 0, 0};
}

/// Calls body(place) for the tiles of keys in [first, end) that the place's queries see.
template <class Body> void for_keys(const AttentionGeometry &g, Place at, index first, index end, Body body) {
  end = std::min(end, g.keys_for(at.t0 + at.queries));
  for (at.s0 = first; at.s0 < end; at.s0 += tile_keys) {
    at.keys = std::min(tile_keys, end - at.s0);
    body(at);
  }
}

index tiles_of(index size, index tile) { return (size + tile - 1) / tile; }

//===-- Forward --===//

struct ForwardTiles {
  f32 *q, *scores, *y, *largest, *sum, *wide;
  ForwardTiles(Scratch &scratch, const AttentionGeometry &g)
      : q(scratch.take(g.width * tile_queries)), scores(scratch.take(tile_keys * tile_queries)), y(scratch.take(g.value_width * tile_queries)),
        largest(scratch.take(tile_queries)), sum(scratch.take(tile_queries)), wide(scratch.take(tile_keys * std::max(g.width, g.value_width))) {}
};

/// Scores become probabilities times the sum so far; y and the sum so far shrink with the maximum's growth.
void rescale(const AttentionGeometry &g, const Place &at, const ForwardTiles &t) {
  for (index c = 0; c < at.columns(); c += lanes) {
    f32 *scores = t.scores + c, *y = t.y + c;
    const Vector before = load(t.largest + c);
    Vector largest = before;
    for (index s = 0; s < at.keys; ++s)
      largest = larger(load(scores + s * tile_queries), largest);
    store(t.largest + c, largest);
    // Of a query without keys the differences are from 0: -inf - -inf would be NaN.
    const Vector base = largest == splat(-infinity) ? Vector{} : largest, factor = exponential(before - base);
    Vector sum = load(t.sum + c) * factor;
    for (index s = 0; s < at.keys; ++s) {
      const Vector p = exponential(load(scores + s * tile_queries) - base);
      sum += p;
      store(scores + s * tile_queries, p);
    }
    store(t.sum + c, sum);
    for (index e = 0; e < g.value_width; ++e)
      store(y + e * tile_queries, load(y + e * tile_queries) * factor);
  }
}

template <class T>
void forward(Context &ctx, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y, const Tensor<f32> &lse,
             const AttentionOptions &o) {
  const AttentionGeometry g("attention", q, k, v, y, lse, o);
  const HeadView<T> vq(q, g.positions_first), vk(k, g.positions_first), vv(v, g.positions_first), vy(y, g.positions_first);
  const index tiles = tiles_of(g.queries, tile_queries), tasks = g.batch * g.heads * tiles;
  const int threads = static_cast<int>(std::min<index>(tasks, threads_for(ctx, tasks * g.keys * g.width)));
  if (tasks == 0)
    return;
  Scratch measure(nullptr);
  ForwardTiles measured(measure, g);
  const index each = measure.used();
  f32 *memory = static_cast<f32 *>(ctx.backend().workspace(static_cast<std::size_t>(threads * each) * sizeof(f32)));
#pragma omp parallel num_threads(threads)
  {
    Scratch scratch(memory + omp_get_thread_num() * each);
    const ForwardTiles t(scratch, g);
#pragma omp for schedule(dynamic)
    for (index task = 0; task < tasks; ++task) {
      // The tiles that see most keys first.
      const index tile = tiles - 1 - task / (g.batch * g.heads), n = task / g.heads % g.batch, head = task % g.heads;
      const Place first = place_of(g, n, head, tile);
      take_columns(vq, vq.at(n, head), first.t0, first.queries, g.width, g.scale, t.q);
      std::fill_n(t.largest, tile_queries, -infinity);
      std::fill_n(t.sum, tile_queries, 0.0f);
      std::fill_n(t.y, g.value_width * tile_queries, 0.0f);
      for_keys(g, first, 0, g.keys, [&](const Place &at) {
        const Matrix keys = rows_of(vk, vk.at(n, head / g.sharers), at.s0, at.keys, g.width, t.wide);
        product(t.scores, tile_queries, at.keys, at.columns(), keys, g.width, t.q, tile_queries, false);
        apply_masks(g, at, t.scores);
        rescale(g, at, t);
        const Matrix values = rows_of(vv, vv.at(n, head / g.sharers), at.s0, at.keys, g.value_width, t.wide);
        product(t.y, tile_queries, g.value_width, at.columns(), {values.data, values.column, values.row}, at.keys, t.scores, tile_queries, true);
      });
      for (index i = 0; i < first.queries; ++i) {
        const f32 sum = t.sum[i], factor = sum == 0 ? 0 : 1 / sum;
        T *to = vy.at(n, head) + (first.t0 + i) * vy.position;
        for (index e = 0; e < g.value_width; ++e)
          to[e * vy.element] = T(t.y[e * tile_queries + i] * factor);
        if (lse)
          lse.data()[g.row(n, head) + first.t0 + i] = t.largest[i] + std::log(sum);
      }
    }
  }
}

//===-- Gradient --===//

/// Operands of a gradient, and where its results go; those that are not asked for have no data.
template <class T> struct Gradient {
  HeadView<T> dy, q, k, v, y, dq, dk, dv;
  const f32 *lse;
  MaskView<f32> dbias;
};

struct GradientTiles {
  index width, value_width; ///< of rows: whole panels
  f32 *q, *dy, *q_rows, *dy_rows, *lse, *slope, *p, *ds, *dq, *wide;
  GradientTiles(Scratch &scratch, const AttentionGeometry &g)
      : width(round_up(g.width, panel)), value_width(round_up(g.value_width, panel)), q(scratch.take(g.width * tile_queries)),
        dy(scratch.take(g.value_width * tile_queries)), q_rows(scratch.take(tile_queries * width)), dy_rows(scratch.take(tile_queries * value_width)),
        lse(scratch.take(tile_queries)), slope(scratch.take(tile_queries)), p(scratch.take(tile_keys * tile_queries)),
        ds(scratch.take(tile_keys * tile_queries)), dq(scratch.take(g.width * tile_queries)),
        wide(scratch.take(tile_keys * std::max(g.width, g.value_width))) {}
};

/// What the tiles of one place of queries share: q, dy, lse, and the sums of dy * y.
template <class T> void take_queries(const AttentionGeometry &g, const Gradient<T> &of, const Place &at, const GradientTiles &t, bool rows) {
  take_columns(of.q, of.q.at(at.n, at.head), at.t0, at.queries, g.width, g.scale, t.q);
  take_columns(of.dy, of.dy.at(at.n, at.head), at.t0, at.queries, g.value_width, 1, t.dy);
  if (rows) {
    take_rows(of.q, of.q.at(at.n, at.head), at.t0, at.queries, g.width, g.scale, t.q_rows, t.width);
    take_rows(of.dy, of.dy.at(at.n, at.head), at.t0, at.queries, g.value_width, 1, t.dy_rows, t.value_width);
  }
  for (index i = 0; i < tile_queries; ++i) {
    const f32 lse = i < at.queries ? of.lse[g.row(at.n, at.head) + at.t0 + i] : 0;
    t.lse[i] = lse == -infinity ? 0 : lse; // all scores are -infinity too
    f32 sum = 0;
    if (i < at.queries) {
      const T *y = of.y.at(at.n, at.head) + (at.t0 + i) * of.y.position;
      for (index e = 0; e < g.value_width; ++e)
        sum += t.dy[e * tile_queries + i] * static_cast<f32>(y[e * of.y.element]);
    }
    t.slope[i] = sum;
  }
}

/// p = the probabilities of a tile, ds = the gradient with respect to its scores: p (dy v^T - rowsum(dy * y)).
template <class T> void score_gradients(const AttentionGeometry &g, const Gradient<T> &of, const Place &at, const GradientTiles &t) {
  const index shared = at.head / g.sharers, columns = at.columns();
  const Matrix keys = rows_of(of.k, of.k.at(at.n, shared), at.s0, at.keys, g.width, t.wide);
  product(t.p, tile_queries, at.keys, columns, keys, g.width, t.q, tile_queries, false);
  apply_masks(g, at, t.p);
  const Matrix values = rows_of(of.v, of.v.at(at.n, shared), at.s0, at.keys, g.value_width, t.wide);
  product(t.ds, tile_queries, at.keys, columns, values, g.value_width, t.dy, tile_queries, false);
  for (index s = 0; s < at.keys; ++s)
    for (index c = 0; c < columns; c += lanes) {
      f32 *p = t.p + s * tile_queries + c, *ds = t.ds + s * tile_queries + c;
      const Vector probability = exponential(load(p) - load(t.lse + c));
      store(p, probability);
      store(ds, probability * (load(ds) - load(t.slope + c)));
    }
}

/// Adds the gradients of the tiles of some queries and of keys in [first, end) up: dk and dv into sums [end - first, whole panels], if there are
/// such, and dq, if it is asked for, into memory.
template <class T>
void add_gradients(const AttentionGeometry &g, const Gradient<T> &of, const Place &queries, index first, index end, const GradientTiles &t, f32 *dk,
                   f32 *dv, bool wants_dq) {
  take_queries(g, of, queries, t, dk != nullptr);
  if (wants_dq)
    std::fill_n(t.dq, g.width * tile_queries, 0.0f);
  for_keys(g, queries, first, end, [&](const Place &at) {
    score_gradients(g, of, at, t);
    if (dk) {
      const index row = at.s0 - first;
      product(dv + row * t.value_width, t.value_width, at.keys, t.value_width, {t.p, tile_queries, 1}, at.queries, t.dy_rows, t.value_width, true);
      product(dk + row * t.width, t.width, at.keys, t.width, {t.ds, tile_queries, 1}, at.queries, t.q_rows, t.width, true);
    }
    if (wants_dq) {
      const Matrix keys = rows_of(of.k, of.k.at(at.n, at.head / g.sharers), at.s0, at.keys, g.width, t.wide);
      product(t.dq, tile_queries, g.width, at.columns(), {keys.data, keys.column, keys.row}, at.keys, t.ds, tile_queries, true);
    }
  });
  if (wants_dq)
    for (index i = 0; i < queries.queries; ++i) {
      T *to = of.dq.at(queries.n, queries.head) + (queries.t0 + i) * of.dq.position;
      for (index d = 0; d < g.width; ++d)
        to[d * of.dq.element] = T(g.scale * t.dq[d * tile_queries + i]);
    }
}

/// dk and dv of keys in [first, end) of one head of k, and dq of the heads of q that share it.
template <class T>
void gradients_of_keys(const AttentionGeometry &g, const Gradient<T> &of, index n, index shared, index first, index end, const GradientTiles &t,
                       f32 *dk, f32 *dv, bool wants_dq) {
  std::fill_n(dk, (end - first) * t.width, 0.0f);
  std::fill_n(dv, (end - first) * t.value_width, 0.0f);
  for (index head = shared * g.sharers; head < (shared + 1) * g.sharers; ++head)
    for (index tile = 0; tile < tiles_of(g.queries, tile_queries); ++tile) {
      const Place at = place_of(g, n, head, tile);
      if (wants_dq || first < g.keys_for(at.t0 + at.queries))
        add_gradients(g, of, at, first, end, t, dk, dv, wants_dq);
    }
  for (index s = first; s < end; ++s) {
    T *to_k = of.dk.at(n, shared) + s * of.dk.position, *to_v = of.dv.at(n, shared) + s * of.dv.position;
    for (index d = 0; d < g.width; ++d)
      to_k[d * of.dk.element] = T(dk[(s - first) * t.width + d]);
    for (index e = 0; e < g.value_width; ++e)
      to_v[e * of.dv.element] = T(dv[(s - first) * t.value_width + e]);
  }
}

/// The gradient of an added mask where its queries are those of `tile`, or all if it has one row for them: the sum over all samples and heads that
/// read this part.
template <class T>
void bias_gradient(const AttentionGeometry &g, const Gradient<T> &of, index n, index head, index tile, const GradientTiles &t) {
  const MaskView<f32> &d = of.dbias;
  const bool all_queries = d.size[2] == 1;
  const index t0 = all_queries ? 0 : tile * tile_queries, t1 = all_queries ? 1 : std::min(t0 + tile_queries, g.queries);
  for (index i = t0; i < t1; ++i)
    for (index s = 0; s < d.size[3]; ++s)
      d.at(n, head)[i * d.step[2] + s * d.step[3]] = 0;
  for (index sample = d.size[0] == 1 ? 0 : n; sample < (d.size[0] == 1 ? g.batch : n + 1); ++sample)
    for (index h = d.size[1] == 1 ? 0 : head; h < (d.size[1] == 1 ? g.heads : head + 1); ++h)
      for (index part = all_queries ? 0 : tile; part < (all_queries ? tiles_of(g.queries, tile_queries) : tile + 1); ++part) {
        const Place queries = place_of(g, sample, h, part);
        take_queries(g, of, queries, t, false);
        for_keys(g, queries, 0, g.keys, [&](const Place &at) {
          score_gradients(g, of, at, t);
          f32 *to = d.at(n, head) + at.t0 * d.step[2] + at.s0 * d.step[3];
          for (index i = 0; i < at.queries; ++i)
            for (index s = 0; s < at.keys; ++s)
              to[i * d.step[2] + s * d.step[3]] += t.ds[s * tile_queries + i];
        });
      }
}

template <class T>
void backward(Context &ctx, const Gradient<T> &of, const AttentionGeometry &g) {
  const index shared = g.batch * g.groups, query_tiles = tiles_of(g.queries, tile_queries), key_tiles = tiles_of(g.keys, tile_keys);
  if (shared * g.sharers * (query_tiles + key_tiles) == 0)
    return;
  const int threads = threads_for(ctx, g.batch * g.heads * g.queries * g.keys);
  // Heads enough for all threads: scores are computed again once, for dq, dk and dv together. Else a task has one tile of keys, and others have dq.
  const bool together = shared >= threads;
  const index keys = together ? g.keys : std::min(tile_keys, g.keys);
  Scratch measure(nullptr);
  const GradientTiles sizes(measure, g);
  measure.take(keys * sizes.width);
  measure.take(keys * sizes.value_width);
  const index each = measure.used();
  f32 *memory = static_cast<f32 *>(ctx.backend().workspace(static_cast<std::size_t>(threads * each) * sizeof(f32)));
#pragma omp parallel num_threads(threads)
  {
    Scratch scratch(memory + omp_get_thread_num() * each);
    const GradientTiles t(scratch, g);
    f32 *dk = scratch.take(keys * t.width), *dv = scratch.take(keys * t.value_width);
    if (together) {
#pragma omp for schedule(dynamic)
      for (index task = 0; task < shared; ++task)
        gradients_of_keys(g, of, task / g.groups, task % g.groups, 0, g.keys, t, dk, dv, true);
    } else {
#pragma omp for schedule(dynamic)
      for (index task = 0; task < shared * key_tiles; ++task) {
        const index n = task / key_tiles / g.groups, group = task / key_tiles % g.groups, s0 = task % key_tiles * tile_keys;
        gradients_of_keys(g, of, n, group, s0, std::min(s0 + tile_keys, g.keys), t, dk, dv, false);
      }
#pragma omp for schedule(dynamic)
      for (index task = 0; task < g.batch * g.heads * query_tiles; ++task)
        add_gradients(g, of, place_of(g, task / query_tiles / g.heads, task / query_tiles % g.heads, task % query_tiles), 0, g.keys, t, nullptr, nullptr,
                      true);
    }
    if (const MaskView<f32> &d = of.dbias; d.data) {
      const index tiles = d.size[2] == 1 ? 1 : query_tiles;
#pragma omp for schedule(dynamic)
      for (index task = 0; task < d.size[0] * d.size[1] * tiles; ++task)
        bias_gradient(g, of, task / tiles / d.size[1], task / tiles % d.size[1], task % tiles, t);
    }
  }
}

template <class T>
void run_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y,
                  const Tensor<f32> &lse, const Tensor<T> &dq, const Tensor<T> &dk, const Tensor<T> &dv, const Tensor<f32> &dbias,
                  const AttentionOptions &o) {
  const AttentionGeometry g("attention_gradient", q, k, v, y, lse, o);
  require_attention_gradient(dy, q, k, v, y, lse, dq, dk, dv, dbias, o);
  const auto view = [&](const Tensor<T> &t) { return HeadView<T>(t, g.positions_first); };
  backward(ctx,
           Gradient<T>{view(dy), view(q), view(k), view(v), view(y), view(dq), view(dk), view(dv), lse.data(),
                       dbias ? MaskView<f32>(dbias) : MaskView<f32>()},
           g);
}

} // namespace

#define DTCRT_ATTENTION(T)                                                                                                             \
  void attention(Context &ctx, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y, const Tensor<f32> &lse, \
                 const AttentionOptions &o) {                                                                                          \
    forward(ctx, q, k, v, y, lse, o);                                                                                                  \
  }                                                                                                                                    \
  void attention_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v,               \
                          const Tensor<T> &y, const Tensor<f32> &lse, const Tensor<T> &dq, const Tensor<T> &dk, const Tensor<T> &dv,   \
                          const Tensor<f32> &dbias, const AttentionOptions &o) {                                                       \
    run_gradient(ctx, dy, q, k, v, y, lse, dq, dk, dv, dbias, o);                                                                      \
  }
DTCRT_ATTENTION(f32)
DTCRT_ATTENTION(bf16)
#undef DTCRT_ATTENTION

} // namespace dtcrt
