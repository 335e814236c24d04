// Updates by formulas against the same, written out in f64.
#include "Formulas.h"
#include "Reference.h"

#include <dtcrt/normalisation.h>

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

/// What a formula is told of the step.
struct Step {
  Owned<f64> rate{{}, row_major};
  Owned<i64> number{{}, row_major};
  explicit Step(f64 learning_rate) { rate.memory[0] = learning_rate; }
  Step &at(int step) {
    number.memory[0] = step;
    return *this;
  }
};

TEST(Update, OfAParameterAlone) {
  Context ctx(2);
  Step at(0.1);
  std::vector<f64> p;
  check([&](int step, auto &parameter, auto &gradient) {
    at.at(step);
    update_parameters<Sgd<0.01>>(ctx, {{parameter, gradient}}, at.rate, at.number);
  }, [&](int, f64 g, std::size_t i) { p[i] -= 0.1 * (g + 0.01 * p[i]); }, p);
}

TEST(Update, ReadsTheRateOfEveryStep) {
  Context ctx(2);
  Step at(0);
  std::vector<f64> p;
  check([&](int step, auto &parameter, auto &gradient) {
    at.at(step).rate.memory[0] = 0.1 / step;
    update_parameters<Sgd<>>(ctx, {{parameter, gradient}}, at.rate, at.number);
  }, [&](int step, f64 g, std::size_t i) { p[i] -= 0.1 / step * g; }, p);
}

template <f64 momentum, f64 dampening, bool nesterov> void check_momentum() {
  Context ctx(2);
  Owned<f32> buffer({static_cast<index>(size)});
  Step at(0.1);
  std::vector<f64> p, b(size);
  check(
      [&](int step, auto &parameter, auto &gradient) {
        at.at(step);
        update_parameters<Momentum<momentum, dampening, nesterov>>(ctx, {{parameter, gradient, buffer}}, at.rate, at.number);
      },
      [&](int step, f64 g, std::size_t i) {
        b[i] = step == 1 ? g : momentum * b[i] + (1 - dampening) * g;
        p[i] -= 0.1 * (nesterov ? g + momentum * b[i] : b[i]);
      },
      p);
}

TEST(Update, WithAState) {
  check_momentum<0.9, 0.0, false>();
  check_momentum<0.9, 0.0, true>();
  check_momentum<0.8, 0.3, false>();
}

TEST(Update, WithTwoStates) {
  constexpr f64 decay = 0.1, beta1 = 0.8, beta2 = 0.9, epsilon = 1e-4;
  Context ctx(2);
  Owned<f32> m({static_cast<index>(size)}), v({static_cast<index>(size)});
  Step at(1e-2);
  std::vector<f64> p, ms(size), vs(size);
  check(
      [&](int step, auto &parameter, auto &gradient) {
        at.at(step);
        update_parameters<Adam<true, decay, beta1, beta2, epsilon>>(ctx, {{parameter, gradient, m, v}}, at.rate, at.number);
      },
      [&](int step, f64 g, std::size_t i) {
        p[i] -= 1e-2 * decay * p[i];
        ms[i] = beta1 * ms[i] + (1 - beta1) * g;
        vs[i] = beta2 * vs[i] + (1 - beta2) * g * g;
        const f64 m_hat = ms[i] / (1 - std::pow(beta1, step)), v_hat = vs[i] / (1 - std::pow(beta2, step));
        p[i] -= 1e-2 * m_hat / (std::sqrt(v_hat) + epsilon);
      },
      p);
}

/// Sums over a parameter of several parts, and a scalar that moves.
TEST(Update, WithSumsAndAScalar) {
  constexpr index sizes[] = {1, 9001, 64};
  std::vector<std::vector<f32>> with_threads;
  for (int threads : {1, 3}) {
    Context ctx(threads);
    Step at(0.1);
    std::vector<std::unique_ptr<Owned<f32>>> p, g, m, count;
    for (index size : sizes)
      for (auto *list : {&p, &g, &m, &count})
        list->push_back(std::make_unique<Owned<f32>>(list == &count ? Dims{} : Dims{size}));
    std::vector<std::vector<f64>> parameters, states;
    for (std::size_t i = 0; i < 3; ++i) {
      randomise(p[i]->tensor, static_cast<int>(i));
      randomise(g[i]->tensor, static_cast<int>(i) + 10);
      parameters.push_back(logical(p[i]->tensor));
      states.emplace_back(parameters.back().size());
    }
    for (int step = 1; step <= 3; ++step) {
      at.at(step);
      update_parameters<Normed>(ctx, {{*p[0], *g[0], *m[0], *count[0]}, {*p[1], *g[1], *m[1], *count[1]}, {*p[2], *g[2], *m[2], *count[2]}}, at.rate,
                                at.number);
      for (std::size_t i = 0; i < 3; ++i) {
        f64 of_parameter = 0, of_state = 0;
        for (std::size_t k = 0; k < states[i].size(); ++k) {
          states[i][k] = 0.5 * states[i][k] + static_cast<f64>(g[i]->memory[k]);
          of_state += states[i][k] * states[i][k];
          of_parameter += parameters[i][k] * parameters[i][k];
        }
        for (std::size_t k = 0; k < states[i].size(); ++k)
          parameters[i][k] -= 0.1 / step * std::sqrt(of_parameter / of_state) * states[i][k];
        expect_near(p[i]->tensor, parameters[i], 2e-6);
        EXPECT_EQ(count[i]->memory[0], static_cast<f32>(step));
      }
    }
    with_threads.push_back(p[1]->memory);
  }
  EXPECT_EQ(with_threads[0], with_threads[1]);
}

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

TEST(UpdateLists, AreTheUpdatesOfEach) {
  Context ctx(3);
  Lists l;
  Step at(1e-2);
  at.at(3);
  using Formula = Adam<false, 0.1>;
  auto &j = l.joined;
  update_parameters<Formula>(ctx,
                             {{j[0]->parameter, j[0]->gradient, j[0]->m, j[0]->v},
                              {j[1]->parameter, j[1]->gradient, j[1]->m, j[1]->v},
                              {j[2]->parameter, j[2]->gradient, j[2]->m, j[2]->v},
                              {j[3]->parameter, j[3]->gradient, j[3]->m, j[3]->v},
                              {j[4]->parameter, j[4]->gradient, j[4]->m, j[4]->v}},
                             at.rate, at.number);
  for (auto &one : l.single) {
    const std::vector<f32> before = one->parameter.memory;
    update_parameters<Formula>(ctx, {{one->parameter, one->gradient, one->m, one->v}}, at.rate, at.number);
    EXPECT_NE(one->parameter.memory, before);
  }
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
  Step at(0.1);
  Owned<f32> a({4}), b({4}), c({5});
  EXPECT_THROW(update_parameters<Sgd<>>(ctx, {{a, b}, {c, b}}, at.rate, at.number), std::logic_error);
  EXPECT_THROW(update_parameters<Normed>(ctx, {{a, b, a, c}}, at.rate, at.number), std::logic_error);
  EXPECT_THROW(running_average_update(ctx, a, c), std::logic_error);
}

} // namespace
