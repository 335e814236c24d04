// Matrix products by oneDNN's matmul on plain memory (packed weights bring nothing measurable: see Rationale.md).
// T is the operands' type, Y the result's: f32 to f32, or bf16 to either.
#include "dtcrt/matmul.h"
#include "cpu/Backend.h"
#include "cpu/Elementwise.h"
#include "cpu/Epilogue.h"
#include "cpu/Widened.h"
#include "dtcrt/movement.h"
#include "math/ProductGradients.h"

#include <type_traits>
#include <vector>

namespace dtcrt {

using dnnl::memory;

namespace {

enum : i64 { key_matmul = 200 };

struct Product : Made {
  bool exists = true; ///< oneDNN has a kernel for it
  dnnl::matmul primitive;
  memory a, b, bias, y, scratchpad;
  std::size_t scratchpad_bytes = 0;
};

/// oneDNN wants one of the two matrix dimensions to be contiguous.
template <class T> bool has_unit_stride(const Tensor<T> &t) {
  const int rank = t.rank();
  return t.strides()[rank - 1] == 1 || t.strides()[rank - 2] == 1 || t.dim(rank - 1) == 1 || t.dim(rank - 2) == 1;
}

/// All dimensions but the last as one, when memory allows it: a stack of matrices as one tall matrix.
template <class T> bool as_tall(const Tensor<T> &t, Tensor<T> &tall) {
  const int rank = t.rank();
  index stride = t.strides()[rank - 2], rows = t.dim(rank - 2);
  for (int i = rank - 3; i >= 0; --i) {
    if (t.dim(i) != 1 && t.strides()[i] != stride * rows)
      return false;
    rows *= t.dim(i);
  }
  tall = Tensor<T>(t.data(), {rows, t.dim(rank - 1)}, {stride, t.strides()[rank - 1]});
  return true;
}

template <class T> index batch_of(const Tensor<T> &t) {
  index batch = 1;
  for (int i = 0; i < t.rank() - 2; ++i)
    batch *= t.dim(i);
  return batch;
}

/// The leading dimensions as one, when memory allows it: [batch, rows, columns].
template <class T> bool as_stack(const Tensor<T> &t, Tensor<T> &stack) {
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
  stack = Tensor<T>(t.data(), {batch, t.dim(rank - 2), t.dim(rank - 1)}, {stride, t.strides()[rank - 2], t.strides()[rank - 1]});
  return true;
}

template <class T> memory::desc strided_desc(const Tensor<T> &t) {
  memory::dims dims = memory_dims(t.shape()), strides = memory_dims(t.strides());
  // A dimension of size 1 may carry any stride; give it the one that a dense matrix would have.
  const int rank = t.rank();
  if (t.dim(rank - 1) == 1 && strides[rank - 2] == 1 && t.dim(rank - 2) > 1)
    strides[rank - 1] = t.dim(rank - 2);
  else if (t.dim(rank - 1) == 1)
    strides[rank - 1] = 1;
  if (t.dim(rank - 2) == 1 && strides[rank - 1] == 1)
    strides[rank - 2] = t.dim(rank - 1);
  return {dims, data_type_of<T>, strides};
}

/// One product of matrices (rank 2) or of equal stacks of matrices (rank 3). False: there is no kernel for these types.
template <class T, class Y>
bool product(Context &ctx, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const Y *bias, Activation activation, f32 alpha,
             bool accumulate) {
  Context::Backend &backend = ctx.backend();
  Key key(key_matmul);
  key << a << b << y << i64(bias != nullptr) << i64(activation) << alpha << i64(accumulate);
  const auto make = [&] {
    const auto attr = attributes(activation, alpha, accumulate);
    using Desc = dnnl::matmul::desc;
    memory::dims bias_dims(y.rank(), 1);
    bias_dims.back() = y.dim(y.rank() - 1);
    memory::dims bias_strides(y.rank(), bias_dims.back());
    bias_strides.back() = 1;
    const memory::desc bias_desc(bias_dims, data_type_of<Y>, bias_strides);
    const Desc described = bias ? Desc(strided_desc(a), strided_desc(b), bias_desc, strided_desc(y))
                                : Desc(strided_desc(a), strided_desc(b), strided_desc(y));
    const dnnl::matmul::primitive_desc desc(described, attr, backend.engine);
    Product p;
    p.exists = !is_reference(desc) || std::is_same_v<T, f32>;
    p.primitive = dnnl::matmul(desc);
    p.a = memory(desc.src_desc(), backend.engine, nullptr);
    p.b = memory(desc.weights_desc(), backend.engine, nullptr);
    p.y = memory(desc.dst_desc(), backend.engine, nullptr);
    if (bias)
      p.bias = memory(bias_desc, backend.engine, nullptr);
    p.scratchpad = memory(desc.scratchpad_desc(), backend.engine, nullptr);
    p.scratchpad_bytes = desc.scratchpad_desc().get_size();
    return p;
  };
  Product &made = backend.made.get<Product>(key, [&] {
    if constexpr (std::is_same_v<T, f32>) {
      return make();
    } else {
      Product none;
      none.exists = false;
      if (!backend.library_bf16)
        return none;
      try {
        return make();
      } catch (const dnnl::error &) {
        return none;
      }
    }
  });
  if (!made.exists)
    return false;
  made.a.set_data_handle(a.data());
  made.b.set_data_handle(b.data());
  made.y.set_data_handle(y.data());
  made.scratchpad.set_data_handle(backend.scratchpad(made.scratchpad_bytes));
  std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, made.a},
                                            {DNNL_ARG_WEIGHTS, made.b},
                                            {DNNL_ARG_DST, made.y},
                                            {DNNL_ARG_SCRATCHPAD, made.scratchpad}};
  if (bias) {
    made.bias.set_data_handle(const_cast<Y *>(bias));
    arguments.emplace(DNNL_ARG_BIAS, made.bias);
  }
  made.primitive.execute(backend.stream, arguments);
  return true;
}

/// The matrix of `t` that belongs to matrix `position` of `result`'s stack, by numpy's broadcasting.
template <class T, class Y> Tensor<T> matrix_at(const Tensor<T> &t, const Tensor<Y> &result, index position) {
  const int rank = t.rank(), lead = result.rank() - rank;
  T *data = t.data();
  for (int i = result.rank() - 3; i >= 0; --i) {
    const index at = position % result.dim(i);
    position /= result.dim(i);
    if (i >= lead && t.dim(i - lead) != 1)
      data += at * t.strides()[i - lead];
  }
  return {data, {t.dim(rank - 2), t.dim(rank - 1)}, {t.strides()[rank - 2], t.strides()[rank - 1]}};
}

/// A dense copy of `t`, in memory that `storage` owns.
template <class T> Tensor<T> dense_copy(Context &ctx, const Tensor<T> &t, std::vector<T> &storage) {
  storage.resize(static_cast<std::size_t>(t.size()));
  const Tensor<T> dense(storage.data(), t.shape());
  copy(ctx, t, dense);
  return dense;
}

template <class T, class Y>
bool multiply(Context &ctx, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const Y *bias, Activation activation, f32 alpha,
              bool accumulate) {
  Tensor<T> flat_a, flat_b;
  Tensor<Y> flat_y;
  // A stack times one matrix is one tall product.
  if (batch_of(b) == 1 && batch_of(a) == batch_of(y) && as_tall(a, flat_a) && as_tall(y, flat_y))
    return product(ctx, flat_a, matrix_at(b, b, 0), flat_y, bias, activation, alpha, accumulate);
  if (batch_of(a) == batch_of(y) && batch_of(b) == batch_of(y) && as_stack(a, flat_a) && as_stack(b, flat_b) && as_stack(y, flat_y))
    return product(ctx, flat_a, flat_b, flat_y, bias, activation, alpha, accumulate);
  const index batch = batch_of(y);
  for (index i = 0; i < batch; ++i)
    if (!product(ctx, matrix_at(a, y, i), matrix_at(b, y, i), matrix_at(y, y, i), bias, activation, alpha, accumulate))
      return false;
  return true;
}

template <class T, class Y>
bool matrix_product(Context &ctx, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const MatmulOptionsOf<Y> &o) {
  require(a.rank() >= 2 && b.rank() >= 2 && y.rank() >= 2, "matmul", "operands have rank 2 or more");
  require(!o.accumulate || (!o.bias && o.activation == Activation::none), "matmul", "a sum takes neither bias nor activation");
  if (std::is_same_v<T, bf16> && !ctx.backend().library_bf16)
    return false;
  bool done = true;
  guarded("matmul", a.shape(), b.shape(), y.shape(), [&] {
    std::vector<T> storage_a, storage_b;
    std::vector<Y> storage_y;
    Tensor<T> va = matrix_view(a, o.transpose_a), vb = matrix_view(b, o.transpose_b);
    Tensor<Y> vy = matrix_view(y, false);
    if (!has_unit_stride(va))
      va = dense_copy(ctx, va, storage_a);
    if (!has_unit_stride(vb))
      vb = dense_copy(ctx, vb, storage_b);
    const bool direct = y.strides()[y.rank() - 1] == 1;
    if (!direct) {
      storage_y.resize(static_cast<std::size_t>(y.size()));
      vy = Tensor<Y>(storage_y.data(), y.shape());
      if (o.accumulate)
        copy(ctx, y, vy);
    }
    // oneDNN adds a bias along the columns; any other shape is added in a pass of its own, and the activation after it.
    const bool fused = !o.bias || (o.bias.size() == y.dim(y.rank() - 1) && o.bias.dim(o.bias.rank() - 1) == o.bias.size() &&
                                   o.bias.strides()[o.bias.rank() - 1] == 1);
    if (fused && epilogue_fits(ctx, o.activation, o.alpha, a, b, va.dim(va.rank() - 1), o.bias, vy)) {
      done = multiply(ctx, va, vb, vy, o.bias.data(), o.activation, o.alpha, o.accumulate);
    } else if (fused && (std::is_same_v<Y, f32> || o.activation != Activation::sigmoid)) { // a rounding before relu changes nothing
      done = multiply(ctx, va, vb, vy, o.bias.data(), Activation::none, 0, o.accumulate);
      if (done)
        activate(ctx, vy, o.activation, o.alpha);
    } else if constexpr (std::is_same_v<Y, f32>) {
      done = multiply<T, Y>(ctx, va, vb, vy, nullptr, Activation::none, 0, false);
      if (done) {
        add_broadcast(ctx, vy, o.bias);
        activate(ctx, vy, o.activation, o.alpha);
      }
    } else { // one rounding, behind the activation
      done = false;
    }
    if (done && !direct)
      copy(ctx, vy, y);
  });
  return done;
}

} // namespace

void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &o) {
  check_gradient(y, o);
  sum_operands(ctx, a, b, o);
  matrix_product(ctx, a, b, y, o);
  if (o.gradient_at)
    take_gradient(ctx, y, o.gradient_at, o.activation_gradient, o.bias_gradient.data());
}
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<f32> &y, const MatmulOptions &o) {
  check_gradient(y, o);
  sum_operands(ctx, a, b, o);
  if (!matrix_product(ctx, a, b, y, o)) {
    Widened widened(ctx);
    const Tensor<f32> wide_a = widened.of(a);
    matrix_product(ctx, wide_a, widened.of(b), y, o);
  }
  if (o.gradient_at)
    take_gradient(ctx, y, o.gradient_at, o.activation_gradient, o.bias_gradient.data());
}
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<bf16> &y, const MatmulOptionsOf<bf16> &o) {
  require(!o.accumulate, "matmul", "sums are not bf16");
  check_gradient(y, o);
  sum_operands(ctx, a, b, o);
  // Of relu the gradient may be taken of what is rounded already.
  if (o.activation_gradient == Activation::none || o.activation_gradient == relu)
    if (matrix_product(ctx, a, b, y, o)) {
      if (o.gradient_at)
        take_gradient(ctx, y, o.gradient_at, o.activation_gradient, nullptr);
      return;
    }
  Widened widened(ctx);
  const Tensor<f32> wide_y = widened.like(y);
  const MatmulOptions wide_o{.bias = widened.of(o.bias), .transpose_a = o.transpose_a, .transpose_b = o.transpose_b, .activation = o.activation, .alpha = o.alpha};
  if (!matrix_product(ctx, a, b, wide_y, wide_o)) {
    const Tensor<f32> wide_a = widened.of(a);
    matrix_product(ctx, wide_a, widened.of(b), wide_y, wide_o);
  }
  if (o.gradient_at)
    take_gradient(ctx, wide_y, widened.of(o.gradient_at), o.activation_gradient, nullptr);
  cast(ctx, wide_y, y);
}

} // namespace dtcrt
