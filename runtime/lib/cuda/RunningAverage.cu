// Running statistics on a GPU.
#include "math/RunningAverage.h"

namespace dtcrt {

void running_average_update(Context &ctx, ListOf<RunningAverageTensors> list, const RunningAverageOptions &o) {
  std::vector<Moving<RunningAverage>> all;
  for (const RunningAverageTensors &tensors : list)
    all.push_back({tensors.average, tensors.value});
  using Make = detail::GivenFormula<RunningAverage>;
  detail::for_update_lists<RunningAverage>(all, [&](const detail::UpdateListOf<RunningAverage> &launched, std::uint32_t blocks) {
    device::launch(ctx, detail::move_elements<RunningAverage, Make>, dim3(blocks), dim3(detail::update_threads), launched, Make{RunningAverage(o)});
  });
  for (const RunningAverageTensors &tensors : list)
    ctx.parameter_changed(tensors.average.data());
}

void running_average_update(Context &ctx, const Tensor<f32> &average, const Tensor<f32> &value, const RunningAverageOptions &o) {
  running_average_update(ctx, {{average, value}}, o);
}

} // namespace dtcrt
