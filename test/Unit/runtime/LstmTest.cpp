// The recurrence of an LSTM against its definition in f64; its gradient against central differences of that.
#include "dtcrt/recurrent.h"

#include "Reference.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

struct Sizes {
  index steps, samples, hidden;
};

/// Operands as f64, and what a weighted sum of all states and cells comes to.
struct Definition {
  Sizes z;
  bool reverse;
  std::vector<f64> gates, r, h0, c0, dh, dc;
  std::vector<f64> h{}, c{};

  f64 run() {
    h.assign(dh.size(), 0);
    c.assign(dh.size(), 0);
    const auto sigmoid = [](f64 x) { return 1 / (1 + std::exp(-x)); };
    f64 sum = 0;
    std::vector<f64> before = h0, cell = c0;
    for (index i = 0; i < z.steps; ++i) {
      const index t = reverse ? z.steps - 1 - i : i;
      std::vector<f64> next = before;
      for (index n = 0; n < z.samples; ++n)
        for (index k = 0; k < z.hidden; ++k) {
          f64 g[4];
          for (index gate = 0; gate < 4; ++gate) {
            g[gate] = gates[static_cast<std::size_t>(((t * z.samples + n) * 4 + gate) * z.hidden + k)];
            for (index j = 0; j < z.hidden; ++j)
              g[gate] += before[static_cast<std::size_t>(n * z.hidden + j)] * r[static_cast<std::size_t>((gate * z.hidden + k) * z.hidden + j)];
          }
          const auto at = static_cast<std::size_t>(n * z.hidden + k), place = static_cast<std::size_t>(t * z.samples * z.hidden) + at;
          cell[at] = c[place] = sigmoid(g[2]) * cell[at] + sigmoid(g[0]) * std::tanh(g[3]);
          next[at] = h[place] = sigmoid(g[1]) * std::tanh(cell[at]);
          sum += h[place] * dh[place] + c[place] * dc[place];
        }
      before = next;
    }
    return sum;
  }
  std::vector<f64> slopes(std::vector<f64> Definition::*of) {
    constexpr f64 step = 1e-5;
    std::vector<f64> result;
    for (f64 &value : this->*of) {
      const f64 kept = value;
      value = kept + step;
      const f64 above = run();
      value = kept - step;
      result.push_back((above - run()) / (2 * step));
      value = kept;
    }
    return result;
  }
};

void check(Context &ctx, const Sizes &z, bool reverse, bool of_cells) {
  SCOPED_TRACE(testing::Message() << z.steps << " x " << z.samples << " x " << z.hidden << " reverse " << reverse << " cells " << of_cells);
  const Dims states{z.steps, z.samples, z.hidden}, all{z.steps, z.samples, 4 * z.hidden}, initial{z.samples, z.hidden}, weight{4 * z.hidden, z.hidden};
  Owned<f32> gates(all), r(weight), h0(initial), c0(initial), h(states), c(states), activated(all), dh(states), dc(states), dgates(all), dr(weight),
      dh0(initial), dc0(initial);
  unsigned seed = 0;
  for (const Owned<f32> *t : {&gates, &r, &h0, &c0, &dh, &dc})
    randomise(t->tensor, ++seed, -1, 1);
  if (!of_cells)
    std::fill(dc.memory.begin(), dc.memory.end(), 0.0f);
  // Results are overwritten.
  for (const Owned<f32> *t : {&h, &c, &activated, &dgates, &dr, &dh0, &dc0})
    std::fill_n(t->tensor.data(), t->tensor.size(), 7.0f);
  lstm(ctx, gates, r, h0, c0, h, c, activated, {.reverse = reverse});
  lstm_gradient(ctx, dh, r, h0, c0, h, c, activated, dgates, dr, dh0, dc0,
                {.cell_gradient = of_cells ? dc.tensor : Tensor<f32>(), .reverse = reverse});
  Definition d{z, reverse, logical(gates.tensor), logical(r.tensor), logical(h0.tensor), logical(c0.tensor), logical(dh.tensor), logical(dc.tensor)};
  d.run();
  expect_near(h.tensor, d.h);
  expect_near(c.tensor, d.c);
  expect_near(dgates.tensor, d.slopes(&Definition::gates), 1e-4);
  expect_near(dr.tensor, d.slopes(&Definition::r), 1e-4);
  expect_near(dh0.tensor, d.slopes(&Definition::h0), 1e-4);
  expect_near(dc0.tensor, d.slopes(&Definition::c0), 1e-4);
}

TEST(Lstm, AgreesWithItsDefinition) {
  Context ctx(2);
  for (const Sizes &z : {Sizes{1, 1, 1}, {1, 3, 2}, {2, 1, 5}, {5, 3, 7}, {3, 2, 17}})
    for (bool reverse : {false, true})
      for (bool of_cells : {false, true})
        check(ctx, z, reverse, of_cells);
}

/// Large enough for a second thread.
TEST(Lstm, HasOneResultForAnyNumberOfThreads) {
  const Dims states{3, 33, 70}, all{3, 33, 280}, initial{33, 70}, weight{280, 70};
  std::vector<std::vector<f32>> results;
  for (int threads : {1, 2}) {
    Context ctx(threads);
    Owned<f32> gates(all), r(weight), h0(initial), c0(initial), h(states), c(states), activated(all);
    unsigned seed = 0;
    for (const Owned<f32> *t : {&gates, &r, &h0, &c0})
      randomise(t->tensor, ++seed, -1, 1);
    lstm(ctx, gates, r, h0, c0, h, c, activated);
    results.push_back(h.memory);
  }
  for (std::size_t i = 0; i < results[0].size(); ++i)
    ASSERT_NEAR(results[0][i], results[1][i], 1e-6) << "element " << i;
}

TEST(Lstm, RefusesOtherShapes) {
  Context ctx(1);
  Owned<f32> gates({2, 3, 16}), r({16, 4}), h0({3, 4}), c0({3, 5}), h({2, 3, 4}), c({2, 3, 4}), activated({2, 3, 16});
  EXPECT_THROW(lstm(ctx, gates, r, h0, c0, h, c, activated), std::logic_error);
}

} // namespace
