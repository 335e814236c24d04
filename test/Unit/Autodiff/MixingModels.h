// Random small models that mix the samples of a batch: means, sums, softmax and products over them.
#ifndef DTC_TEST_UNIT_AUTODIFF_MIXINGMODELS_H
#define DTC_TEST_UNIT_AUTODIFF_MIXINGMODELS_H

#include <cstdint>
#include <string>

namespace dtc::test {

/// A model with a recipe (mse, sgd), as text, of elements like "f64". Models of one seed differ in the batch alone. Every value
/// that is made reaches the output, so that a sample too many in any of them shows.
std::string makeMixingModel(unsigned seed, int64_t batch, const std::string &element);

} // namespace dtc::test

#endif // DTC_TEST_UNIT_AUTODIFF_MIXINGMODELS_H
