// RAdam: Adam that does without the second moment until its variance is tractable (Liu et al. 2020).
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;

static void formula(Formula &f) {
  Quantity t = f.step(), beta1 = f["beta1"], beta2 = f["beta2"];
  auto [parameter, gradient] = decayed(f, f.has("decoupled_weight_decay"));
  Quantity m = f.state("m"), v = f.state("v");
  Quantity mean = m + (1 - beta1) * (gradient - m);
  Quantity square = beta2 * v + (1 - beta2) * gradient * gradient;
  f.setState("m", mean);
  f.setState("v", square);
  Quantity correction = 1 - pow(beta2, t), most = 2 / (1 - beta2) - 1;
  Quantity length = f.named("length", most - 2 * t * pow(beta2, t) / correction);
  Quantity rectification =
      sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length));
  Condition isTractable = length > 5;
  Quantity stepSize = f.named("step_size", f.learningRate() / (1 - pow(beta1, t)));
  Quantity adaptive = f.named("adaptive_step_size", select(isTractable, stepSize * rectification * sqrt(correction), 0));
  f.setParameter(parameter - mean * select(isTractable, adaptive / (sqrt(square) + f["epsilon"]), stepSize));
}

void optimizers::addRAdam(std::vector<Optimizer> &table) {
  table.push_back({.name = "radam",
                   .summary = "adam whose first steps do without the mean square",
                   .source = "torch.optim.RAdam",
                   .family = "radam",
                   .settings = {learningRate(1e-3), firstDecay(0.9), secondDecay(0.999), epsilon(1e-8), weightDecay(0), decoupledDecay()},
                   .states = {{.name = "m"}, {.name = "v"}},
                   .formula = formula});
}
