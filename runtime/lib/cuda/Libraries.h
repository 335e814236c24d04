// What the calls of one context share of NVIDIA's libraries: handles and tuned plans, made when the first call asks.
#pragma once

#include "cuda/Backend.h"
#include "cuda/ConvolutionGraph.h"
#include "cuda/MatmulPlan.h"
#include "cuda/PlanCache.h"

namespace dtcrt {

Cudnn &cudnn(Context &ctx);
CublasLt &cublas_lt(Context &ctx);
/// What was found out about this library on this device; `version` as "cudnn 91900".
PlanCache &plan_cache(Context &ctx, const std::string &version);

/// A parameter's values with the channels of each kernel position side by side ([M, kernel..., C / groups] in memory), as engines on
/// tensor cores read them. Made anew when the parameter may have changed since: in a step, before its first use.
template <class T> Tensor<T> channels_last_filter(Context &ctx, const Tensor<T> &w);

} // namespace dtcrt
