// Matrix products by oneDNN's matmul on plain memory (packed weights bring nothing measurable: see Rationale.md).
#include "dtcrt/matmul.h"
#include "cpu/Backend.h"
#include "math/Elementwise.h"
#include "dtcrt/movement.h"

#include <vector>

namespace dtcrt {

using dnnl::memory;

namespace {

enum : i64 { key_matmul = 200 };

struct Product : Made {
  dnnl::matmul primitive;
  memory a, b, bias, y, scratchpad;
  std::size_t scratchpad_bytes = 0;
};

/// t as a matrix or a stack of matrices, its last two dimensions exchanged if asked for.
Tensor<f32> matrix_view(const Tensor<f32> &t, bool transpose) {
  Dims shape = t.shape(), strides = t.strides();
  const int rank = shape.size();
  if (transpose) {
    std::swap(shape[rank - 1], shape[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
  return {t.data(), shape, strides};
}

/// oneDNN wants one of the two matrix dimensions to be contiguous.
bool has_unit_stride(const Tensor<f32> &t) {
  const int rank = t.rank();
  return t.strides()[rank - 1] == 1 || t.strides()[rank - 2] == 1 || t.dim(rank - 1) == 1 || t.dim(rank - 2) == 1;
}

/// All dimensions but the last as one, when memory allows it: a stack of matrices as one tall matrix.
bool as_tall(const Tensor<f32> &t, Tensor<f32> &tall) {
  const int rank = t.rank();
  index stride = t.strides()[rank - 2], rows = t.dim(rank - 2);
  for (int i = rank - 3; i >= 0; --i) {
    if (t.dim(i) != 1 && t.strides()[i] != stride * rows)
      return false;
    rows *= t.dim(i);
  }
  tall = Tensor<f32>(t.data(), {rows, t.dim(rank - 1)}, {stride, t.strides()[rank - 1]});
  return true;
}

index batch_of(const Tensor<f32> &t) {
  index batch = 1;
  for (int i = 0; i < t.rank() - 2; ++i)
    batch *= t.dim(i);
  return batch;
}

/// The leading dimensions as one, when memory allows it: [batch, rows, columns].
bool as_stack(const Tensor<f32> &t, Tensor<f32> &stack) {
  const int rank = t.rank();
  index batch = 1, stride = 0;
  for (int i = rank - 3; i >= 0; --i) {
    if (t.dim(i) == 1)
      continue;
    if (batch > 1 && t.strides()[i] != stride * batch)
      return false;
    if (batch == 1)
      stride = t.strides()[i];
    batch *= t.dim(i);
  }
  stack = Tensor<f32>(t.data(), {batch, t.dim(rank - 2), t.dim(rank - 1)}, {stride, t.strides()[rank - 2], t.strides()[rank - 1]});
  return true;
}

memory::desc strided_desc(const Tensor<f32> &t) {
  memory::dims dims = memory_dims(t.shape()), strides = memory_dims(t.strides());
  // A dimension of size 1 may carry any stride; give it the one that a dense matrix would have.
  const int rank = t.rank();
  if (t.dim(rank - 1) == 1 && strides[rank - 2] == 1 && t.dim(rank - 2) > 1)
    strides[rank - 1] = t.dim(rank - 2);
  else if (t.dim(rank - 1) == 1)
    strides[rank - 1] = 1;
  if (t.dim(rank - 2) == 1 && strides[rank - 1] == 1)
    strides[rank - 2] = t.dim(rank - 1);
  return {dims, memory::data_type::f32, strides};
}

/// One product of matrices (rank 2) or of equal stacks of matrices (rank 3).
void product(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const f32 *bias, Activation activation,
             f32 alpha, bool accumulate) {
  Context::Backend &backend = ctx.backend();
  Key key(key_matmul);
  key << a << b << y << i64(bias != nullptr) << i64(activation) << alpha << i64(accumulate);
  Product &made = backend.made.get<Product>(key, [&] {
    const auto attr = attributes(activation, alpha, accumulate);
    using Desc = dnnl::matmul::desc;
    memory::dims bias_dims(y.rank(), 1);
    bias_dims.back() = y.dim(y.rank() - 1);
    memory::dims bias_strides(y.rank(), bias_dims.back());
    bias_strides.back() = 1;
    const memory::desc bias_desc(bias_dims, memory::data_type::f32, bias_strides);
    const Desc described = bias ? Desc(strided_desc(a), strided_desc(b), bias_desc, strided_desc(y))
                                : Desc(strided_desc(a), strided_desc(b), strided_desc(y));
    const dnnl::matmul::primitive_desc desc(described, attr, backend.engine);
    Product p;
    p.primitive = dnnl::matmul(desc);
    p.a = memory(desc.src_desc(), backend.engine, nullptr);
    p.b = memory(desc.weights_desc(), backend.engine, nullptr);
    p.y = memory(desc.dst_desc(), backend.engine, nullptr);
    if (bias)
      p.bias = memory(bias_desc, backend.engine, nullptr);
    p.scratchpad = memory(desc.scratchpad_desc(), backend.engine, nullptr);
    p.scratchpad_bytes = desc.scratchpad_desc().get_size();
    return p;
  });
  made.a.set_data_handle(a.data());
  made.b.set_data_handle(b.data());
  made.y.set_data_handle(y.data());
  made.scratchpad.set_data_handle(backend.scratchpad(made.scratchpad_bytes));
  std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, made.a},
                                            {DNNL_ARG_WEIGHTS, made.b},
                                            {DNNL_ARG_DST, made.y},
                                            {DNNL_ARG_SCRATCHPAD, made.scratchpad}};
  if (bias) {
    made.bias.set_data_handle(const_cast<f32 *>(bias));
    arguments.emplace(DNNL_ARG_BIAS, made.bias);
  }
  made.primitive.execute(backend.stream, arguments);
}

/// The matrix of `t` that belongs to matrix `position` of `result`'s stack, by numpy's broadcasting.
Tensor<f32> matrix_at(const Tensor<f32> &t, const Tensor<f32> &result, index position) {
  const int rank = t.rank(), lead = result.rank() - rank;
  f32 *data = t.data();
  for (int i = result.rank() - 3; i >= 0; --i) {
    const index at = position % result.dim(i);
    position /= result.dim(i);
    if (i >= lead && t.dim(i - lead) != 1)
      data += at * t.strides()[i - lead];
  }
  return {data, {t.dim(rank - 2), t.dim(rank - 1)}, {t.strides()[rank - 2], t.strides()[rank - 1]}};
}

/// A dense copy of `t`, in memory that `storage` owns.
Tensor<f32> dense_copy(Context &ctx, const Tensor<f32> &t, std::vector<f32> &storage) {
  storage.resize(static_cast<std::size_t>(t.size()));
  const Tensor<f32> dense(storage.data(), t.shape());
  copy(ctx, t, dense);
  return dense;
}

void multiply(Context &ctx, Tensor<f32> a, Tensor<f32> b, const Tensor<f32> &y, const f32 *bias, Activation activation, f32 alpha,
              bool accumulate) {
  Tensor<f32> flat_a, flat_b, flat_y;
  // A stack times one matrix is one tall product.
  if (batch_of(b) == 1 && batch_of(a) == batch_of(y) && as_tall(a, flat_a) && as_tall(y, flat_y))
    return product(ctx, flat_a, matrix_at(b, b, 0), flat_y, bias, activation, alpha, accumulate);
  if (batch_of(a) == batch_of(y) && batch_of(b) == batch_of(y) && as_stack(a, flat_a) && as_stack(b, flat_b) && as_stack(y, flat_y))
    return product(ctx, flat_a, flat_b, flat_y, bias, activation, alpha, accumulate);
  const index batch = batch_of(y);
  for (index i = 0; i < batch; ++i)
    product(ctx, matrix_at(a, y, i), matrix_at(b, y, i), matrix_at(y, y, i), bias, activation, alpha, accumulate);
}

} // namespace

void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &o) {
  require(a.rank() >= 2 && b.rank() >= 2 && y.rank() >= 2, "matmul", "operands have rank 2 or more");
  require(!o.accumulate || (!o.bias && o.activation == Activation::none), "matmul", "a sum takes neither bias nor activation");
  guarded("matmul", a.shape(), b.shape(), y.shape(), [&] {
    std::vector<f32> storage_a, storage_b, storage_y;
    Tensor<f32> va = matrix_view(a, o.transpose_a), vb = matrix_view(b, o.transpose_b), vy = matrix_view(y, false);
    if (!has_unit_stride(va))
      va = dense_copy(ctx, va, storage_a);
    if (!has_unit_stride(vb))
      vb = dense_copy(ctx, vb, storage_b);
    const bool direct = y.strides()[y.rank() - 1] == 1;
    if (!direct) {
      storage_y.resize(static_cast<std::size_t>(y.size()));
      vy = Tensor<f32>(storage_y.data(), y.shape());
      if (o.accumulate)
        copy(ctx, y, vy);
    }
    // oneDNN adds a bias along the columns; any other shape is added in a pass of its own, and the activation after it.
    const bool fused = !o.bias || (o.bias.size() == y.dim(y.rank() - 1) && o.bias.dim(o.bias.rank() - 1) == o.bias.size() &&
                                   o.bias.strides()[o.bias.rank() - 1] == 1);
    if (fused)
      multiply(ctx, va, vb, vy, o.bias.data(), o.activation, o.alpha, o.accumulate);
    else {
      multiply(ctx, va, vb, vy, nullptr, Activation::none, 0, false);
      add_broadcast(ctx, vy, o.bias);
      activate(ctx, vy, o.activation, o.alpha);
    }
    if (!direct)
      copy(ctx, vy, y);
  });
}

} // namespace dtcrt
