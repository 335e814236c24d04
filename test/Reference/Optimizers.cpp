// One step of torch.optim.SGD, Adam and AdamW, and of running statistics.
#include "test/Reference/Rules.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

static LogicalResult sgdUpdate(Operation *op, Operands operands, Results results) {
  auto update = cast<nn::SGDUpdateOp>(op);
  nn::SGDAttr sgd = update.getOptimizer();
  const Tensor &parameter = *operands[0], &gradient = *operands[1];
  bool first = operands.back()->data[0] == 1;
  for (size_t i = 0; i < parameter.data.size(); ++i) {
    double p = parameter.data[i];
    double g = gradient.data[i] + sgd.getWeightDecay() * p;
    if (update.getMomentumBuffer()) {
      double buffer = first ? g
                            : sgd.getMomentum() * operands[2]->data[i] +
                                  (1 - sgd.getDampening()) * g;
      results[1].data[i] = buffer;
      g = sgd.getNesterov() ? g + sgd.getMomentum() * buffer : buffer;
    }
    results[0].data[i] = p - sgd.getLr() * g;
  }
  return success();
}

static LogicalResult adamUpdate(Operation *op, Operands operands, Results results) {
  nn::AdamAttr adam = cast<nn::AdamUpdateOp>(op).getOptimizer();
  double step = operands[4]->data[0];
  double correction1 = 1 - std::pow(adam.getBeta1(), step);
  double correction2 = 1 - std::pow(adam.getBeta2(), step);
  for (size_t i = 0; i < operands[0]->data.size(); ++i) {
    double p = operands[0]->data[i], g = operands[1]->data[i];
    if (adam.getDecoupled())
      p -= adam.getLr() * adam.getWeightDecay() * p;
    else
      g += adam.getWeightDecay() * p;
    double m = adam.getBeta1() * operands[2]->data[i] + (1 - adam.getBeta1()) * g;
    double v = adam.getBeta2() * operands[3]->data[i] + (1 - adam.getBeta2()) * g * g;
    double denominator = std::sqrt(v / correction2) + adam.getEpsilon();
    results[0].data[i] = p - adam.getLr() * (m / correction1) / denominator;
    results[1].data[i] = m;
    results[2].data[i] = v;
  }
  return success();
}

static LogicalResult runningAverageUpdate(Operation *op, Operands operands, Results results) {
  double momentum = cast<nn::RunningAverageUpdateOp>(op).getMomentum().convertToDouble();
  for (size_t i = 0; i < operands[0]->data.size(); ++i)
    results[0].data[i] = (1 - momentum) * operands[0]->data[i] + momentum * operands[1]->data[i];
  return success();
}

void reference::addOptimizerRules(Rules &rules) {
  rules["nn.sgd_update"] = sgdUpdate;
  rules["nn.adam_update"] = adamUpdate;
  rules["nn.running_average_update"] = runningAverageUpdate;
}
