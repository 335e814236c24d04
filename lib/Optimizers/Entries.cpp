// Settings and steps of formulas that several optimizers have in common.
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using Range = OptimizerSetting::Range;

OptimizerSetting optimizers::learningRate(double byDefault) {
  return {"lr", byDefault, Range::NonNegative, "learning rate"};
}
OptimizerSetting optimizers::weightDecay(double byDefault) {
  return {"weight_decay", byDefault, Range::NonNegative, "weight decay"};
}
OptimizerSetting optimizers::firstDecay(double byDefault) {
  return {"beta1", byDefault, Range::Decay, "decay of the first moment"};
}
OptimizerSetting optimizers::secondDecay(double byDefault) {
  return {"beta2", byDefault, Range::Decay, "decay of the second moment"};
}
OptimizerSetting optimizers::epsilon(double byDefault) {
  return {"epsilon", byDefault, Range::NonNegative, "term in the denominator"};
}
OptimizerSetting optimizers::decoupledDecay() {
  return {"decoupled_weight_decay", 0, Range::Flag, "weight decay of the parameter itself, as in adamw"};
}

Quantity optimizers::decayedGradient(Formula &f) {
  if (!f.has("weight_decay"))
    return f.gradient();
  return f.named("decayed", f.gradient() + f["weight_decay"] * f.parameter());
}

Quantity optimizers::shrunkParameter(Formula &f) {
  if (!f.has("weight_decay"))
    return f.parameter();
  return f.named("shrunk", f.parameter() * f.named("shrink", 1 - f.learningRate() * f["weight_decay"]));
}

std::pair<Quantity, Quantity> optimizers::decayed(Formula &f, bool decoupled) {
  if (decoupled)
    return {shrunkParameter(f), f.gradient()};
  return {f.parameter(), decayedGradient(f)};
}
