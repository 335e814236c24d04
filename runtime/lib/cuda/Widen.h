// What a library gives in bf16 and the arena holds in f32.
#pragma once

#include "dtcrt/context.h"

namespace dtcrt {

/// to = from; of one shape, each in its own layout.
void widen(Context &ctx, const Tensor<bf16> &from, const Tensor<f32> &to);

} // namespace dtcrt
