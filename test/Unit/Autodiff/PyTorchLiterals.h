// What PyTorch computed; made by make_pytorch_literals.py.
#ifndef DTC_TEST_UNIT_AUTODIFF_PYTORCHLITERALS_H
#define DTC_TEST_UNIT_AUTODIFF_PYTORCHLITERALS_H

#include <cstdint>
#include <vector>

namespace dtc::test {

/// One loss and its gradient with respect to the prediction.
struct LossLiteral {
  const char *name, *attribute;
  std::vector<int64_t> shape;
  std::vector<double> prediction, label, weight;
  double loss;
  std::vector<double> gradient;
};

/// A parameter after each of the steps from startParameter with
/// gradientOfStep.
struct OptimizerLiteral {
  const char *name, *attribute;
  std::vector<std::vector<double>> parameterAfterStep;
};

extern const std::vector<LossLiteral> lossLiterals;
extern const std::vector<OptimizerLiteral> optimizerLiterals;
extern const std::vector<double> startParameter;
extern const std::vector<std::vector<double>> gradientOfStep;

} // namespace dtc::test

#endif // DTC_TEST_UNIT_AUTODIFF_PYTORCHLITERALS_H
