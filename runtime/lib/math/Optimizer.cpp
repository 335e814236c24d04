// Updates of single tensors: lists of one.
#include "dtcrt/optimizer.h"

namespace dtcrt {

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const SgdOptions &o) {
  sgd_update(ctx, {{parameter, gradient}}, o);
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum, const SgdOptions &o) {
  sgd_update(ctx, {{parameter, gradient, momentum}}, o);
}

void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum,
                const Tensor<i64> &step, const SgdOptions &o) {
  sgd_update(ctx, {{parameter, gradient, momentum}}, step, o);
}

void adam_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &m, const Tensor<f32> &v,
                 const Tensor<i64> &step, const AdamOptions &o) {
  adam_update(ctx, {{parameter, gradient, m, v}}, step, o);
}

void running_average_update(Context &ctx, const Tensor<f32> &average, const Tensor<f32> &value, const RunningAverageOptions &o) {
  running_average_update(ctx, {{average, value}}, o);
}

} // namespace dtcrt
