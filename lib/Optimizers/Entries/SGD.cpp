// Stochastic gradient descent with momentum.
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;
using Range = OptimizerSetting::Range;

static bool hasMomentum(const OptimizerSettings &settings) { return settings.has("momentum"); }

/// The first step's buffer is the gradient itself, undamped.
static Quantity moved(Formula &f, Quantity gradient) {
  Quantity momentum = f["momentum"], buffer = f.state("momentum");
  if (!f.has("dampening"))
    return momentum * buffer + gradient;
  Condition first = f.step() == 1;
  Quantity keep = f.named("keep", select(first, 0.0, momentum));
  Quantity fresh = f.named("fresh", select(first, 1.0, 1 - f["dampening"]));
  return keep * buffer + fresh * gradient;
}

static void formula(Formula &f) {
  Quantity lr = f.learningRate(), gradient = decayedGradient(f);
  if (!f.has("momentum"))
    return f.setParameter(f.parameter() - lr * gradient);
  Quantity buffer = moved(f, gradient);
  f.setState("momentum", buffer);
  f.setParameter(f.parameter() - lr * (f.has("nesterov") ? gradient + f["momentum"] * buffer : buffer));
}

static std::string check(const OptimizerSettings &settings) {
  if (settings.has("nesterov") && (!settings.has("momentum") || settings.has("dampening")))
    return "nesterov needs a momentum above 0 and a dampening of 0";
  return "";
}

void optimizers::addSGD(std::vector<Optimizer> &table) {
  table.push_back({.name = "sgd",
                   .summary = "stochastic gradient descent, with momentum if asked for",
                   .source = "torch.optim.SGD",
                   .family = "sgd",
                   .settings = {learningRate(1e-3),
                                {"momentum", 0, Range::NonNegative, "momentum"},
                                {"dampening", 0, Range::Any, "dampening of momentum"},
                                weightDecay(0),
                                {"nesterov", 0, Range::Flag, "Nesterov momentum"}},
                   .states = {{.name = "momentum", .isNeeded = hasMomentum}},
                   .formula = formula,
                   .check = check});
}
