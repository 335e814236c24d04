// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2).
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;

static void formula(Formula &f) {
  Quantity beta1 = f["beta1"], beta2 = f["beta2"], m = f.state("m"), g = f.gradient();
  auto parameter = decayed(f, /*decoupled=*/true).first;
  f.setParameter(parameter - f.learningRate() * sign(f.named("blend", beta1 * m + (1 - beta1) * g)));
  f.setState("m", beta2 * m + (1 - beta2) * g);
}

void optimizers::addLion(std::vector<Optimizer> &table) {
  table.push_back({.name = "lion",
                   .summary = "by the sign of the mean of gradients, with weight decay of the parameter itself",
                   .source = "Chen et al. 2023",
                   .family = "lion",
                   .settings = {learningRate(1e-4), firstDecay(0.9), secondDecay(0.99), weightDecay(0)},
                   .states = {{.name = "m"}},
                   .formula = formula});
}
