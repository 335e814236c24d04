// Optimizer updates against torch.optim's definitions, written out in f64.
#include "Reference.h"

#include <dtcrt/optimizer.h>

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

} // namespace
