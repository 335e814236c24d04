// What a program binds, one by one.
#include "dtcrt/plan.h"

#include <utility>

namespace dtcrt {

void Binding::add_parameter(const Tensor<f32> &tensor, const Init &init, std::vector<Share> shares) {
  add_parameter(tensor.name(), tensor, init, std::move(shares));
}

void Binding::add_parameter(std::string name, const Tensor<f32> &tensor, const Init &init, std::vector<Share> shares) {
  parameters.push_back({std::move(name), tensor, init, std::move(shares)});
}

void Binding::add_state(const Tensor<f32> &tensor, f64 init, std::vector<Share> shares) {
  add_state(tensor.name(), tensor, init, std::move(shares));
}

void Binding::add_state(std::string name, const Tensor<f32> &tensor, f64 init, std::vector<Share> shares) {
  state.push_back({std::move(name), tensor, init, std::move(shares)});
}

} // namespace dtcrt
