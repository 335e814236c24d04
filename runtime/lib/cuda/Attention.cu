// Attention and its gradient (Dao 2023, "FlashAttention-2"): a block has some queries, or some keys, of one head in shared memory and goes through
// tiles of the others. Every sum has one order. Plain arithmetic of f32: no tensor cores.
#include "cuda/Primitives.h"
#include "math/AttentionGeometry.h"

#include <cmath>

namespace dtcrt {

namespace {

using namespace device;

/// Values of shared memory of a block: what every GPU has without asking.
constexpr index shared_values = 12000;

/// Queries and keys of a tile: fewer where heads are wide.
struct TileSizes {
  int queries, keys;
};

/// The largest tiles for which `values(sizes)` fit into shared memory.
template <class Values> TileSizes tile_sizes(const char *call, const AttentionGeometry &g, Values values) {
  for (const TileSizes sizes : {TileSizes{32, 32}, {16, 32}, {16, 16}, {8, 16}, {8, 8}, {4, 8}, {4, 4}, {2, 2}, {1, 1}})
    if (values(sizes) <= shared_values)
      return sizes;
  throw Error(std::string(call) + ": heads of " + std::to_string(g.width) + " and " + std::to_string(g.value_width) +
              " elements do not fit into the shared memory of a block");
}

/// What a vector of a tile takes: one more, so that a column lies in all banks.
DTCRT_HOST_DEVICE constexpr int padded(index width) { return static_cast<int>(width) + 1; }

/// Parts of a block's shared memory, one behind the other.
struct Parts {
  f32 *next;
  __device__ f32 *take(int count) {
    f32 *part = next;
    next += count;
    return part;
  }
};

/// to [rows, padded width] = factor * rows of a head from `first` on; 0 behind `count`.
template <class T>
__device__ void load_rows(const HeadView<T> &view, const T *head, index first, int count, int rows, int width, f32 factor, f32 *to) {
  for (int i = threadIdx.x; i < rows * width; i += blockDim.x) {
    const int row = i / width, column = i % width;
    to[row * padded(width) + column] = row < count ? factor * static_cast<f32>(head[(first + row) * view.position + column * view.element]) : 0;
  }
}

__device__ inline f32 dot(const f32 *a, const f32 *b, int width) {
  f32 sum = 0;
  for (int i = 0; i < width; ++i)
    sum += a[i] * b[i];
  return sum;
}

/// The score of a query and a key of one sample and head, of their scaled product.
__device__ inline f32 masked(const AttentionGeometry &g, index n, index head, index t, index s, f32 product) {
  if (g.causal && s > t)
    return -INFINITY;
  if (g.mask.data && !g.mask.at(n, head)[t * g.mask.step[2] + s * g.mask.step[3]])
    return -INFINITY;
  return g.bias.data ? product + g.bias.at(n, head)[t * g.bias.step[2] + s * g.bias.step[3]] : product;
}

__device__ inline int rest_of(index size, index first, int tile) { return static_cast<int>(size - first < tile ? size - first : tile); }

index forward_values(const AttentionGeometry &g, TileSizes tile) {
  return tile.queries * (padded(g.width) + padded(g.value_width) + padded(tile.keys) + 3) + tile.keys * padded(std::max(g.width, g.value_width));
}

/// Eight threads for the maximum and the sum of a query.
constexpr int row_lanes = 8;

template <class T>
__global__ void attend(AttentionGeometry g, HeadView<T> vq, HeadView<T> vk, HeadView<T> vv, HeadView<T> vy, f32 *lse, TileSizes tile, index tasks) {
  __shared__ f32 memory[shared_values];
  const int d = static_cast<int>(g.width), e = static_cast<int>(g.value_width);
  Parts parts{memory};
  f32 *q = parts.take(tile.queries * padded(d)), *y = parts.take(tile.queries * padded(e)), *p = parts.take(tile.queries * padded(tile.keys)),
      *largest = parts.take(tile.queries), *sum = parts.take(tile.queries), *factor = parts.take(tile.queries), *kv = parts.next;
  const index tiles = (g.queries + tile.queries - 1) / tile.queries;
  for (index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const index n = task / tiles / g.heads, head = task / tiles % g.heads, t0 = task % tiles * tile.queries, group = head / g.sharers;
    const int queries = rest_of(g.queries, t0, tile.queries);
    load_rows(vq, vq.at(n, head), t0, queries, tile.queries, d, g.scale, q);
    for (int i = threadIdx.x; i < tile.queries * padded(e); i += blockDim.x)
      y[i] = 0;
    for (int i = threadIdx.x; i < tile.queries; i += blockDim.x) {
      largest[i] = -INFINITY;
      sum[i] = 0;
    }
    const index end = g.keys_for(t0 + queries);
    for (index s0 = 0; s0 < end; s0 += tile.keys) {
      const int keys = rest_of(end, s0, tile.keys);
      load_rows(vk, vk.at(n, group), s0, keys, tile.keys, d, 1.0f, kv);
      __syncthreads(); // keys are there
      for (int i = threadIdx.x; i < tile.queries * tile.keys; i += blockDim.x) {
        const int t = i / tile.keys, s = i % tile.keys;
        p[t * padded(tile.keys) + s] =
            t < queries && s < keys ? masked(g, n, head, t0 + t, s0 + s, dot(q + t * padded(d), kv + s * padded(d), d)) : -INFINITY;
      }
      __syncthreads(); // scores are there, keys are read
      load_rows(vv, vv.at(n, group), s0, keys, tile.keys, e, 1.0f, kv);
      using Lanes = Team<row_lanes>;
      for (int t = threadIdx.x / row_lanes; t < tile.queries; t += blockDim.x / row_lanes) {
        f32 *scores = p + t * padded(tile.keys), new_largest = -INFINITY, new_sum = 0;
        for (int s = Lanes::lane(); s < tile.keys; s += row_lanes)
          new_largest = scores[s] > new_largest ? scores[s] : new_largest;
        const f32 before = largest[t];
        new_largest = Lanes::max(new_largest > before ? new_largest : before);
        // Of a query without keys the differences are from 0: -inf - -inf would be NaN.
        const f32 base = new_largest == -INFINITY ? 0 : new_largest;
        for (int s = Lanes::lane(); s < tile.keys; s += row_lanes) {
          scores[s] = expf(scores[s] - base);
          new_sum += scores[s];
        }
        new_sum = Lanes::sum(new_sum); // all lanes have read `before`
        if (Lanes::lane() == 0) {
          factor[t] = expf(before - base);
          largest[t] = new_largest;
          sum[t] = sum[t] * factor[t] + new_sum;
        }
      }
      __syncthreads(); // probabilities, factors and values are there
      for (int i = threadIdx.x; i < tile.queries * e; i += blockDim.x) {
        const int t = i / e, c = i % e;
        f32 value = y[t * padded(e) + c] * factor[t];
        for (int s = 0; s < keys; ++s)
          value += p[t * padded(tile.keys) + s] * kv[s * padded(e) + c];
        y[t * padded(e) + c] = value;
      }
      __syncthreads(); // values are read
    }
    __syncthreads(); // where no tile of keys came
    for (int i = threadIdx.x; i < queries * e; i += blockDim.x) {
      const int t = i / e, c = i % e;
      vy.at(n, head)[(t0 + t) * vy.position + c * vy.element] = T(sum[t] == 0 ? 0 : y[t * padded(e) + c] / sum[t]);
    }
    if (lse)
      for (int t = threadIdx.x; t < queries; t += blockDim.x)
        lse[g.row(n, head) + t0 + t] = largest[t] + logf(sum[t]);
    __syncthreads(); // all is read before the next task writes
  }
}

//===-- Gradient --===//

template <class T> struct Gradient {
  HeadView<T> dy, q, k, v, y, dq, dk, dv;
  const f32 *lse;
  MaskView<f32> dbias;
};

/// slopes [N, H, T] = rowsum(dy * y): a warp a row.
template <class T> __global__ void sum_slopes(AttentionGeometry g, HeadView<T> dy, HeadView<T> y, f32 *slopes) {
  const index rows = g.batch * g.heads * g.queries;
  for (index row = blockIdx.x * index(block_threads / 32) + threadIdx.x / 32; row < rows; row += gridDim.x * index(block_threads / 32)) {
    const index t = row % g.queries, head = row / g.queries % g.heads, n = row / g.queries / g.heads;
    const T *of_dy = dy.at(n, head) + t * dy.position, *of_y = y.at(n, head) + t * y.position;
    f32 sum = 0;
    for (index c = Team<32>::lane(); c < g.value_width; c += 32)
      sum += static_cast<f32>(of_dy[c * dy.element]) * static_cast<f32>(of_y[c * y.element]);
    sum = Team<32>::sum(sum);
    if (Team<32>::lane() == 0)
      slopes[row] = sum;
  }
}

/// A tile in shared memory: rows of q (scaled), dy, k and v, their probabilities and the gradients of their scores.
struct GradientTile {
  f32 *q, *dy, *k, *v, *p, *ds, *lse, *slope;
  __device__ GradientTile(Parts &parts, TileSizes tile, int d, int e)
      : q(parts.take(tile.queries * padded(d))), dy(parts.take(tile.queries * padded(e))), k(parts.take(tile.keys * padded(d))),
        v(parts.take(tile.keys * padded(e))), p(parts.take(tile.queries * padded(tile.keys))), ds(parts.take(tile.queries * padded(tile.keys))),
        lse(parts.take(tile.queries)), slope(parts.take(tile.queries)) {}
};
index gradient_values(const AttentionGeometry &g, TileSizes tile) {
  return (tile.queries + tile.keys) * (padded(g.width) + padded(g.value_width)) + 2 * tile.queries * padded(tile.keys) + 2 * tile.queries;
}

template <class T>
__device__ void load_queries(const AttentionGeometry &g, const Gradient<T> &of, const GradientTile &t, TileSizes tile, const f32 *slopes, index n,
                             index head, index t0, int queries) {
  load_rows(of.q, of.q.at(n, head), t0, queries, tile.queries, static_cast<int>(g.width), g.scale, t.q);
  load_rows(of.dy, of.dy.at(n, head), t0, queries, tile.queries, static_cast<int>(g.value_width), 1.0f, t.dy);
  for (int i = threadIdx.x; i < queries; i += blockDim.x) {
    const f32 lse = of.lse[g.row(n, head) + t0 + i];
    t.lse[i] = lse == -INFINITY ? 0 : lse; // all scores are -infinity too
    t.slope[i] = slopes[g.row(n, head) + t0 + i];
  }
}
template <class T>
__device__ void load_keys(const AttentionGeometry &g, const Gradient<T> &of, const GradientTile &t, TileSizes tile, index n, index group, index s0, int keys) {
  load_rows(of.k, of.k.at(n, group), s0, keys, tile.keys, static_cast<int>(g.width), 1.0f, t.k);
  load_rows(of.v, of.v.at(n, group), s0, keys, tile.keys, static_cast<int>(g.value_width), 1.0f, t.v);
}

/// p and ds of a tile whose rows are there; 0 beside them.
__device__ inline void score_gradients(const AttentionGeometry &g, const GradientTile &tiles, TileSizes tile, index n, index head, index t0, int queries,
                                       index s0, int keys) {
  const int d = static_cast<int>(g.width), e = static_cast<int>(g.value_width);
  for (int i = threadIdx.x; i < tile.queries * tile.keys; i += blockDim.x) {
    const int t = i / tile.keys, s = i % tile.keys;
    f32 p = 0, ds = 0;
    if (t < queries && s < keys) {
      p = expf(masked(g, n, head, t0 + t, s0 + s, dot(tiles.q + t * padded(d), tiles.k + s * padded(d), d)) - tiles.lse[t]);
      ds = p * (dot(tiles.dy + t * padded(e), tiles.v + s * padded(e), e) - tiles.slope[t]);
    }
    tiles.p[t * padded(tile.keys) + s] = p;
    tiles.ds[t * padded(tile.keys) + s] = ds;
  }
}

/// dq: a block has queries, and goes through the keys that they see.
template <class T> __global__ void query_gradients(AttentionGeometry g, Gradient<T> of, const f32 *slopes, TileSizes tile, index tasks) {
  __shared__ f32 memory[shared_values];
  const int d = static_cast<int>(g.width);
  Parts parts{memory};
  const GradientTile tiles(parts, tile, d, static_cast<int>(g.value_width));
  f32 *dq = parts.take(tile.queries * padded(d));
  const index count = (g.queries + tile.queries - 1) / tile.queries;
  for (index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const index n = task / count / g.heads, head = task / count % g.heads, t0 = task % count * tile.queries;
    const int queries = rest_of(g.queries, t0, tile.queries);
    load_queries(g, of, tiles, tile, slopes, n, head, t0, queries);
    for (int i = threadIdx.x; i < tile.queries * padded(d); i += blockDim.x)
      dq[i] = 0;
    const index end = g.keys_for(t0 + queries);
    for (index s0 = 0; s0 < end; s0 += tile.keys) {
      const int keys = rest_of(end, s0, tile.keys);
      load_keys(g, of, tiles, tile, n, head / g.sharers, s0, keys);
      __syncthreads(); // the rows are there
      score_gradients(g, tiles, tile, n, head, t0, queries, s0, keys);
      __syncthreads(); // the gradients of scores are there
      for (int i = threadIdx.x; i < queries * d; i += blockDim.x) {
        const int t = i / d, c = i % d;
        f32 value = dq[t * padded(d) + c];
        for (int s = 0; s < keys; ++s)
          value += tiles.ds[t * padded(tile.keys) + s] * tiles.k[s * padded(d) + c];
        dq[t * padded(d) + c] = value;
      }
      __syncthreads(); // keys are read
    }
    __syncthreads(); // where no tile of keys came
    for (int i = threadIdx.x; i < queries * d; i += blockDim.x) {
      const int t = i / d, c = i % d;
      of.dq.at(n, head)[(t0 + t) * of.dq.position + c * of.dq.element] = T(g.scale * dq[t * padded(d) + c]);
    }
    __syncthreads(); // all is read before the next task writes
  }
}

/// dk and dv: a block has keys, and goes through the queries that see them, of all heads that share them.
template <class T> __global__ void key_gradients(AttentionGeometry g, Gradient<T> of, const f32 *slopes, TileSizes tile, index tasks) {
  __shared__ f32 memory[shared_values];
  const int d = static_cast<int>(g.width), e = static_cast<int>(g.value_width);
  Parts parts{memory};
  const GradientTile tiles(parts, tile, d, e);
  f32 *dk = parts.take(tile.keys * padded(d)), *dv = parts.take(tile.keys * padded(e));
  const index count = (g.keys + tile.keys - 1) / tile.keys;
  for (index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const index n = task / count / g.groups, group = task / count % g.groups, s0 = task % count * tile.keys;
    const int keys = rest_of(g.keys, s0, tile.keys);
    load_keys(g, of, tiles, tile, n, group, s0, keys);
    for (int i = threadIdx.x; i < tile.keys * padded(d); i += blockDim.x)
      dk[i] = 0;
    for (int i = threadIdx.x; i < tile.keys * padded(e); i += blockDim.x)
      dv[i] = 0;
    for (index head = group * g.sharers; head < (group + 1) * g.sharers; ++head)
      // Causal queries before the first key see none of them.
      for (index t0 = g.causal ? s0 / tile.queries * tile.queries : 0; t0 < g.queries; t0 += tile.queries) {
        const int queries = rest_of(g.queries, t0, tile.queries);
        load_queries(g, of, tiles, tile, slopes, n, head, t0, queries);
        __syncthreads(); // the rows are there
        score_gradients(g, tiles, tile, n, head, t0, queries, s0, keys);
        __syncthreads(); // probabilities and gradients of scores are there
        for (int i = threadIdx.x; i < keys * d; i += blockDim.x) {
          const int s = i / d, c = i % d;
          f32 value = dk[s * padded(d) + c];
          for (int t = 0; t < queries; ++t)
            value += tiles.ds[t * padded(tile.keys) + s] * tiles.q[t * padded(d) + c];
          dk[s * padded(d) + c] = value;
        }
        for (int i = threadIdx.x; i < keys * e; i += blockDim.x) {
          const int s = i / e, c = i % e;
          f32 value = dv[s * padded(e) + c];
          for (int t = 0; t < queries; ++t)
            value += tiles.p[t * padded(tile.keys) + s] * tiles.dy[t * padded(e) + c];
          dv[s * padded(e) + c] = value;
        }
        __syncthreads(); // queries are read
      }
    __syncthreads(); // where no tile of queries came
    for (int i = threadIdx.x; i < keys * d; i += blockDim.x)
      of.dk.at(n, group)[(s0 + i / d) * of.dk.position + i % d * of.dk.element] = T(dk[i / d * padded(d) + i % d]);
    for (int i = threadIdx.x; i < keys * e; i += blockDim.x)
      of.dv.at(n, group)[(s0 + i / e) * of.dv.position + i % e * of.dv.element] = T(dv[i / e * padded(e) + i % e]);
    __syncthreads(); // all is read before the next task writes
  }
}

/// The gradient of an added mask: a block has its part for a tile of queries, or for all if it has one row for them, and goes through all samples and
/// heads that read it.
template <class T> __global__ void bias_gradients(AttentionGeometry g, Gradient<T> of, const f32 *slopes, TileSizes tile, index tasks) {
  __shared__ f32 memory[shared_values];
  const MaskView<f32> &db = of.dbias;
  Parts parts{memory};
  const GradientTile tiles(parts, tile, static_cast<int>(g.width), static_cast<int>(g.value_width));
  const bool all_queries = db.size[2] == 1, all_keys = db.size[3] == 1;
  const index count = all_queries ? 1 : (g.queries + tile.queries - 1) / tile.queries;
  for (index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const index n0 = task / count / db.size[1], h0 = task / count % db.size[1], first = task % count * tile.queries;
    const index last = all_queries ? g.queries : first + tile.queries < g.queries ? first + tile.queries : g.queries;
    f32 *to = db.at(n0, h0);
    const index rows = all_queries ? 1 : last - first;
    for (index i = threadIdx.x; i < rows * db.size[3]; i += blockDim.x)
      to[(first + i / db.size[3]) * db.step[2] + i % db.size[3] * db.step[3]] = 0;
    __syncthreads(); // begins at 0
    const bool all_samples = db.size[0] == 1, all_heads = db.size[1] == 1;
    for (index n = all_samples ? 0 : n0; n < (all_samples ? g.batch : n0 + 1); ++n)
      for (index head = all_heads ? 0 : h0; head < (all_heads ? g.heads : h0 + 1); ++head)
        for (index t0 = first; t0 < last; t0 += tile.queries) {
          const int queries = rest_of(last, t0, tile.queries);
          load_queries(g, of, tiles, tile, slopes, n, head, t0, queries);
          const index end = g.keys_for(t0 + queries);
          for (index s0 = 0; s0 < end; s0 += tile.keys) {
            const int keys = rest_of(end, s0, tile.keys);
            load_keys(g, of, tiles, tile, n, head / g.sharers, s0, keys);
            __syncthreads(); // the rows are there
            score_gradients(g, tiles, tile, n, head, t0, queries, s0, keys);
            __syncthreads(); // the gradients of scores are there
            const int columns = all_keys ? 1 : keys;
            for (int i = threadIdx.x; i < (all_queries ? 1 : queries) * columns; i += blockDim.x) {
              const int t = i / columns, s = i % columns;
              f32 sum = 0;
              for (int a = t; a < (all_queries ? queries : t + 1); ++a)
                for (int b = s; b < (all_keys ? keys : s + 1); ++b)
                  sum += tiles.ds[a * padded(tile.keys) + b];
              to[(t0 + t) * db.step[2] + (s0 + s) * db.step[3]] += sum;
            }
            __syncthreads(); // the tile is read, its part written
          }
          __syncthreads(); // where no tile of keys came
        }
  }
}

/// Blocks for so many tasks, each of a whole block.
dim3 blocks_of(Context &ctx, index tasks) { return blocks_for(ctx, tasks * block_threads); }

template <class T>
void forward(Context &ctx, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y, const Tensor<f32> &lse,
             const AttentionOptions &o) {
  const AttentionGeometry g("attention", q, k, v, y, lse, o);
  const TileSizes tile = tile_sizes("attention", g, [&](TileSizes sizes) { return forward_values(g, sizes); });
  const index tasks = g.batch * g.heads * ceil_div(g.queries, tile.queries);
  if (tasks == 0)
    return;
  const auto view = [&](const Tensor<T> &t) { return HeadView<T>(t, g.positions_first); };
  launch(ctx, attend<T>, blocks_of(ctx, tasks), block_threads, g, view(q), view(k), view(v), view(y), lse.data(), tile, tasks);
}

template <class T>
void backward(Context &ctx, const Tensor<T> &dy, const Tensor<T> &q, const Tensor<T> &k, const Tensor<T> &v, const Tensor<T> &y, const Tensor<f32> &lse,
              const Tensor<T> &dq, const Tensor<T> &dk, const Tensor<T> &dv, const Tensor<f32> &dbias, const AttentionOptions &o) {
  const char *call = "attention_gradient";
  const AttentionGeometry g(call, q, k, v, y, lse, o);
  require_attention_gradient(dy, q, k, v, y, lse, dq, dk, dv, dbias, o);
  const auto view = [&](const Tensor<T> &t) { return HeadView<T>(t, g.positions_first); };
  const Gradient<T> of{view(dy), view(q), view(k), view(v), view(y), view(dq), view(dk), view(dv), lse.data(),
                       dbias ? MaskView<f32>(dbias) : MaskView<f32>()};
  const index rows = g.batch * g.heads * g.queries;
  auto *slopes = static_cast<f32 *>(scratch(ctx, static_cast<std::size_t>(rows + 1) * sizeof(f32)));
  if (rows > 0)
    launch(ctx, sum_slopes<T>, blocks_for(ctx, rows * 32), block_threads, g, of.dy, of.y, slopes);

  const TileSizes of_queries = tile_sizes(call, g, [&](TileSizes sizes) { return gradient_values(g, sizes) + sizes.queries * padded(g.width); });
  if (const index tasks = g.batch * g.heads * ceil_div(g.queries, of_queries.queries); tasks > 0)
    launch(ctx, query_gradients<T>, blocks_of(ctx, tasks), block_threads, g, of, slopes, of_queries, tasks);
  const TileSizes of_keys =
      tile_sizes(call, g, [&](TileSizes sizes) { return gradient_values(g, sizes) + sizes.keys * (padded(g.width) + padded(g.value_width)); });
  if (const index tasks = g.batch * g.groups * ceil_div(g.keys, of_keys.keys); tasks > 0)
    launch(ctx, key_gradients<T>, blocks_of(ctx, tasks), block_threads, g, of, slopes, of_keys, tasks);
  if (dbias) {
    const TileSizes of_bias = tile_sizes(call, g, [&](TileSizes sizes) { return gradient_values(g, sizes); });
    const index tasks = of.dbias.size[0] * of.dbias.size[1] * (of.dbias.size[2] == 1 ? 1 : ceil_div(g.queries, of_bias.queries));
    if (tasks > 0)
      launch(ctx, bias_gradients<T>, blocks_of(ctx, tasks), block_threads, g, of, slopes, of_bias, tasks);
  }
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
    backward(ctx, dy, q, k, v, y, lse, dq, dk, dv, dbias, o);                                                                          \
  }
DTCRT_ATTENTION(f32)
DTCRT_ATTENTION(bf16)
#undef DTCRT_ATTENTION

} // namespace dtcrt
