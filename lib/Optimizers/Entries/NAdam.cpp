// NAdam: Adam with Nesterov momentum (Dozat 2016).
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;
using Range = OptimizerSetting::Range;

/// The momentum of a step, which grows towards beta1.
static Quantity momentumOf(Formula &f, Quantity step) {
  return f["beta1"] * (1 - 0.5 * pow(0.96, step * f["momentum_decay"]));
}

static void formula(Formula &f) {
  Quantity lr = f.learningRate(), t = f.step(), beta1 = f["beta1"], beta2 = f["beta2"];
  auto [parameter, gradient] = decayed(f, f.has("decoupled_weight_decay"));
  Quantity m = f.state("m"), v = f.state("v");
  Quantity mean = m + (1 - beta1) * (gradient - m);
  Quantity square = beta2 * v + (1 - beta2) * gradient * gradient;
  f.setState("m", mean);
  f.setState("v", square);
  Quantity now = f.named("momentum", momentumOf(f, t)), next = f.named("next_momentum", momentumOf(f, t + 1));
  Quantity product = f.state("mu_product") * now;
  f.setState("mu_product", product);
  Quantity ofGradient = f.named("rate_of_gradient", lr * (1 - now) / (1 - product));
  Quantity ofMean = f.named("rate_of_mean", lr * next / (1 - product * next));
  Quantity root = f.named("root", 1 / sqrt(1 - pow(beta2, t)));
  f.setParameter(parameter - (ofGradient * gradient + ofMean * mean) / (sqrt(square) * root + f["epsilon"]));
}

void optimizers::addNAdam(std::vector<Optimizer> &table) {
  auto one = [](const OptimizerSettings &) { return 1.0; };
  table.push_back({.name = "nadam",
                   .summary = "adam with Nesterov momentum",
                   .source = "torch.optim.NAdam",
                   .family = "nadam",
                   .settings = {learningRate(2e-3),
                                firstDecay(0.9),
                                secondDecay(0.999),
                                epsilon(1e-8),
                                weightDecay(0),
                                {"momentum_decay", 4e-3, Range::NonNegative, "how fast the momentum grows to beta1"},
                                decoupledDecay()},
                   .states = {{.name = "m"}, {.name = "v"}, {.name = "mu_product", .init = one, .isScalar = true}},
                   .formula = formula});
}
