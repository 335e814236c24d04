// LAMB (You et al. 2020, "Large Batch Optimization for Deep Learning", algorithm 2): Adam, whose step is scaled for each parameter
// by the ratio of the parameter's norm to that of its move. phi is the identity; the ratio is 1 where one of the norms is 0. Weight
// decay is a part of the move, and moments are corrected for their bias, as there.
#include "lib/Optimizers/Entries.h"

using namespace dtc;
using namespace dtc::optimizers;

static void formula(Formula &f) {
  Quantity lr = f.learningRate(), t = f.step(), beta1 = f["beta1"], beta2 = f["beta2"];
  Quantity p = f.parameter(), g = f.gradient(), m = f.state("m"), v = f.state("v");
  Quantity mean = m + (1 - beta1) * (g - m);
  Quantity square = beta2 * v + (1 - beta2) * g * g;
  f.setState("m", mean);
  f.setState("v", square);
  Quantity correction = f.named("correction", 1 / (1 - pow(beta1, t)));
  Quantity root = f.named("root", 1 / sqrt(1 - pow(beta2, t)));
  Quantity move = correction * mean / (sqrt(square) * root + f["epsilon"]);
  if (f.has("weight_decay"))
    move = move + f["weight_decay"] * p;
  f.named("move", move);
  Quantity ofParameter = f.named("square_of_parameter", f.sum(p * p));
  Quantity ofMove = f.named("square_of_move", f.sum(move * move));
  Quantity ratio = sqrt(ofParameter) / sqrt(ofMove);
  Quantity trust = f.named("trust", select(ofParameter > 0, select(ofMove > 0, ratio, 1), 1));
  f.setParameter(p - f.named("rate", lr * trust) * move);
}

void optimizers::addLAMB(std::vector<Optimizer> &table) {
  table.push_back({.name = "lamb",
                   .summary = "adam, scaled by the ratio of each parameter's norm to that of its move",
                   .source = "You et al. 2020",
                   .family = "lamb",
                   .settings = {learningRate(1e-3), firstDecay(0.9), secondDecay(0.999), epsilon(1e-6), weightDecay(1e-2)},
                   .states = {{.name = "m"}, {.name = "v"}},
                   .formula = formula});
}
