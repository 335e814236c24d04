// Layer, RMS and group normalisation as their definitions read: gather the values of a row or a group, then their mean and variance.
#include "test/Reference/Rules.h"

#include <cmath>

using namespace mlir;
using namespace dtc;
using namespace dtc::reference;

namespace {
/// Elements of x that are normalised together, and which parameter belongs to each.
struct Together {
  std::vector<size_t> places, parameters;
};
} // namespace

/// Rows from `axis` on, in the order of their statistics.
static std::vector<Together> rowsOf(const Tensor &x, size_t axis) {
  size_t length = 1;
  for (size_t d = axis; d < x.shape.size(); ++d)
    length *= x.shape[d];
  std::vector<Together> rows(x.data.size() / length);
  for (size_t i = 0; i < x.data.size(); ++i) {
    rows[i / length].places.push_back(i);
    rows[i / length].parameters.push_back(i % length);
  }
  return rows;
}

/// Groups of channels, in the order of [sample, group].
static std::vector<Together> groupsOf(const Tensor &x, int64_t groups) {
  std::vector<Together> all(x.shape[0] * groups);
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index, int64_t flat) {
    Together &group = all[index[0] * groups + index[1] * groups / x.shape[1]];
    group.places.push_back(flat);
    group.parameters.push_back(index[1]);
  });
  return all;
}

/// `scale`, `bias`: null for 1 and 0; `mean`: null where nothing is subtracted.
static void normalise(const Tensor &x, ArrayRef<Together> parts, const Tensor *scale, const Tensor *bias, double epsilon, Tensor &y,
                      Tensor *mean, Tensor &inverse) {
  for (auto [number, part] : llvm::enumerate(parts)) {
    double middle = 0, squares = 0, count = part.places.size();
    for (size_t place : part.places)
      middle += mean ? x.data[place] / count : 0;
    for (size_t place : part.places)
      squares += (x.data[place] - middle) * (x.data[place] - middle) / count;
    if (mean)
      mean->data[number] = middle;
    inverse.data[number] = 1 / std::sqrt(squares + epsilon);
    for (auto [place, parameter] : llvm::zip_equal(part.places, part.parameters))
      y.data[place] = (x.data[place] - middle) / std::sqrt(squares + epsilon) * (scale ? scale->data[parameter] : 1) +
                      (bias ? bias->data[parameter] : 0);
  }
}

/// By the derivatives of the mean and of the variance with respect to each x.
static void normaliseBack(const Tensor &dy, const Tensor &x, ArrayRef<Together> parts, const Tensor *scale, const Tensor *mean,
                          const Tensor &inverse, Tensor &dx, Tensor *dscale, Tensor *dbias) {
  for (auto [number, part] : llvm::enumerate(parts)) {
    double count = part.places.size(), middle = mean ? mean->data[number] : 0, deviation = 1 / inverse.data[number];
    double dmean = 0, dvariance = 0;
    for (auto [place, parameter] : llvm::zip_equal(part.places, part.parameters)) {
      double centered = x.data[place] - middle, dnormal = dy.data[place] * (scale ? scale->data[parameter] : 1);
      if (dscale)
        dscale->data[parameter] += dy.data[place] * centered / deviation;
      if (dbias)
        dbias->data[parameter] += dy.data[place];
      dmean -= mean ? dnormal / deviation : 0;
      dvariance -= dnormal * centered / (2 * std::pow(deviation, 3));
    }
    for (auto [place, parameter] : llvm::zip_equal(part.places, part.parameters))
      dx.data[place] = dy.data[place] * (scale ? scale->data[parameter] : 1) / deviation + dmean / count +
                       dvariance * 2 * (x.data[place] - middle) / count;
  }
}

static LogicalResult layerNorm(Operation *op, Operands operands, Results results) {
  auto norm = cast<nn::LayerNormOp>(op);
  const Tensor *scale = norm.getScale() ? operands[1] : nullptr, *bias = norm.getBias() ? operands.back() : nullptr;
  normalise(*operands[0], rowsOf(*operands[0], norm.getAxis()), scale, bias, norm.getEpsilon().convertToDouble(), results[0], &results[1],
            results[2]);
  return success();
}

static LogicalResult rmsNorm(Operation *op, Operands operands, Results results) {
  auto norm = cast<nn::RmsNormOp>(op);
  normalise(*operands[0], rowsOf(*operands[0], norm.getAxis()), norm.getScale() ? operands[1] : nullptr, nullptr,
            norm.getEpsilon().convertToDouble(), results[0], nullptr, results[1]);
  return success();
}

static LogicalResult layerNormGradient(Operation *op, Operands operands, Results results) {
  auto norm = cast<nn::LayerNormGradientOp>(op);
  normaliseBack(*operands[0], *operands[1], rowsOf(*operands[1], norm.getAxis()), norm.getScale() ? operands.back() : nullptr,
                norm.getMean() ? operands[3] : nullptr, *operands[2], results[0], norm.getDscale() ? &results[1] : nullptr,
                norm.getDbias() ? &results.back() : nullptr);
  return success();
}

static LogicalResult groupNorm(Operation *op, Operands operands, Results results) {
  auto norm = cast<nn::GroupNormOp>(op);
  normalise(*operands[0], groupsOf(*operands[0], norm.getGroups()), operands[1], operands[2], norm.getEpsilon().convertToDouble(),
            results[0], &results[1], results[2]);
  return success();
}

static LogicalResult groupNormGradient(Operation *op, Operands operands, Results results) {
  auto norm = cast<nn::GroupNormGradientOp>(op);
  normaliseBack(*operands[0], *operands[1], groupsOf(*operands[1], norm.getGroups()), operands[2], operands[3], *operands[4], results[0],
                &results[1], &results[2]);
  return success();
}

void reference::addSampleNormalisationRules(Rules &rules) {
  rules["nn.layer_norm"] = layerNorm;
  rules["nn.rms_norm"] = rmsNorm;
  rules["nn.layer_norm_gradient"] = layerNormGradient;
  rules["nn.group_norm"] = groupNorm;
  rules["nn.group_norm_gradient"] = groupNormGradient;
}
