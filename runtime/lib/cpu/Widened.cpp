// Conversions between f32 and bf16.
#include "cpu/Widened.h"

namespace dtcrt {

namespace {
template <class From, class To> void convert(Context &ctx, const Tensor<From> &from, const Tensor<To> &to) {
  require(from.shape() == to.shape(), "cast", "both sides have one shape");
  const index size = from.size();
  const From *in = from.data();
  To *out = to.data();
  if (from.is_dense() && to.is_dense() && from.strides() == to.strides()) {
#pragma omp parallel for simd schedule(static) num_threads(threads_for(ctx, size))
    for (index i = 0; i < size; ++i)
      out[i] = To(in[i]);
    return;
  }
  const int rank = from.rank();
  const index inner = rank ? from.dim(rank - 1) : 1, rows = inner ? size / inner : 0;
  const index step = rank ? from.strides()[rank - 1] : 1, to_step = rank ? to.strides()[rank - 1] : 1;
#pragma omp parallel for schedule(static) num_threads(threads_for(ctx, size))
  for (index row = 0; row < rows; ++row) {
    index rest = row, at = 0, to_at = 0;
    for (int d = rank - 2; d >= 0; --d) {
      at += rest % from.dim(d) * from.strides()[d];
      to_at += rest % from.dim(d) * to.strides()[d];
      rest /= from.dim(d);
    }
    for (index i = 0; i < inner; ++i)
      out[to_at + i * to_step] = To(in[at + i * step]);
  }
}
} // namespace

Tensor<f32> Widened::like(const Tensor<bf16> &tensor) {
  if (!tensor)
    return {};
  f32 *memory = ctx_.backend().widened(used_++, static_cast<std::size_t>(tensor.size()) * sizeof(f32));
  return {memory, tensor.shape(), tensor.layout() == channels_last ? channels_last : row_major};
}

Tensor<f32> Widened::of(const Tensor<bf16> &tensor) {
  const Tensor<f32> wide = like(tensor);
  if (tensor)
    convert(ctx_, tensor, wide);
  return wide;
}

void cast(Context &ctx, const Tensor<f32> &from, const Tensor<bf16> &to) {
  convert(ctx, from, to);
  // Until the next cast the copy of a parameter changes as little as the parameter.
  auto &generations = ctx.backend().generations;
  if (generations.count(from.data()))
    ++generations[to.data()];
}
void cast(Context &ctx, ListOf<CastTensors> list) {
  for (const CastTensors &tensors : list)
    cast(ctx, tensors.from, tensors.to);
}

} // namespace dtcrt
