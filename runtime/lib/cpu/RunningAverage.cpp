// Running statistics on the host.
#include "math/RunningAverage.h"

namespace dtcrt {

void running_average_update(Context &ctx, ListOf<RunningAverageTensors> list, const RunningAverageOptions &o) {
  std::vector<Moving<RunningAverage>> all;
  for (const RunningAverageTensors &tensors : list) {
    all.push_back({tensors.average, tensors.value});
    detail::check_moving(all.back(), 0);
  }
  detail::for_each_range(ctx, all, [formula = RunningAverage(o)](std::size_t, const auto &tensors, index begin, index end) {
    detail::move_range(formula, begin, end, tensors[0].data(), tensors[1].data());
  });
  for (const RunningAverageTensors &tensors : list)
    ctx.parameter_changed(tensors.average.data());
}

void running_average_update(Context &ctx, const Tensor<f32> &average, const Tensor<f32> &value, const RunningAverageOptions &o) {
  running_average_update(ctx, {{average, value}}, o);
}

} // namespace dtcrt
