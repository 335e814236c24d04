// The recurrence of an LSTM: oneDNN's products, a step at a time, and what happens to each state between them.
#include "core/Require.h"
#include "dtcrt/kernel_loop.h" // exp and tanh in vectors
#include "dtcrt/matmul.h"
#include "dtcrt/recurrent.h"

#include <algorithm>
#include <cstring>

namespace dtcrt {

namespace {

struct Sizes {
  index steps, samples, hidden;
  index states() const { return samples * hidden; }

  Sizes(const char *call, const Tensor<f32> &h, const Tensor<f32> &r, std::initializer_list<Tensor<f32>> sequences,
        std::initializer_list<Tensor<f32>> gates, std::initializer_list<Tensor<f32>> states) {
    require(h.rank() == 3, call, "states have rank 3");
    steps = h.dim(0), samples = h.dim(1), hidden = h.dim(2);
    require(steps > 0, call, "there is a step");
    const auto check = [&](const Tensor<f32> &t, const Dims &shape) {
      require(t.layout() == row_major && t.shape() == shape, call, "operands are row-major and of the shapes of one sequence");
    };
    check(r, {4 * hidden, hidden});
    for (const Tensor<f32> &t : sequences)
      check(t, {steps, samples, hidden});
    for (const Tensor<f32> &t : gates)
      check(t, {steps, samples, 4 * hidden});
    for (const Tensor<f32> &t : states)
      check(t, {samples, hidden});
  }
  /// Number `i` in the order in which they are computed.
  index step(index i, bool reverse) const { return reverse ? steps - 1 - i : i; }
  /// The [samples, width] of a step.
  Tensor<f32> of(const Tensor<f32> &t, index step) const {
    return {t.data() + step * samples * t.dim(2), Dims{samples, t.dim(2)}};
  }
  /// `count` steps from `begin` on as one matrix.
  Tensor<f32> rows(const Tensor<f32> &t, index begin, index count) const {
    return {t.data() + begin * samples * t.dim(2), Dims{count * samples, t.dim(2)}};
  }
};

inline f32 sigmoid(f32 x) { return 1 / (1 + expf(-x)); }

/// A sample's step. `gates` holds sums, and then their activations.
void forward(index hidden, f32 *gates, const f32 *before, f32 *c, f32 *h) {
  f32 *i = gates, *o = gates + hidden, *f = o + hidden, *g = f + hidden;
#pragma omp simd
  for (index k = 0; k < 3 * hidden; ++k)
    gates[k] = sigmoid(gates[k]);
#pragma omp simd
  for (index k = 0; k < hidden; ++k) {
    g[k] = tanhf(g[k]);
    c[k] = f[k] * before[k] + i[k] * g[k];
    h[k] = o[k] * tanhf(c[k]);
  }
}

/// `dh` and `dc` hold what the step behind gives back, then `dc` what this one does; `given` and `given_cell` are the step's own gradients.
void backward(index hidden, const f32 *gates, const f32 *before, const f32 *c, const f32 *given, const f32 *given_cell, const f32 *dh, f32 *dc,
              f32 *dgates) {
  const f32 *i = gates, *o = gates + hidden, *f = o + hidden, *g = f + hidden;
  f32 *di = dgates, *d_o = dgates + hidden, *df = d_o + hidden, *dg = df + hidden;
  if (given_cell)
#pragma omp simd
    for (index k = 0; k < hidden; ++k)
      dc[k] += given_cell[k];
#pragma omp simd
  for (index k = 0; k < hidden; ++k) {
    const f32 slope = given[k] + dh[k], t = tanhf(c[k]), cell = dc[k] + slope * o[k] * (1 - t * t);
    di[k] = cell * g[k] * i[k] * (1 - i[k]);
    d_o[k] = slope * t * o[k] * (1 - o[k]);
    df[k] = cell * before[k] * f[k] * (1 - f[k]);
    dg[k] = cell * i[k] * (1 - g[k] * g[k]);
    dc[k] = cell * f[k];
  }
}

} // namespace

void lstm(Context &ctx, const Tensor<f32> &gates, const Tensor<f32> &r, const Tensor<f32> &h0, const Tensor<f32> &c0, const Tensor<f32> &h,
          const Tensor<f32> &c, const Tensor<f32> &activated, const LstmOptions &o) {
  const Sizes z("lstm", h, r, {c}, {gates, activated}, {h0, c0});
  if (z.states() == 0)
    return;
  Tensor<f32> before = h0, cell_before = c0;
  for (index i = 0; i < z.steps; ++i) {
    const index step = z.step(i, o.reverse);
    const Tensor<f32> in = z.of(gates, step), sums = z.of(activated, step), state = z.of(h, step), cell = z.of(c, step);
    std::memcpy(sums.data(), in.data(), in.bytes());
    matmul(ctx, before, r, sums, {.transpose_b = true, .accumulate = true});
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, z.states(), 2048))
    for (index n = 0; n < z.samples; ++n)
      forward(z.hidden, sums.data() + n * 4 * z.hidden, cell_before.data() + n * z.hidden, cell.data() + n * z.hidden, state.data() + n * z.hidden);
    before = state, cell_before = cell;
  }
}

void lstm_gradient(Context &ctx, const Tensor<f32> &dh, const Tensor<f32> &r, const Tensor<f32> &h0, const Tensor<f32> &c0, const Tensor<f32> &h,
                   const Tensor<f32> &c, const Tensor<f32> &activated, const Tensor<f32> &dgates, const Tensor<f32> &dr, const Tensor<f32> &dh0,
                   const Tensor<f32> &dc0, const LstmGradientOptions &o) {
  const Sizes z("lstm_gradient", h, r, {dh, c}, {activated, dgates}, {h0, c0, dh0, dc0});
  require(!o.cell_gradient || (o.cell_gradient.layout() == row_major && o.cell_gradient.shape() == c.shape()), "lstm_gradient",
          "the gradient of c has its shape");
  require(dr.layout() == row_major && dr.shape() == r.shape(), "lstm_gradient", "dr has the shape of r");
  if (z.states() == 0) {
    std::fill_n(dr.data(), dr.size(), 0.0f);
    return;
  }
  // What goes back from a step to the one before it, in the end to the initial state.
  std::fill_n(dh0.data(), z.states(), 0.0f);
  std::fill_n(dc0.data(), z.states(), 0.0f);
  for (index i = z.steps - 1; i >= 0; --i) {
    const index step = z.step(i, o.reverse);
    const Tensor<f32> before = i == 0 ? c0 : z.of(c, z.step(i - 1, o.reverse)), slopes = z.of(dgates, step);
    const index states = step * z.states();
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, z.states(), 2048))
    for (index n = 0; n < z.samples; ++n) {
      const index row = n * z.hidden;
      backward(z.hidden, activated.data() + 4 * (states + row), before.data() + row, c.data() + states + row, dh.data() + states + row,
               o.cell_gradient ? o.cell_gradient.data() + states + row : nullptr, dh0.data() + row, dc0.data() + row, slopes.data() + 4 * row);
    }
    matmul(ctx, slopes, r, dh0);
  }
  // Every step but the first has the h of its neighbour before it: one product over all of them.
  const index first = z.step(0, o.reverse), rest = z.steps - 1;
  if (rest > 0)
    matmul(ctx, z.rows(dgates, o.reverse ? 0 : 1, rest), z.rows(h, o.reverse ? 1 : 0, rest), dr, {.transpose_a = true});
  matmul(ctx, z.of(dgates, first), h0, dr, {.transpose_a = true, .accumulate = rest > 0});
}

} // namespace dtcrt
