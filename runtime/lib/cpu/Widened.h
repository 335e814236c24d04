// bf16 operands as f32, for calls that work on f32 alone; cast() brings results back.
#pragma once

#include "cpu/Backend.h"
#include "dtcrt/cast.h"

namespace dtcrt {

/// f32 copies in one block of the context, which belongs to one call at a time.
class Widened {
public:
  explicit Widened(Context &ctx) : ctx_(ctx) {}

  /// The values of `tensor`: dense, in its layout, or row-major if it is strided.
  Tensor<f32> of(const Tensor<bf16> &tensor);
  /// Of its shape and layout, without its values. An absent tensor stays absent.
  Tensor<f32> like(const Tensor<bf16> &tensor);

private:
  Context &ctx_;
  std::size_t used_ = 0; ///< copies
};

} // namespace dtcrt
