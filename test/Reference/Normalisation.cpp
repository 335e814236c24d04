// Batch normalisation as its definition reads: gather a channel's values, then their mean and variance.
#include "test/Reference/Rules.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// The elements of one channel that belong to samples, and their statistics.
struct Channel {
  std::vector<size_t> places;
  double mean = 0, variance = 0;

  Channel(const Tensor &x, const Tensor &weight, int64_t channel) {
    forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
      if (index[1] == channel && weight.data[index[0]] != 0)
        places.push_back(flat);
    });
    for (size_t place : places)
      mean += x.data[place] / places.size();
    for (size_t place : places)
      variance += (x.data[place] - mean) * (x.data[place] - mean) / places.size();
  }
};
} // namespace

static LogicalResult batchNorm(Operation *op, Operands operands, Results results) {
  double epsilon = cast<nn::BatchNormOp>(op).getEpsilon().convertToDouble();
  const Tensor &x = *operands[0];
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    int64_t c = index[1];
    results[0].data[flat] = (x.data[flat] - operands[3]->data[c]) /
                                std::sqrt(operands[4]->data[c] + epsilon) *
                                operands[1]->data[c] +
                            operands[2]->data[c];
  });
  return success();
}

static LogicalResult training(Operation *op, Operands operands, Results results) {
  double epsilon = cast<nn::BatchNormTrainingOp>(op).getEpsilon().convertToDouble();
  auto norm = cast<nn::BatchNormTrainingOp>(op);
  const Tensor &x = *operands[0], &weight = *operands[3];
  double total = 0;
  for (double part : weight.data)
    total += part;
  for (int64_t c = 0; c < x.shape[1]; ++c) {
    Channel channel(x, weight, c);
    double n = channel.places.size();
    for (size_t place : channel.places)
      results[0].data[place] = (x.data[place] - channel.mean) /
                                   std::sqrt(channel.variance + epsilon) *
                                   operands[1]->data[c] +
                               operands[2]->data[c];
    bool stays = n <= 1 && norm.getRunningMean();
    results[1].data[c] = total * (stays ? operands[4]->data[c] : channel.mean);
    double correction = norm.getBiasedVariance() ? 1 : n / (n - 1);
    results[2].data[c] = total * (stays ? operands[5]->data[c] : n > 1 ? channel.variance * correction : 0);
    results[3].data[c] = channel.mean;
    results[4].data[c] = 1 / std::sqrt(channel.variance + epsilon);
  }
  for (auto [place, y] : llvm::enumerate(results[0].data))
    y = activate(norm.getActivation(), norm.getActivationAlpha(),
                 norm.getResidual() ? y + operands.back()->data[place] : y);
  return success();
}

/// By the derivatives of the mean and of the variance with respect to each x.
static LogicalResult gradient(Operation *op, Operands operands, Results results) {
  const Tensor &x = *operands[1], &scale = *operands[2];
  Tensor dy = *operands[0];
  for (int64_t c = 0; c < x.shape[1]; ++c) {
    Channel channel(x, *operands[3], c);
    double n = channel.places.size(), mean = operands[4]->data[c], deviation = 1 / operands[5]->data[c];
    double dmean = 0, dvariance = 0;
    if (operands.size() > 6)
      for (size_t place : channel.places)
        if ((x.data[place] - mean) / deviation * scale.data[c] + operands[6]->data[c] <= 0)
          dy.data[place] = 0;
    for (size_t place : channel.places) {
      double centered = x.data[place] - mean, dnormal = dy.data[place] * scale.data[c];
      results[1].data[c] += dy.data[place] * centered / deviation;
      results[2].data[c] += dy.data[place];
      dmean -= dnormal / deviation;
      dvariance -= dnormal * centered / (2 * std::pow(deviation, 3));
    }
    for (size_t place : channel.places)
      results[0].data[place] = dy.data[place] * scale.data[c] / deviation + dmean / n +
                               dvariance * 2 * (x.data[place] - mean) / n;
  }
  return success();
}

void reference::addNormalisationRules(Rules &rules) {
  rules["nn.batch_norm"] = batchNorm;
  rules["nn.batch_norm_training"] = training;
  rules["nn.batch_norm_gradient"] = gradient;
}
