// Updates in place, one pass over memory: of parameters as torch.optim.SGD, Adam and AdamW define them, and of running statistics as
// torch.nn.BatchNorm2d does.
#pragma once

#include "dtcrt/context.h"

#include <initializer_list>

namespace dtcrt {

struct SgdOptions {
  f64 lr = 1e-3;
  f64 momentum = 0;
  f64 weight_decay = 0;
  f64 dampening = 0;
  bool nesterov = false;
};

/// parameter -= lr * (gradient + weight_decay * parameter). All tensors of one call have the same shape and dense layout.
void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const SgdOptions &options);
/// With a momentum buffer: at step 1 it becomes the gradient, later momentum * buffer + (1 - dampening) * gradient.
/// `step` (1-based, a scalar) may be left out when dampening is 0 and the buffer starts at 0: both then give the same.
void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum,
                const SgdOptions &options);
void sgd_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &momentum,
                const Tensor<i64> &step, const SgdOptions &options);

/// What one update of a list works on. No memory is in two of a list.
struct SgdTensors {
  Tensor<f32> parameter, gradient;
  Tensor<f32> momentum{}; ///< absent, in all of a list, without momentum
};
/// All updates of a list at once (one parallel region, one launch): as if each were called by itself.
void sgd_update(Context &ctx, std::initializer_list<SgdTensors> list, const SgdOptions &options);
void sgd_update(Context &ctx, std::initializer_list<SgdTensors> list, const Tensor<i64> &step, const SgdOptions &options);

struct AdamOptions {
  f64 lr = 1e-3;
  f64 beta1 = 0.9;
  f64 beta2 = 0.999;
  f64 epsilon = 1e-8;
  f64 weight_decay = 0;
  bool decoupled = false; ///< AdamW: parameter *= 1 - lr * weight_decay, instead of adding weight_decay * parameter to the gradient
};

/// m and v are the moments, step the 1-based number of this update (a scalar).
void adam_update(Context &ctx, const Tensor<f32> &parameter, const Tensor<f32> &gradient, const Tensor<f32> &m,
                 const Tensor<f32> &v, const Tensor<i64> &step, const AdamOptions &options);

struct AdamTensors {
  Tensor<f32> parameter, gradient, m, v;
};
void adam_update(Context &ctx, std::initializer_list<AdamTensors> list, const Tensor<i64> &step, const AdamOptions &options);

struct RunningAverageOptions {
  f64 momentum = 0.1; ///< the weight of the new value
};

struct RunningAverageTensors {
  Tensor<f32> average, value;
};
/// average += momentum * (value - average), of one tensor or of all of a list.
void running_average_update(Context &ctx, const Tensor<f32> &average, const Tensor<f32> &value, const RunningAverageOptions &options = {});
void running_average_update(Context &ctx, std::initializer_list<RunningAverageTensors> list, const RunningAverageOptions &options = {});

} // namespace dtcrt
