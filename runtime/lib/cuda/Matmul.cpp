// Matrix products by cuBLASLt, bias and relu in its epilogues where they have the form; any other form in a pass of its own.
#include "dtcrt/matmul.h"
#include "cuda/Epilogue.h"
#include "cuda/Guarded.h"
#include "cuda/Libraries.h"
#include "cuda/MatmulViews.h"
#include "dtcrt/movement.h"

#include <algorithm>
#include <cstdint>

namespace dtcrt {

namespace {

enum : i64 { key_matmul = 200 };

MatrixView view_of(const Tensor<f32> &t, bool transpose) {
  const MatrixView view{t.shape(), t.strides()};
  return transpose ? view.transposed() : view;
}

MatrixView dense_view(const MatrixView &view) { return {view.dims, dense_strides(view.dims)}; }

/// The largest power of two, up to 256, that divides the address, and that of every other place the product is made at.
index alignment_of(const f32 *data, const std::vector<ProductAt> &at, index ProductAt::*offset) {
  std::uintptr_t bits = 256;
  for (const ProductAt &place : at)
    bits |= reinterpret_cast<std::uintptr_t>(data + place.*offset);
  return static_cast<index>(bits & -bits);
}

/// A product as it is computed.
struct Multiplication : Made {
  Products products;
  std::unique_ptr<MatmulPlan> plan;
  bool copies_a = false, copies_b = false, copies_y = false; ///< to or from memory that cuBLASLt can work on
  bool adds_bias = false;                                    ///< after the product
  Activation activation = Activation::none;                  ///< after the product, and after the bias
};

/// Whether the bias is one value for each row of cuBLASLt's d, one behind the other.
bool is_epilogue(const Tensor<f32> &bias, const Products &products, const Tensor<f32> &y) {
  const int along = bias.rank() - (products.swapped ? 1 : 2);
  const index size = y.dim(y.rank() - (products.swapped ? 1 : 2));
  return along >= 0 && bias.size() == size && bias.dim(along) == size && (size == 1 || bias.strides()[along] == 1);
}

/// Where the operands of a call lie, and the workspace behind its copies.
struct Memory {
  f32 *a, *b, *y;
  std::byte *rest;
};

Memory place(Context &ctx, const Multiplication &made, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, std::size_t rest) {
  const std::size_t a_bytes = made.copies_a ? aligned(a.bytes()) : 0, b_bytes = made.copies_b ? aligned(b.bytes()) : 0;
  const std::size_t y_bytes = made.copies_y ? aligned(y.bytes()) : 0;
  auto *block = static_cast<std::byte *>(ctx.backend().workspace(a_bytes + b_bytes + y_bytes + rest));
  const auto take = [&](const Tensor<f32> &t, std::size_t bytes) {
    if (bytes == 0)
      return t.data();
    auto *data = reinterpret_cast<f32 *>(block);
    block += bytes;
    return data;
  };
  Memory memory{};
  memory.a = take(a, a_bytes);
  memory.b = take(b, b_bytes);
  memory.y = take(y, y_bytes);
  memory.rest = block;
  return memory;
}

MatmulPlan::Memory operands(const Multiplication &made, const Memory &memory, const f32 *bias, const ProductAt &at) {
  const f32 *a = memory.a + at.a, *b = memory.b + at.b;
  return {made.products.swapped ? b : a, made.products.swapped ? a : b, memory.y + at.y, bias};
}

Multiplication choose(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &o) {
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
  const bool fits_bias = o.bias && is_epilogue(o.bias, made.products, y);
  const bool fits_relu = o.activation == relu && (fits_bias || !o.bias);
  for (const bool fused : {true, false}) {
    if (!fused && !fits_bias && !fits_relu)
      break; // the same again
    Product p = made.products.product;
    p.accumulate = o.accumulate;
    p.tf32 = backend.tf32;
    p.bias = fused && fits_bias;
    p.relu = fused && fits_relu;
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
    const Memory memory = place(ctx, made, a, b, y, 0);
    const auto alignment = [&](const f32 *data, bool copied, index ProductAt::*offset) {
      return copied ? alignment_of(nullptr, made.products.at, offset) : alignment_of(data, made.products.at, offset);
    };
    const index a_alignment = alignment(memory.a, made.copies_a, &ProductAt::a), b_alignment = alignment(memory.b, made.copies_b, &ProductAt::b);
    p.a.alignment = made.products.swapped ? b_alignment : a_alignment;
    p.b.alignment = made.products.swapped ? a_alignment : b_alignment;
    p.d.alignment = alignment(memory.y, made.copies_y, &ProductAt::y);
    const MatmulPlan::Tuning tuning{backend.autotune ? &plan_cache(ctx, cublas_lt(ctx).version()) : nullptr, [&](std::size_t bytes) {
      // Whatever is timed must not add to y.
      Memory tried = place(ctx, made, a, b, y, aligned(bytes) + (o.accumulate ? aligned(y.bytes()) : 0));
      void *workspace = tried.rest;
      if (o.accumulate && !made.copies_y)
        tried.y = reinterpret_cast<f32 *>(tried.rest + aligned(bytes));
      return MatmulPlan::Trial{operands(made, tried, o.bias.data(), made.products.at[0]), workspace, backend.compute};
    }};
    if ((made.plan = MatmulPlan::make(cublas_lt(ctx), p, backend.autotune ? &tuning : nullptr)))
      return made;
  }
  throw LibraryError("cuBLASLt has no algorithm for it");
}

/// Throws LibraryError unless y has the shape of the product.
void check_shapes(const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &o) {
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

} // namespace

void matmul(Context &ctx, const Tensor<f32> &a, const Tensor<f32> &b, const Tensor<f32> &y, const MatmulOptions &o) {
  require(a.rank() >= 2 && b.rank() >= 2 && y.rank() >= 2, "matmul", "operands have rank 2 or more");
  require(!o.accumulate || (!o.bias && o.activation == Activation::none), "matmul", "a sum takes neither bias nor activation");
  guarded(ctx, "matmul", a.shape(), b.shape(), y.shape(), [&] {
    check_shapes(a, b, y, o);
    if (y.size() == 0)
      return;
    require(a.size() != 0 && b.size() != 0, "matmul", "a sum has terms");
    Context::Backend &backend = ctx.backend();
    Key key(key_matmul);
    // The alignment of memory is part of what algorithms are chosen by.
    const auto low_bits = [](const f32 *data) { return static_cast<i64>(reinterpret_cast<std::uintptr_t>(data) % 256); };
    key << a << b << y << o.bias << i64(o.transpose_a + 2 * o.transpose_b + 4 * o.accumulate) << i64(o.activation) << o.alpha
        << low_bits(a.data()) << low_bits(b.data()) << low_bits(y.data());
    const Multiplication &made = backend.made.get<Multiplication>(key, [&] { return choose(ctx, a, b, y, o); });
    const Memory memory = place(ctx, made, a, b, y, made.plan->workspace_bytes());
    // A copy of an operand is that of its view: transposed already.
    const auto copied = [](f32 *data, const MatrixView &view) { return Tensor<f32>(data, view.dims); };
    const auto strided = [](const Tensor<f32> &t, const MatrixView &view) { return Tensor<f32>(t.data(), view.dims, view.strides); };
    const MatrixView va = view_of(a, o.transpose_a), vb = view_of(b, o.transpose_b);
    if (made.copies_a)
      copy(ctx, strided(a, va), copied(memory.a, va));
    if (made.copies_b)
      copy(ctx, strided(b, vb), copied(memory.b, vb));
    const Tensor<f32> result = made.copies_y ? Tensor<f32>(memory.y, y.shape()) : y;
    if (made.copies_y && o.accumulate)
      copy(ctx, y, result);
    for (const ProductAt &at : made.products.at)
      made.plan->run(operands(made, memory, o.bias.data(), at), memory.rest, backend.compute);
    add_bias_and_activate(ctx, result, made.adds_bias ? o.bias : Tensor<f32>(), made.activation, o.alpha);
    if (made.copies_y)
      copy(ctx, result, y);
  });
}

} // namespace dtcrt
