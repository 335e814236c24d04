// Moving elements: every call becomes one strided copy between two views of the same shape.
#include "dtcrt/movement.h"
#include "core/Require.h"
#include "math/CopyView.h"
#include "math/Workspace.h"

namespace dtcrt {

namespace {

Dims part_strides(const Dims &strides, const Dims &steps) {
  Dims result = strides;
  for (int i = 0; i < steps.size(); ++i)
    result[i] *= steps[i];
  return result;
}

index part_offset(const char *call, const Dims &whole, const Dims &part, const Dims &strides, const SliceOptions &o) {
  require(o.offsets.size() == whole.size() && part.size() == whole.size(), call, "one offset a dimension");
  require(o.steps.empty() || o.steps.size() == whole.size(), call, "one step a dimension");
  index offset = 0;
  for (int i = 0; i < whole.size(); ++i) {
    const index step = o.steps.empty() ? 1 : o.steps[i];
    require(step >= 1 && o.offsets[i] >= 0 && (part[i] == 0 || o.offsets[i] + (part[i] - 1) * step < whole[i]), call,
            "the part lies inside the whole");
    offset += o.offsets[i] * strides[i];
  }
  return offset;
}

} // namespace

template <class T> void copy(Context &ctx, const Tensor<T> &x, const Tensor<T> &y) {
  require(x.size() == y.size(), "copy", "both sides have the same number of elements");
  if (x.shape() == y.shape())
    return copy_view<T>(ctx, x.data(), x.strides(), y.data(), y.strides(), x.shape());
  // A reshape: one side that is row-major takes the other's shape.
  if (y.layout() == row_major)
    return copy_view<T>(ctx, x.data(), x.strides(), y.data(), dense_strides(x.shape()), x.shape());
  if (x.layout() == row_major)
    return copy_view<T>(ctx, x.data(), dense_strides(y.shape()), y.data(), y.strides(), y.shape());
  T *between = static_cast<T *>(workspace(ctx, x.bytes()));
  copy_view<T>(ctx, x.data(), x.strides(), between, dense_strides(x.shape()), x.shape());
  copy_view<T>(ctx, between, dense_strides(y.shape()), y.data(), y.strides(), y.shape());
}

template <class T> void transpose(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const TransposeOptions &o) {
  const int rank = x.rank();
  require(y.rank() == rank && (o.perm.empty() || o.perm.size() == rank), "transpose", "one entry of perm a dimension");
  Dims strides = Dims::repeat(rank, 0);
  for (int i = 0; i < rank; ++i) {
    const index from = o.perm.empty() ? rank - 1 - i : o.perm[i];
    require(from >= 0 && from < rank && x.dim(static_cast<int>(from)) == y.dim(i), "transpose", "y's shape is x's, permuted");
    strides[i] = x.strides()[static_cast<int>(from)];
  }
  copy_view<T>(ctx, x.data(), strides, y.data(), y.strides(), y.shape());
}

template <class T> void slice(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const SliceOptions &o) {
  const index offset = part_offset("slice", x.shape(), y.shape(), x.strides(), o);
  copy_view<T>(ctx, x.data() + offset, part_strides(x.strides(), o.steps), y.data(), y.strides(), y.shape());
}

template <class T> void insert(Context &ctx, const Tensor<T> &x, const Tensor<T> &y, const SliceOptions &o) {
  const index offset = part_offset("insert", y.shape(), x.shape(), y.strides(), o);
  copy_view<T>(ctx, x.data(), x.strides(), y.data() + offset, part_strides(y.strides(), o.steps), x.shape());
}

template <class T> void broadcast(Context &ctx, const Tensor<T> &x, const Tensor<T> &y) {
  const int lead = y.rank() - x.rank();
  require(lead >= 0, "broadcast", "the result has at least as many dimensions");
  Dims strides = Dims::repeat(y.rank(), 0);
  for (int i = lead; i < y.rank(); ++i)
    if (x.dim(i - lead) != 1) {
      require(x.dim(i - lead) == y.dim(i), "broadcast", "sizes agree or are 1");
      strides[i] = x.strides()[i - lead];
    }
  copy_view<T>(ctx, x.data(), strides, y.data(), y.strides(), y.shape());
}

#define DTCRT_MOVEMENT(T)                                                                                                              \
  template void copy(Context &, const Tensor<T> &, const Tensor<T> &);                                                                 \
  template void transpose(Context &, const Tensor<T> &, const Tensor<T> &, const TransposeOptions &);                                  \
  template void slice(Context &, const Tensor<T> &, const Tensor<T> &, const SliceOptions &);                                          \
  template void insert(Context &, const Tensor<T> &, const Tensor<T> &, const SliceOptions &);                                         \
  template void broadcast(Context &, const Tensor<T> &, const Tensor<T> &);
DTCRT_MOVEMENT(f32)
DTCRT_MOVEMENT(bf16)
DTCRT_MOVEMENT(i64)
DTCRT_MOVEMENT(i32)
DTCRT_MOVEMENT(u8)
DTCRT_MOVEMENT(bool)
#undef DTCRT_MOVEMENT

namespace {
template <class T> void concatenate(Context &ctx, std::initializer_list<Tensor<T>> inputs, const Tensor<T> &y, const ConcatOptions &o) {
  const int axis = o.axis < 0 ? o.axis + y.rank() : o.axis;
  require(axis >= 0 && axis < y.rank(), "concat", "the axis is one of y's");
  index at = 0;
  for (const Tensor<T> &x : inputs) {
    Dims offsets = Dims::repeat(y.rank(), 0);
    offsets[axis] = at;
    insert(ctx, x, y, {.offsets = offsets});
    at += x.dim(axis);
  }
  require(at == y.dim(axis), "concat", "the inputs fill y");
}
} // namespace

void concat(Context &ctx, std::initializer_list<Tensor<f32>> inputs, const Tensor<f32> &y, const ConcatOptions &o) {
  concatenate(ctx, inputs, y, o);
}
void concat(Context &ctx, std::initializer_list<Tensor<bf16>> inputs, const Tensor<bf16> &y, const ConcatOptions &o) {
  concatenate(ctx, inputs, y, o);
}
void concat(Context &ctx, std::initializer_list<Tensor<i64>> inputs, const Tensor<i64> &y, const ConcatOptions &o) {
  concatenate(ctx, inputs, y, o);
}
void concat(Context &ctx, std::initializer_list<Tensor<i32>> inputs, const Tensor<i32> &y, const ConcatOptions &o) {
  concatenate(ctx, inputs, y, o);
}
void concat(Context &ctx, std::initializer_list<Tensor<bool>> inputs, const Tensor<bool> &y, const ConcatOptions &o) {
  concatenate(ctx, inputs, y, o);
}

void fill(Context &ctx, const Tensor<f32> &y, f32 value) { fill_view(ctx, value, y.data(), y.strides(), y.shape()); }
void fill(Context &ctx, const Tensor<bf16> &y, f32 value) { fill_view(ctx, bf16(value), y.data(), y.strides(), y.shape()); }

} // namespace dtcrt
