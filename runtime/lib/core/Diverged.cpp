// Looks for values that are no finite numbers.
#include "core/Diverged.h"
#include "comm/Gather.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <variant>

namespace dtcrt {

namespace {

/// The first element, in row-major order, that is not finite; -1 without one. t is row-major.
index first_not_finite(const Tensor<f32> &t) {
  for (index i = 0; i < t.size(); ++i)
    if (!std::isfinite(t.data()[i]))
      return i;
  return -1;
}

} // namespace

const char *word_for(f64 value) { return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf"; }

std::vector<std::string> tensors_not_finite(Device &device, const Binding &binding) {
  std::vector<std::string> names;
  const auto look = [&](const std::string &name, const Tensor<f32> &tensor) {
    device.read(tensor, [&](const Tensor<f32> &values) {
      // Dense, and the order is nothing to whether there is one.
      if (first_not_finite(Tensor<f32>(values.data(), {values.size()})) >= 0)
        names.push_back(name);
    });
  };
  for (const ParameterBinding &parameter : binding.parameters)
    look(parameter.name, parameter.tensor);
  for (const StateBinding &state : binding.state)
    look(state.name, state.tensor);
  return names;
}

std::string input_not_finite(const Binding &batch, const BatchRows &rows) {
  const auto look = [&](const std::string &what, const DataTensor &data) -> std::string {
    const auto *tensor = std::get_if<Tensor<f32>>(&data);
    if (!tensor || !*tensor || tensor->rank() == 0 || tensor->dim(0) == 0)
      return "";
    // Samples are the outermost dimension of every layout.
    const index of_sample = tensor->size() / tensor->dim(0), found = first_not_finite(Tensor<f32>(tensor->data(), {rows.valid * of_sample}));
    return found < 0 ? "" : what + " of sample " + std::to_string(rows.ids[static_cast<std::size_t>(found / of_sample)]);
  };
  for (const InputBinding &input : batch.inputs)
    if (const std::string found = look("input '" + input.name + "'", input.tensor); !found.empty())
      return found;
  return look("the label", batch.label);
}

std::string all_tensors(World &world, const std::vector<std::string> &names) {
  std::vector<std::string> all;
  for (const std::string &text : all_gather(world, nlohmann::json(names).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)))
    for (const std::string name : nlohmann::json::parse(text))
      if (std::find(all.begin(), all.end(), name) == all.end())
        all.push_back(name);
  if (all.empty())
    return "";
  const std::size_t more = all.size() - 1;
  return "'" + all.front() + "'" + (more == 0 ? "" : " and " + std::to_string(more) + " more tensor" + (more == 1 ? "" : "s"));
}

} // namespace dtcrt
