// Adamax (Kingma, Ba 2015, section 7.1).
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;

static void formula(Formula &f) {
  Quantity beta1 = f["beta1"], m = f.state("m"), gradient = decayedGradient(f);
  Quantity mean = m + (1 - beta1) * (gradient - m);
  Quantity largest = max(f["beta2"] * f.state("u"), abs(gradient) + f["epsilon"]);
  f.setState("m", mean);
  f.setState("u", largest);
  Quantity stepSize = f.named("step_size", f.learningRate() / (1 - pow(beta1, f.step())));
  f.setParameter(f.parameter() - stepSize * mean / largest);
}

void optimizers::addAdamax(std::vector<Optimizer> &table) {
  table.push_back({.name = "adamax",
                   .summary = "by the mean of gradients over the largest of them, which fades",
                   .source = "torch.optim.Adamax",
                   .family = "adamax",
                   .settings = {learningRate(2e-3), firstDecay(0.9), secondDecay(0.999), epsilon(1e-8), weightDecay(0)},
                   .states = {{.name = "m"}, {.name = "u"}},
                   .formula = formula});
}
