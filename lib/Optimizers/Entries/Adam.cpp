// Adam (Kingma, Ba 2015) and AdamW (Loshchilov, Hutter 2019), with AMSGrad (Reddi, Kale, Kumar 2018).
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;

static bool isAMSGrad(const OptimizerSettings &settings) { return settings.has("amsgrad"); }

static void move(Formula &f, Quantity parameter, Quantity gradient) {
  Quantity lr = f.learningRate(), t = f.step(), beta1 = f["beta1"], beta2 = f["beta2"];
  Quantity m = f.state("m"), v = f.state("v");
  Quantity mean = m + (1 - beta1) * (gradient - m);
  Quantity square = beta2 * v + (1 - beta2) * gradient * gradient;
  f.setState("m", mean);
  f.setState("v", square);
  if (f.has("amsgrad")) {
    square = max(square, f.state("max_v"));
    f.setState("max_v", square);
  }
  Quantity stepSize = f.named("step_size", lr / (1 - pow(beta1, t)));
  Quantity root = f.named("root", 1 / sqrt(1 - pow(beta2, t)));
  f.setParameter(parameter - stepSize * mean / (sqrt(square) * root + f["epsilon"]));
}

static void adam(Formula &f) { move(f, f.parameter(), decayedGradient(f)); }

static void adamW(Formula &f) { move(f, shrunkParameter(f), f.gradient()); }

static Optimizer entry(llvm::StringRef name, llvm::StringRef summary, llvm::StringRef source, double decay,
                       void (*formula)(Formula &)) {
  return {.name = name,
          .summary = summary,
          .source = source,
          .family = "adam",
          .settings = {learningRate(1e-3),
                       firstDecay(0.9),
                       secondDecay(0.999),
                       epsilon(1e-8),
                       weightDecay(decay),
                       {"amsgrad", 0, OptimizerSetting::Range::Flag, "divide by the largest second moment so far"}},
          .states = {{.name = "m"}, {.name = "v"}, {.name = "max_v", .isNeeded = isAMSGrad}},
          .formula = formula};
}

void optimizers::addAdam(std::vector<Optimizer> &table) {
  table.push_back(entry("adam", "by the mean of gradients over the root of their mean square", "torch.optim.Adam", 0, adam));
  table.push_back(entry("adamw", "adam, with weight decay of the parameter itself", "torch.optim.AdamW", 1e-2, adamW));
}
