// Matrix products by cuBLASLt: bias, relu or a bias gradient in its epilogues where they have the form; any other form in a pass of its own.
#include "dtcrt/matmul.h"
#include "cuda/Epilogue.h"
#include "cuda/Guarded.h"
#include "cuda/Libraries.h"
#include "cuda/MatmulViews.h"
#include "dtcrt/movement.h"
#include "math/ProductGradients.h"

#include <algorithm>
#include <cstdint>

namespace dtcrt {

namespace {

enum : i64 { key_matmul = 200 };

template <class T> MatrixView view_of(const Tensor<T> &t, bool transpose) {
  const MatrixView view{t.shape(), t.strides()};
  return transpose ? view.transposed() : view;
}

MatrixView dense_view(const MatrixView &view) { return {view.dims, dense_strides(view.dims)}; }

/// The largest power of two, up to 256, that divides the address.
index alignment_of(const void *data) {
  const std::uintptr_t bits = 256 | reinterpret_cast<std::uintptr_t>(data);
  return static_cast<index>(bits & -bits);
}
/// That of every place the product is made at.
template <class T> index alignment_of(const T *data, const std::vector<ProductAt> &at, index ProductAt::*offset) {
  index least = 256;
  for (const ProductAt &place : at)
    least = std::min(least, alignment_of(data + place.*offset));
  return least;
}

/// A product as it is computed.
struct Multiplication : Made {
  Products products;
  std::unique_ptr<MatmulPlan> plan;
  bool copies_a = false, copies_b = false, copies_y = false; ///< to or from memory that cuBLASLt can work on
  bool adds_bias = false;                                    ///< after the product
  Activation activation = Activation::none;                  ///< after the product, and after the bias
  bool sums_a = false, sums_b = false, sums_y = false;       ///< with the product
  bool writes_mask = false, takes_gradient = false;          ///< likewise
};

/// Whether the bias is one value for each row of cuBLASLt's d, one behind the other.
template <class T> bool is_epilogue(const Tensor<T> &bias, const Products &products, const Tensor<T> &y) {
  const int along = bias.rank() - (products.swapped ? 1 : 2);
  const index size = y.dim(y.rank() - (products.swapped ? 1 : 2));
  return along >= 0 && bias.size() == size && bias.dim(along) == size && (size == 1 || bias.strides()[along] == 1);
}

/// Where the operands of a call lie, and the workspace behind its copies.
template <class T, class Y> struct Memory {
  T *a, *b;
  Y *y;
  std::byte *rest;
};

template <class T, class Y>
Memory<T, Y> place(Context &ctx, const Multiplication &made, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, std::size_t rest) {
  const std::size_t a_bytes = made.copies_a ? aligned(a.bytes()) : 0, b_bytes = made.copies_b ? aligned(b.bytes()) : 0;
  const std::size_t y_bytes = made.copies_y ? aligned(y.bytes()) : 0;
  auto *block = static_cast<std::byte *>(ctx.backend().workspace(a_bytes + b_bytes + y_bytes + rest));
  const auto take = [&]<class E>(const Tensor<E> &t, std::size_t bytes) {
    E *data = bytes ? reinterpret_cast<E *>(block) : t.data();
    block += bytes;
    return data;
  };
  Memory<T, Y> memory{};
  memory.a = take(a, a_bytes);
  memory.b = take(b, b_bytes);
  memory.y = take(y, y_bytes);
  memory.rest = block;
  return memory;
}

template <class T, class Y, class Options>
MatmulPlan::Memory operands(const Multiplication &made, const Memory<T, Y> &memory, const Options &o, const ProductAt &at) {
  const T *a = memory.a + at.a, *b = memory.b + at.b;
  return {made.products.swapped ? b : a, made.products.swapped ? a : b, memory.y + at.y, o.bias.data(),
          made.sums_y ? o.bias_gradient.data() : made.sums_a ? o.bias_gradient_a.data() : o.bias_gradient_b.data(),
          o.relu_mask ? static_cast<const void *>(o.relu_mask.data()) : o.gradient_at.data()};
}

/// What cuBLASLt may do beside a product.
struct Epilogue {
  bool bias = false, relu = false, mask = false; ///< forward
  bool gradient = false, sum_y = false;          ///< or backward, of an activation
  bool sum = false;                              ///< or of an operand
};

/// What it could do of what is asked for, the most first; last nothing, which needs no algorithm of a special kind.
template <class Y, class Options> std::vector<Epilogue> epilogues(const Products &products, const Tensor<Y> &y, const Options &o, bool mask_is_written) {
  std::vector<Epilogue> all;
  const bool bias = o.bias && is_epilogue(o.bias, products, y);
  const bool relu_fits = o.activation == relu && (bias || !o.bias);
  // A mask or an argument of gelu lies beside one matrix that is y.
  const bool whole = products.swapped && products.at.size() == 1 && products.product.batch == 1 && y.layout() == row_major;
  if (o.relu_mask && relu_fits && whole)
    all.push_back({.bias = bias, .relu = true, .mask = true});
  if (bias || relu_fits)
    all.push_back({.bias = bias, .relu = relu_fits});
  if (whole && ((o.activation_gradient == relu && mask_is_written) || (o.activation_gradient == gelu_tanh && y.dim(y.rank() - 1) % 8 == 0))) {
    if (o.bias_gradient)
      all.push_back({.gradient = true, .sum_y = true});
    all.push_back({.gradient = true});
  }
  // One of them, in the type of the result, which must not lose digits.
  if (std::is_same_v<Y, f32> && (o.bias_gradient_a || o.bias_gradient_b) && o.activation == Activation::none && !o.bias)
    all.push_back({.sum = true});
  all.push_back({});
  return all;
}

/// Whether relu inside the product keeps NaN. NVIDIA calls it max(x, 0), and does not say what that is of NaN: so it is tried, on the result
/// that is computed behind it. An operand of nothing but NaN comes in place of one that lies without gaps.
template <class T, class Y, class Options>
bool keeps_nan(Context &ctx, const Multiplication &made, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const Options &o) {
  const bool in_a = made.copies_a || a.is_dense();
  if (!in_a && !made.copies_b && !b.is_dense())
    return false;
  const std::size_t plan = aligned(made.plan->workspace_bytes()), bytes = in_a ? a.bytes() : b.bytes();
  Memory<T, Y> tried = place(ctx, made, a, b, y, plan + aligned(bytes));
  T *nothing = reinterpret_cast<T *>(tried.rest + plan);
  fill_with_nan(ctx, nothing, bytes);
  (in_a ? tried.a : tried.b) = nothing;
  const ProductAt &first = made.products.at[0];
  made.plan->run(operands(made, tried, o, first), tried.rest, ctx.backend().compute);
  return becomes_nan(ctx, tried.y + first.y);
}

template <class T, class Y, class Options>
Multiplication choose(Context &ctx, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const Options &o, bool mask_is_written) {
  Context::Backend &backend = ctx.backend();
  Multiplication made;
  MatrixView va = view_of(a, o.transpose_a), vb = view_of(b, o.transpose_b), vy = view_of(y, false);
  made.copies_a = !va.is_stored();
  made.copies_b = !vb.is_stored();
  made.copies_y = !vy.is_stored();
  if (made.copies_a)
    va = dense_view(va);
  if (made.copies_b)
    vb = dense_view(vb);
  if (made.copies_y)
    vy = dense_view(vy);
  made.products = plan_products(va, vb, vy);
  for (const Epilogue &epilogue : epilogues(made.products, y, o, mask_is_written)) {
    Product p = made.products.product;
    p.accumulate = o.accumulate;
    p.tf32 = backend.tf32;
    p.bias = epilogue.bias;
    p.relu = epilogue.relu;
    p.writes_mask = made.writes_mask = epilogue.mask;
    made.takes_gradient = epilogue.gradient;
    p.drelu = epilogue.gradient && o.activation_gradient == relu;
    p.dgelu = epilogue.gradient && o.activation_gradient == gelu_tanh;
    p.sums_d = made.sums_y = epilogue.sum_y;
    made.sums_a = epilogue.sum && o.bias_gradient_a;
    made.sums_b = epilogue.sum && !o.bias_gradient_a;
    p.sums_a = made.products.swapped ? made.sums_b : made.sums_a;
    p.sums_b = made.products.swapped ? made.sums_a : made.sums_b;
    made.adds_bias = o.bias && !p.bias;
    made.activation = p.relu ? Activation::none : o.activation;
    // The pass afterwards wants a dense result.
    if ((made.adds_bias || made.activation != Activation::none) && !y.is_dense() && !made.copies_y) {
      made.copies_y = true;
      made.products = plan_products(va, vb, dense_view(vy));
      p = made.products.product;
      p.tf32 = backend.tf32;
      made.adds_bias = bool(o.bias);
      made.activation = o.activation;
    }
    // Copies lie at multiples of 256 bytes, wherever the workspace is.
    const Memory<T, Y> memory = place(ctx, made, a, b, y, 0);
    const index a_alignment = alignment_of(memory.a, made.products.at, &ProductAt::a);
    const index b_alignment = alignment_of(memory.b, made.products.at, &ProductAt::b);
    const MatmulPlan::Memory beside = operands(made, memory, o, made.products.at[0]);
    p.bias_alignment = alignment_of(p.bias ? beside.bias : beside.sum);
    p.aux_alignment = alignment_of(beside.aux);
    p.aux_leading = p.dgelu ? p.m : (p.m + 127) / 128 * 128;
    p.a.element = p.b.element = element_of<T>;
    p.d.element = element_of<Y>;
    p.a.alignment = made.products.swapped ? b_alignment : a_alignment;
    p.b.alignment = made.products.swapped ? a_alignment : b_alignment;
    p.d.alignment = alignment_of(memory.y, made.products.at, &ProductAt::y);
    const MatmulPlan::Tuning tuning{backend.autotune ? &plan_cache(ctx, cublas_lt(ctx).version()) : nullptr, [&](std::size_t bytes) {
      // Whatever is timed must not add to y.
      Memory<T, Y> tried = place(ctx, made, a, b, y, aligned(bytes) + (o.accumulate ? aligned(y.bytes()) : 0));
      void *workspace = tried.rest;
      if (o.accumulate && !made.copies_y)
        tried.y = reinterpret_cast<Y *>(tried.rest + aligned(bytes));
      return MatmulPlan::Trial{operands(made, tried, o, made.products.at[0]), workspace, backend.compute};
    }};
    made.plan = MatmulPlan::make(cublas_lt(ctx), p, backend.autotune ? &tuning : nullptr);
    if (made.plan && (!p.relu || keeps_nan(ctx, made, a, b, y, o)))
      return made;
  }
  throw LibraryError("cuBLASLt has no algorithm for it");
}

/// Throws LibraryError unless y has the shape of the product.
template <class T, class Y, class Options> void check_shapes(const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const Options &o) {
  const MatrixView va = view_of(a, o.transpose_a), vb = view_of(b, o.transpose_b), vy = view_of(y, false);
  bool fits = va.columns() == vb.rows() && va.rows() == vy.rows() && vb.columns() == vy.columns() && a.rank() <= y.rank() && b.rank() <= y.rank();
  for (const MatrixView *view : {&va, &vb})
    for (int i = 0; fits && i < view->dims.size() - 2; ++i) {
      const index own = view->dims[i], result = vy.dims[i + vy.dims.size() - view->dims.size()];
      fits = own == 1 || own == result;
    }
  if (!fits)
    throw LibraryError("the operands and the result do not fit each other");
}

template <class T, class Y, class Options>
void multiply(Context &ctx, const Tensor<T> &a, const Tensor<T> &b, const Tensor<Y> &y, const Options &o) {
  require(a.rank() >= 2 && b.rank() >= 2 && y.rank() >= 2, "matmul", "operands have rank 2 or more");
  require(!o.accumulate || (!o.bias && o.activation == Activation::none), "matmul", "a sum takes neither bias nor activation");
  check_sums(a, b, o);
  check_gradient(y, o);
  guarded(ctx, "matmul", a, b, y, [&] {
    check_shapes(a, b, y, o);
    if (y.size() == 0)
      return;
    require(a.size() != 0 && b.size() != 0, "matmul", "a sum has terms");
    Context::Backend &backend = ctx.backend();
    Key key(key_matmul);
    // The alignment of memory is part of what algorithms are chosen by.
    const auto low_bits = [](const void *data) { return static_cast<i64>(reinterpret_cast<std::uintptr_t>(data) % 256); };
    key << a << b << y << o.bias << i64(o.transpose_a + 2 * o.transpose_b + 4 * o.accumulate) << i64(o.activation) << o.alpha
        << low_bits(a.data()) + 256 * low_bits(b.data()) + 65536 * low_bits(y.data())
        << low_bits(o.bias.data()) + 256 * low_bits(o.bias_gradient_a.data()) + 65536 * low_bits(o.bias_gradient_b.data())
        << low_bits(o.bias_gradient.data()) + 256 * low_bits(o.gradient_at.data()) + 65536 * low_bits(o.relu_mask.data())
        << i64(bool(o.bias_gradient_a)) + 2 * i64(bool(o.bias_gradient_b)) + 4 * i64(bool(o.bias_gradient)) + 8 * i64(bool(o.relu_mask))
        << i64(o.activation_gradient) << i64(element_of<T>) + 2 * i64(element_of<Y>);
    // A mask that a library wrote is read by the same library, or not at all.
    const auto mask = o.activation_gradient == relu ? backend.relu_masks.find(o.relu_mask.data()) : backend.relu_masks.end();
    const bool mask_is_written = mask != backend.relu_masks.end() && mask->second;
    key << i64(mask_is_written);
    const Multiplication &made = backend.made.get<Multiplication>(key, [&] { return choose(ctx, a, b, y, o, mask_is_written); });
    if (o.relu_mask && o.activation == relu)
      backend.relu_masks[o.relu_mask.data()] = made.writes_mask;
    if (!made.sums_a)
      sum_operand(ctx, a, o.transpose_a, 1, o.bias_gradient_a);
    if (!made.sums_b)
      sum_operand(ctx, b, o.transpose_b, 0, o.bias_gradient_b);
    const Memory<T, Y> memory = place(ctx, made, a, b, y, made.plan->workspace_bytes());
    // A copy of an operand is that of its view: transposed already.
    const auto copied = [&](const Tensor<T> &t, bool transpose, T *data) {
      const MatrixView view = view_of(t, transpose);
      copy(ctx, Tensor<T>(t.data(), view.dims, view.strides), Tensor<T>(data, view.dims));
    };
    if (made.copies_a)
      copied(a, o.transpose_a, memory.a);
    if (made.copies_b)
      copied(b, o.transpose_b, memory.b);
    const Tensor<Y> result = made.copies_y ? Tensor<Y>(memory.y, y.shape()) : y;
    if (made.copies_y && o.accumulate)
      copy(ctx, y, result);
    for (const ProductAt &at : made.products.at)
      made.plan->run(operands(made, memory, o, at), memory.rest, backend.compute);
    if (o.gradient_at && !made.takes_gradient)
      take_gradient(ctx, y, o.gradient_at, o.activation_gradient);
    if constexpr (std::is_same_v<Y, f32>)
      if (!made.sums_y)
        sum_operand(ctx, Tensor<f32>(y.data(), {y.size() / y.dim(y.rank() - 1), y.dim(y.rank() - 1)}), false, 0, o.bias_gradient);
    add_bias_and_activate(ctx, result, made.adds_bias ? o.bias : Tensor<Y>(), made.activation, o.alpha);
    if (made.copies_y)
      copy(ctx, result, y);
  });
}

} // namespace

void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &o) {
  multiply(ctx, a, b, y, o);
}
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<bf16> &y, const MatmulOptionsOf<bf16> &o) {
  require(!o.accumulate, "matmul", "sums grow in f32");
  multiply(ctx, a, b, y, o);
}
void matmul(Context &ctx, const Tensor<bf16> &a, const Tensor<bf16> &b, const Tensor<f32> &y, const MatmulOptions &o) {
  multiply(ctx, a, b, y, o);
}

} // namespace dtcrt
