// Optimizer updates against torch.optim's definitions, written out in f64.
#include "Reference.h"

#include <dtcrt/optimizer.h>

#include <memory>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

constexpr std::size_t size = 1000;

f64 gradient_at(int step, std::size_t i) { return std::sin(0.1 * static_cast<f64>(i) + step) * (step % 2 ? 1 : 0.3); }

/// Runs five updates of both; `reference(step, gradient, parameter index)` updates one element in f64.
template <class Update, class Reference> void check(Update update, Reference reference, std::vector<f64> &expected) {
  Owned<f32> parameter({static_cast<index>(size)}), gradient({static_cast<index>(size)});
  randomise(parameter.tensor, 1);
  expected = logical(parameter.tensor);
  for (int step = 1; step <= 5; ++step) {
    for (std::size_t i = 0; i < size; ++i) {
      gradient.memory[i] = static_cast<f32>(gradient_at(step, i));
      reference(step, static_cast<f64>(gradient.memory[i]), i);
    }
    update(step, parameter.tensor, gradient.tensor);
    expect_near(parameter.tensor, expected, 2e-6);
  }
}

TEST(Sgd, Plain) {
  Context ctx(2);
  std::vector<f64> p;
  check([&](int, auto &parameter, auto &gradient) { sgd_update(ctx, parameter, gradient, {.lr = 0.1, .weight_decay = 0.01}); },
        [&](int, f64 g, std::size_t i) { p[i] -= 0.1 * (g + 0.01 * p[i]); }, p);
}

void check_momentum(const SgdOptions &o, bool with_step) {
  Context ctx(2);
  Owned<f32> buffer({static_cast<index>(size)});
  Owned<i64> count({});
  std::vector<f64> p, b(size);
  check(
      [&](int step, auto &parameter, auto &gradient) {
        count.memory[0] = step;
        if (with_step)
          sgd_update(ctx, parameter, gradient, buffer, count, o);
        else
          sgd_update(ctx, parameter, gradient, buffer, o);
      },
      [&](int step, f64 g, std::size_t i) {
        const f64 d = g + o.weight_decay * p[i];
        b[i] = step == 1 ? d : o.momentum * b[i] + (1 - o.dampening) * d;
        p[i] -= o.lr * (o.nesterov ? d + o.momentum * b[i] : b[i]);
      },
      p);
}

TEST(Sgd, MomentumNesterovDampening) {
  check_momentum({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}, false);
  check_momentum({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}, true);
  check_momentum({.lr = 0.1, .momentum = 0.9, .nesterov = true}, false);
  check_momentum({.lr = 0.1, .momentum = 0.8, .dampening = 0.3}, true);
}

void check_adam(const AdamOptions &o) {
  Context ctx(2);
  Owned<f32> m({static_cast<index>(size)}), v({static_cast<index>(size)});
  Owned<i64> count({});
  std::vector<f64> p, ms(size), vs(size);
  check(
      [&](int step, auto &parameter, auto &gradient) {
        count.memory[0] = step;
        adam_update(ctx, parameter, gradient, m, v, count, o);
      },
      [&](int step, f64 g, std::size_t i) {
        if (o.decoupled)
          p[i] -= o.lr * o.weight_decay * p[i];
        else
          g += o.weight_decay * p[i];
        ms[i] = o.beta1 * ms[i] + (1 - o.beta1) * g;
        vs[i] = o.beta2 * vs[i] + (1 - o.beta2) * g * g;
        const f64 m_hat = ms[i] / (1 - std::pow(o.beta1, step)), v_hat = vs[i] / (1 - std::pow(o.beta2, step));
        p[i] -= o.lr * m_hat / (std::sqrt(v_hat) + o.epsilon);
      },
      p);
}

TEST(Adam, FollowsItsDefinition) {
  check_adam({.lr = 1e-2});
  check_adam({.lr = 1e-2, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-4, .weight_decay = 0.1});
}

TEST(AdamW, DecaysTheParameterItself) { check_adam({.lr = 1e-2, .weight_decay = 0.1, .decoupled = true}); }

/// Parameters of sizes that are no multiple of anything, with what their updates need; twice, with the same values.
struct Lists {
  static constexpr std::size_t parameters = 5;
  static constexpr index sizes[parameters] = {1, 17, 40003, 64, 999};
  struct One {
    Owned<f32> parameter, gradient, m, v;
    explicit One(index size, int seed) : parameter({size}), gradient({size}), m({size}), v({size}) {
      randomise(parameter.tensor, seed);
      randomise(gradient.tensor, seed + 1);
      randomise(m.tensor, seed + 2);
      std::fill(v.memory.begin(), v.memory.end(), 0.5f);
    }
  };
  std::vector<std::unique_ptr<One>> joined, single;
  Owned<i64> step{{}, row_major, 3};

  Lists() {
    for (std::size_t i = 0; i < parameters; ++i)
      for (auto *list : {&joined, &single})
        list->push_back(std::make_unique<One>(sizes[i], 10 * static_cast<int>(i)));
  }
  void expect_equal() const {
    for (std::size_t i = 0; i < parameters; ++i) {
      EXPECT_EQ(joined[i]->parameter.memory, single[i]->parameter.memory) << i;
      EXPECT_EQ(joined[i]->m.memory, single[i]->m.memory) << i;
      EXPECT_EQ(joined[i]->v.memory, single[i]->v.memory) << i;
    }
  }
};

TEST(UpdateLists, AdamIsThatOfEach) {
  Context ctx(3);
  Lists l;
  const AdamOptions o{.lr = 1e-2, .weight_decay = 0.1};
  auto &j = l.joined;
  adam_update(ctx,
              {{j[0]->parameter, j[0]->gradient, j[0]->m, j[0]->v},
               {j[1]->parameter, j[1]->gradient, j[1]->m, j[1]->v},
               {j[2]->parameter, j[2]->gradient, j[2]->m, j[2]->v},
               {j[3]->parameter, j[3]->gradient, j[3]->m, j[3]->v},
               {j[4]->parameter, j[4]->gradient, j[4]->m, j[4]->v}},
              l.step, o);
  for (auto &one : l.single) {
    const std::vector<f32> before = one->parameter.memory;
    adam_update(ctx, one->parameter, one->gradient, one->m, one->v, l.step, o);
    EXPECT_NE(one->parameter.memory, before);
  }
  l.expect_equal();
}

TEST(UpdateLists, SgdIsThatOfEach) {
  Context ctx(3);
  Lists l;
  auto &j = l.joined;
  const SgdOptions plain{.lr = 0.1, .weight_decay = 0.01}, momentum{.lr = 0.1, .momentum = 0.9, .nesterov = true};
  const SgdOptions damped{.lr = 0.1, .momentum = 0.9, .dampening = 0.5};
  sgd_update(ctx, {{j[0]->parameter, j[0]->gradient}, {j[1]->parameter, j[1]->gradient}, {j[2]->parameter, j[2]->gradient}}, plain);
  sgd_update(ctx, {{j[2]->parameter, j[2]->gradient, j[2]->m}, {j[3]->parameter, j[3]->gradient, j[3]->m}}, momentum);
  sgd_update(ctx, {{j[3]->parameter, j[3]->gradient, j[3]->m}, {j[4]->parameter, j[4]->gradient, j[4]->m}}, l.step, damped);
  for (std::size_t i : {0, 1, 2})
    sgd_update(ctx, l.single[i]->parameter, l.single[i]->gradient, plain);
  for (std::size_t i : {2, 3})
    sgd_update(ctx, l.single[i]->parameter, l.single[i]->gradient, l.single[i]->m, momentum);
  for (std::size_t i : {3, 4})
    sgd_update(ctx, l.single[i]->parameter, l.single[i]->gradient, l.single[i]->m, l.step, damped);
  l.expect_equal();
}

TEST(RunningAverage, FollowsTheValues) {
  Context ctx(3);
  Lists l;
  std::vector<std::vector<f64>> expected;
  for (const auto &one : l.joined) {
    const auto values = logical(one->gradient.tensor);
    auto &average = expected.emplace_back(logical(one->parameter.tensor));
    for (std::size_t i = 0; i < average.size(); ++i)
      average[i] = 0.75 * average[i] + 0.25 * values[i];
  }
  auto &j = l.joined;
  running_average_update(ctx, {{j[0]->parameter, j[0]->gradient}, {j[1]->parameter, j[1]->gradient}, {j[2]->parameter, j[2]->gradient}},
                         {.momentum = 0.25});
  running_average_update(ctx, j[3]->parameter, j[3]->gradient, {.momentum = 0.25});
  for (std::size_t i : {0, 1, 2, 3})
    expect_near(j[i]->parameter.tensor, expected[i], 1e-6);
}

TEST(UpdateLists, RefuseWhatDoesNotFit) {
  Context ctx(1);
  Owned<f32> a({4}), b({4}), c({5});
  EXPECT_THROW(sgd_update(ctx, {{a, b}, {c, b}}, {.lr = 0.1}), std::logic_error);
  EXPECT_THROW(running_average_update(ctx, a, c), std::logic_error);
  EXPECT_THROW(sgd_update(ctx, {{a, b}}, {.lr = 0.1, .momentum = 0.9}), std::logic_error);
}

} // namespace
