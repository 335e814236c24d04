// RMSprop (Hinton 2012, lecture 6e of "Neural Networks for Machine Learning"), also centred (Graves 2013) and with momentum.
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;
using Range = OptimizerSetting::Range;

static bool isCentered(const OptimizerSettings &settings) { return settings.has("centered"); }
static bool hasMomentum(const OptimizerSettings &settings) { return settings.has("momentum"); }

static void formula(Formula &f) {
  Quantity lr = f.learningRate(), alpha = f["alpha"], gradient = decayedGradient(f);
  Quantity square = alpha * f.state("v") + (1 - alpha) * gradient * gradient, spread = square;
  f.setState("v", square);
  if (f.has("centered")) {
    Quantity old = f.state("mean"), mean = old + (1 - alpha) * (gradient - old);
    f.setState("mean", mean);
    spread = square - mean * mean;
  }
  Quantity move = gradient / (sqrt(spread) + f["epsilon"]);
  if (f.has("momentum")) {
    move = f["momentum"] * f.state("momentum") + move;
    f.setState("momentum", move);
  }
  f.setParameter(f.parameter() - lr * move);
}

void optimizers::addRMSprop(std::vector<Optimizer> &table) {
  table.push_back({.name = "rmsprop",
                   .summary = "by gradients over the root of their mean square",
                   .source = "torch.optim.RMSprop",
                   .family = "rmsprop",
                   .settings = {learningRate(1e-2),
                                {"alpha", 0.99, Range::Decay, "decay of the mean square"},
                                epsilon(1e-8),
                                weightDecay(0),
                                {"momentum", 0, Range::NonNegative, "momentum"},
                                {"centered", 0, Range::Flag, "divide by the standard deviation instead"}},
                   .states = {{.name = "v"}, {.name = "mean", .isNeeded = isCentered}, {.name = "momentum", .isNeeded = hasMomentum}},
                   .formula = formula});
}
