// Adagrad (Duchi, Hazan, Singer 2011).
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;
using Range = OptimizerSetting::Range;

static double initialSum(const OptimizerSettings &settings) { return settings["initial_accumulator_value"]; }

static void formula(Formula &f) {
  Quantity rate = f.learningRate(), gradient = decayedGradient(f);
  if (f.has("lr_decay"))
    rate = f.named("rate", rate / (1 + (f.step() - 1) * f["lr_decay"]));
  Quantity sum = f.state("sum") + gradient * gradient;
  f.setState("sum", sum);
  f.setParameter(f.parameter() - rate * gradient / (sqrt(sum) + f["epsilon"]));
}

void optimizers::addAdagrad(std::vector<Optimizer> &table) {
  table.push_back({.name = "adagrad",
                   .summary = "by gradients over the root of the sum of all their squares",
                   .source = "torch.optim.Adagrad",
                   .family = "adagrad",
                   .settings = {learningRate(1e-2),
                                {"lr_decay", 0, Range::NonNegative, "the learning rate is divided by 1 + lr-decay (step - 1)"},
                                weightDecay(0),
                                {"initial_accumulator_value", 0, Range::NonNegative, "what the sum of squares begins with"},
                                epsilon(1e-10)},
                   .states = {{.name = "sum", .init = initialSum}},
                   .formula = formula});
}
