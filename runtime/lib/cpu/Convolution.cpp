// Convolutions by oneDNN: activations in the caller's layout, weights in whatever format the primitive likes.
// T is f32 or bf16; what oneDNN has no bf16 kernel for works on widened operands.
#include "dtcrt/convolution.h"
#include "cpu/Backend.h"
#include "cpu/Elementwise.h"
#include "cpu/Epilogue.h"
#include "cpu/Widened.h"
#include "math/CopyView.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dtcrt {

using dnnl::memory;

namespace {

/// Input channels (of a group) that do not fill a vector.
constexpr index few_channels = 4;
/// f32 numbers of the widest vector.
constexpr index vector_channels = 16;

enum : i64 { key_forward = 100, key_input_gradient, key_weight_gradient };

/// The geometry of one convolution in oneDNN's terms.
struct Geometry {
  memory::dims strides, dilations, begins, ends;

  template <class X, class W>
  Geometry(const char *call, const Tensor<X> &x, const Tensor<W> &w, const Dims &stride, const Dims &dilation, const Dims &pads) {
    const int spatial = x.rank() - 2;
    require(spatial >= 1 && spatial <= 3, call, "1 to 3 spatial dimensions");
    require(w.rank() == x.rank() && w.layout() == row_major, call, "weights are row-major and have the input's rank");
    require(stride.empty() || stride.size() == spatial, call, "one stride a spatial dimension");
    require(dilation.empty() || dilation.size() == spatial, call, "one dilation a spatial dimension");
    require(pads.empty() || pads.size() == 2 * spatial, call, "two pads a spatial dimension");
    for (int i = 0; i < spatial; ++i) {
      strides.push_back(stride.empty() ? 1 : stride[i]);
      dilations.push_back(dilation.empty() ? 0 : dilation[i] - 1);
      begins.push_back(pads.empty() ? 0 : pads[i]);
      ends.push_back(pads.empty() ? 0 : pads[spatial + i]);
    }
  }
};

/// Weights with the group dimension that oneDNN wants: [G, M/G, C/G, kernel...].
template <class T> memory::dims weight_dims(const Tensor<T> &w, index groups) {
  memory::dims dims = memory_dims(w.shape());
  if (groups > 1) {
    dims[0] /= groups;
    dims.insert(dims.begin(), groups);
  }
  return dims;
}

template <class T> memory::desc plain_weights(const Tensor<T> &w, index groups) {
  using tag = memory::format_tag;
  static constexpr tag tags[] = {tag::abc, tag::abcd, tag::abcde, tag::abcdef};
  return {weight_dims(w, groups), data_type_of<T>, tags[w.rank() - 3 + (groups > 1)]};
}

template <class T> memory::desc any_weights(const Tensor<T> &w, index groups) {
  return {weight_dims(w, groups), data_type_of<T>, memory::format_tag::any};
}

template <class T> memory::desc vector_desc(index size) { return {{size}, data_type_of<T>, memory::format_tag::a}; }

/// A tensor with one channel lies in both layouts: it is described in that of its partner, since oneDNN convolves between two
/// layouts only by its reference code, a hundred times slower.
template <class T> memory::desc activation_desc(const Tensor<T> &tensor, const Tensor<T> &partner) {
  using tag = memory::format_tag;
  static constexpr tag last[] = {tag::acb, tag::acdb, tag::acdeb};
  if (tensor.dim(1) == 1 && tensor.layout() == row_major && partner.layout() == channels_last)
    return {memory_dims(tensor.shape()), data_type_of<T>, last[tensor.rank() - 3]};
  return memory_desc(tensor);
}

template <class T, class W, class Options>
Key key_of(i64 operation, const Tensor<T> &x, const Tensor<W> &w, const Tensor<T> &y, const Options &o) {
  Key key(operation);
  key << x << w.shape() << y << o.strides << o.dilations << o.pads << o.groups;
  return key;
}

template <class T>
dnnl::convolution_forward::primitive_desc forward_desc(Context &ctx, const Tensor<T> &x, const Tensor<T> &w, const Tensor<T> &y,
                                                       const Geometry &g, index groups, bool bias, const dnnl::primitive_attr &attr) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  using Desc = dnnl::convolution_forward::desc;
  const Desc desc = bias ? Desc(kind, algorithm, activation_desc(x, y), any_weights(w, groups), vector_desc<T>(w.dim(0)), activation_desc(y, x),
                                g.strides, g.dilations, g.begins, g.ends)
                         : Desc(kind, algorithm, activation_desc(x, y), any_weights(w, groups), activation_desc(y, x), g.strides, g.dilations,
                                g.begins, g.ends);
  dnnl::convolution_forward::primitive_desc made(desc, attr, ctx.backend().engine);
  // Over one or a few input channels oneDNN 2.6 prefers its brgemm kernel, which with a bias takes twice the time of the next one.
  if (data_type_of<T> == memory::data_type::f32 && w.dim(1) <= few_channels && std::string_view(made.impl_info_str()).starts_with("brgconv")) {
    auto other = made;
    if (other.next_impl() && std::string_view(other.impl_info_str()).starts_with("jit"))
      made = other;
  }
  return made;
}

/// A made call. `exists`: oneDNN has a kernel for it.
struct Call : Made {
  bool exists = true;
};

/// Makes a call, or finds that there is none of these types. That there is none of f32 is an error.
template <class T, class MadeCall, class Make> MadeCall &made_or_none(Context::Backend &backend, const Key &key, Make make) {
  return backend.made.get<MadeCall>(key, [&] {
    if constexpr (std::is_same_v<T, bf16>) {
      MadeCall none;
      none.exists = false;
      if (!backend.library_bf16)
        return none;
      try {
        MadeCall made = make();
        return made.exists ? std::move(made) : std::move(none);
      } catch (const dnnl::error &) {
        return none;
      }
    } else {
      return make();
    }
  });
}

struct Forward : Call {
  dnnl::convolution_forward primitive;
  memory x, bias, y, scratchpad;
  PackedWeights w;
  std::size_t scratchpad_bytes = 0;
};

/// With stride 1 the gradient of the input is itself a convolution: of dy, widened by what the kernel reaches over,
/// with the weights turned by 180° and their input and output channels exchanged. oneDNN's forward kernels are faster than its
/// backward ones (Rationale.md), so this way is taken where it exists.
struct GradientAsForward {
  bool exists = true;
  Geometry geometry;

  template <class T> GradientAsForward(const Geometry &forward, const Tensor<T> &w) : geometry(forward) {
    for (std::size_t d = 0; d < forward.strides.size(); ++d) {
      const auto reach = (forward.dilations[d] + 1) * (w.dim(static_cast<int>(d) + 2) - 1);
      geometry.begins[d] = reach - forward.begins[d];
      geometry.ends[d] = reach - forward.ends[d];
      exists = exists && forward.strides[d] == 1 && geometry.begins[d] >= 0 && geometry.ends[d] >= 0;
    }
  }
};

/// The shape of the turned weights: [C, M / groups, kernel...].
template <class T> Dims turned_shape(const Tensor<T> &w, index groups) {
  Dims shape = w.shape();
  shape[0] = w.dim(1) * groups;
  shape[1] = w.dim(0) / groups;
  return shape;
}

template <class T> void turn_weights(const T *from, T *to, const Dims &shape, index groups) {
  const index outputs = shape[0] / groups, inputs = shape[1], taps = shape.product() / (shape[0] * shape[1]);
  for (index g = 0; g < groups; ++g)
    for (index m = 0; m < outputs; ++m)
      for (index c = 0; c < inputs; ++c)
        for (index k = 0; k < taps; ++k)
          to[((g * inputs + c) * outputs + m) * taps + taps - 1 - k] = from[((g * outputs + m) * inputs + c) * taps + k];
}

struct InputGradient : Call {
  bool as_forward = false;
  dnnl::primitive primitive; ///< convolution_forward of dy if as_forward, else convolution_backward_data
  memory dy, dx, scratchpad;
  PackedWeights w;
  std::size_t scratchpad_bytes = 0;
};

struct WeightGradient : Call {
  dnnl::convolution_backward_weights primitive;
  memory x, dy, dw, packed_dw, bias_gradient, scratchpad;
  dnnl::reorder unpack;
  bool unpacks = false;
  std::size_t scratchpad_bytes = 0;
};

memory unbound(const memory::desc &desc, Context &ctx) { return {desc, ctx.backend().engine, nullptr}; }

/// True if it is done; false if there is no kernel.
template <class T> bool forward(Context &ctx, const Tensor<T> &x, const Tensor<T> &w, const Tensor<T> &y, const ConvOptionsOf<T> &o) {
  if (std::is_same_v<T, bf16> && !ctx.backend().library_bf16)
    return false;
  if (!epilogue_fits(ctx, o.activation, o.alpha, x, w, w.size() / std::max<index>(w.dim(0), 1), o.bias, y)) {
    if (std::is_same_v<T, bf16> && o.activation == Activation::sigmoid)
      return false; // one rounding, behind the activation; before relu it changes nothing
    ConvOptionsOf<T> plain = o;
    plain.activation = Activation::none;
    const bool done = forward(ctx, x, w, y, plain);
    if (done)
      activate(ctx, y, o.activation, o.alpha);
    return done;
  }
  bool done = true;
  guarded("conv", x.shape(), w.shape(), y.shape(), [&] {
    Context::Backend &backend = ctx.backend();
    Key key = key_of(key_forward, x, w, y, o);
    // The packed weights belong to one parameter: two layers of one shape do not share them.
    key << reinterpret_cast<i64>(w.data()) << i64(bool(o.bias)) << i64(o.activation) << o.alpha;
    Forward &made = made_or_none<T, Forward>(backend, key, [&] {
      const Geometry geometry("conv", x, w, o.strides, o.dilations, o.pads);
      const auto desc = forward_desc(ctx, x, w, y, geometry, o.groups, bool(o.bias), attributes(o.activation, o.alpha));
      Forward f;
      f.exists = !is_reference(desc) || std::is_same_v<T, f32>;
      f.primitive = dnnl::convolution_forward(desc);
      f.x = unbound(desc.src_desc(), ctx);
      f.y = unbound(desc.dst_desc(), ctx);
      f.bias = o.bias ? unbound(desc.bias_desc(), ctx) : memory();
      f.scratchpad = unbound(desc.scratchpad_desc(), ctx);
      f.scratchpad_bytes = desc.scratchpad_desc().get_size();
      f.w = PackedWeights(backend.engine, plain_weights(w, o.groups), desc.weights_desc());
      return f;
    });
    done = made.exists;
    if (!done)
      return;
    made.x.set_data_handle(x.data());
    made.y.set_data_handle(y.data());
    made.scratchpad.set_data_handle(backend.scratchpad(made.scratchpad_bytes));
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, made.x},
                                              {DNNL_ARG_WEIGHTS, made.w.get(ctx, w.data())},
                                              {DNNL_ARG_DST, made.y},
                                              {DNNL_ARG_SCRATCHPAD, made.scratchpad}};
    if (o.bias) {
      made.bias.set_data_handle(o.bias.data());
      arguments.emplace(DNNL_ARG_BIAS, made.bias);
    }
    made.primitive.execute(backend.stream, arguments);
  });
  return done;
}

template <class T>
bool input_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &w, const Tensor<T> &dx, const ConvGradientOptions &o) {
  bool done = true;
  guarded("conv_input_gradient", dy.shape(), w.shape(), dx.shape(), [&] {
    Context::Backend &backend = ctx.backend();
    Key key = key_of(key_input_gradient, dx, w, dy, o);
    key << reinterpret_cast<i64>(w.data());
    InputGradient &made = made_or_none<T, InputGradient>(backend, key, [&] {
      const Geometry g("conv_input_gradient", dx, w, o.strides, o.dilations, o.pads);
      const auto attr = attributes(Activation::none, 0);
      InputGradient b;
      const auto take = [&](const auto &desc, const memory::desc &dy_desc, const memory::desc &dx_desc) {
        b.exists = !is_reference(desc) || std::is_same_v<T, f32>;
        b.dy = unbound(dy_desc, ctx);
        b.dx = unbound(dx_desc, ctx);
        b.scratchpad = unbound(desc.scratchpad_desc(), ctx);
        b.scratchpad_bytes = desc.scratchpad_desc().get_size();
      };
      const GradientAsForward forward(g, w);
      b.as_forward = forward.exists;
      if (forward.exists) {
        const Dims shape = w.shape();
        const index groups = o.groups;
        const Tensor<T> turned(w.data(), turned_shape(w, groups));
        const auto desc = forward_desc(ctx, dy, turned, dx, forward.geometry, groups, false, attr);
        b.primitive = dnnl::convolution_forward(desc);
        take(desc, desc.src_desc(), desc.dst_desc());
        b.w = PackedWeights(backend.engine, plain_weights(turned, groups), desc.weights_desc(),
                            [shape, groups](const void *from, void *to) {
                              turn_weights(static_cast<const T *>(from), static_cast<T *>(to), shape, groups);
                            });
      } else {
        const auto hint = forward_desc(ctx, dx, w, dy, g, o.groups, false, attr);
        const dnnl::convolution_backward_data::primitive_desc desc(
            {dnnl::algorithm::convolution_direct, activation_desc(dx, dy), any_weights(w, o.groups), activation_desc(dy, dx), g.strides, g.dilations,
             g.begins, g.ends},
            attr, backend.engine, hint);
        b.primitive = dnnl::convolution_backward_data(desc);
        take(desc, desc.diff_dst_desc(), desc.diff_src_desc());
        b.w = PackedWeights(backend.engine, plain_weights(w, o.groups), desc.weights_desc());
      }
      return b;
    });
    done = made.exists;
    if (!done)
      return;
    made.dy.set_data_handle(dy.data());
    made.dx.set_data_handle(dx.data());
    made.scratchpad.set_data_handle(backend.scratchpad(made.scratchpad_bytes));
    made.primitive.execute(backend.stream, {{made.as_forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_DST, made.dy},
                                            {DNNL_ARG_WEIGHTS, made.w.get(ctx, w.data())},
                                            {made.as_forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_SRC, made.dx},
                                            {DNNL_ARG_SCRATCHPAD, made.scratchpad}});
  });
  return done;
}

/// oneDNN first gathers what a convolution of one tap with strides reads. For the gradient of the weights, over fewer channels than a
/// vector has, it writes past its workspace for that, and the gradient is wrong (uxlfoundation/oneDNN#6035): true for such a call.
template <class T> bool must_gather(const Tensor<T> &x, const Tensor<T> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  const auto all = [](const Dims &values, index value) { return std::all_of(values.begin(), values.end(), [&](index v) { return v == value; }); };
  if (dw.rank() != x.rank() || o.strides.size() != x.rank() - 2 || dw.dim(1) >= vector_channels || all(o.strides, 1) || !all(o.pads, 0))
    return false;
  for (int d = 2; d < x.rank(); ++d) // other sizes are an error, which the call finds
    if (dw.dim(d) != 1 || dy.rank() != x.rank() || dy.dim(d) != (x.dim(d) - 1) / o.strides[d - 2] + 1)
      return false;
  return true;
}

/// What such a convolution reads of x, densely.
template <class T> Tensor<T> gathered(Context &ctx, const Tensor<T> &x, const Tensor<T> &dy, const Dims &steps) {
  Dims shape = x.shape(), strides = x.strides();
  for (int d = 2; d < x.rank(); ++d) {
    shape[d] = dy.dim(d);
    strides[d] *= steps[d - 2];
  }
  const Tensor<T> read(static_cast<T *>(ctx.backend().workspace(static_cast<std::size_t>(shape.product()) * sizeof(T))), shape,
                       x.is_dense() ? x.layout() : row_major);
  copy_view(ctx, static_cast<const T *>(x.data()), strides, read.data(), read.strides(), shape);
  return read;
}

template <class T>
bool weight_gradient(Context &ctx, const Tensor<T> &x, const Tensor<T> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  if (must_gather(x, dy, dw, o)) {
    ConvGradientOptions dense = o;
    dense.strides = {};
    return weight_gradient(ctx, gathered(ctx, x, dy, o.strides), dy, dw, dense);
  }
  bool done = true;
  guarded("conv_weight_gradient", x.shape(), dy.shape(), dw.shape(), [&] {
    Context::Backend &backend = ctx.backend();
    Key key = key_of(key_weight_gradient, x, dw, dy, o);
    key << i64(bool(o.bias_gradient));
    WeightGradient &made = made_or_none<T, WeightGradient>(backend, key, [&] {
      const Geometry g("conv_weight_gradient", x, dw, o.strides, o.dilations, o.pads);
      const auto attr = attributes(Activation::none, 0);
      const bool bias = bool(o.bias_gradient);
      // The forward call, whose weights are of the images' type; only their shape counts.
      const Tensor<T> w(nullptr, dw.shape());
      const auto hint = forward_desc(ctx, x, w, dy, g, o.groups, bias, attr);
      const auto algorithm = dnnl::algorithm::convolution_direct;
      using Desc = dnnl::convolution_backward_weights::desc;
      const Desc described = bias ? Desc(algorithm, activation_desc(x, dy), any_weights(dw, o.groups), vector_desc<f32>(dw.dim(0)),
                                         activation_desc(dy, x), g.strides, g.dilations, g.begins, g.ends)
                                  : Desc(algorithm, activation_desc(x, dy), any_weights(dw, o.groups), activation_desc(dy, x), g.strides,
                                         g.dilations, g.begins, g.ends);
      const dnnl::convolution_backward_weights::primitive_desc desc(described, attr, backend.engine, hint);
      WeightGradient b;
      b.exists = !is_reference(desc) || std::is_same_v<T, f32>;
      b.primitive = dnnl::convolution_backward_weights(desc);
      b.x = unbound(desc.src_desc(), ctx);
      b.dy = unbound(desc.diff_dst_desc(), ctx);
      b.dw = unbound(plain_weights(dw, o.groups), ctx);
      b.bias_gradient = bias ? unbound(desc.diff_bias_desc(), ctx) : memory();
      b.scratchpad = unbound(desc.scratchpad_desc(), ctx);
      b.scratchpad_bytes = desc.scratchpad_desc().get_size();
      b.unpacks = desc.diff_weights_desc() != b.dw.get_desc();
      if (b.unpacks) {
        b.packed_dw = memory(desc.diff_weights_desc(), backend.engine);
        b.unpack = dnnl::reorder(b.packed_dw, b.dw);
      }
      return b;
    });
    done = made.exists;
    if (!done)
      return;
    made.x.set_data_handle(x.data());
    made.dy.set_data_handle(dy.data());
    made.dw.set_data_handle(dw.data());
    made.scratchpad.set_data_handle(backend.scratchpad(made.scratchpad_bytes));
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, made.x},
                                              {DNNL_ARG_DIFF_DST, made.dy},
                                              {DNNL_ARG_DIFF_WEIGHTS, made.unpacks ? made.packed_dw : made.dw},
                                              {DNNL_ARG_SCRATCHPAD, made.scratchpad}};
    if (o.bias_gradient) {
      made.bias_gradient.set_data_handle(o.bias_gradient.data());
      arguments.emplace(DNNL_ARG_DIFF_BIAS, made.bias_gradient);
    }
    made.primitive.execute(backend.stream, arguments);
    if (made.unpacks)
      made.unpack.execute(backend.stream, made.packed_dw, made.dw);
  });
  return done;
}

} // namespace

void conv(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &w, const Tensor<f32> &y, const ConvOptions &o) { forward(ctx, x, w, y, o); }
void conv_input_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &w, const Tensor<f32> &dx, const ConvGradientOptions &o) {
  input_gradient(ctx, dy, w, dx, o);
}
void conv_weight_gradient(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  weight_gradient(ctx, x, dy, dw, o);
}

void conv(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &w, const Tensor<bf16> &y, const ConvOptionsOf<bf16> &o) {
  if (forward(ctx, x, w, y, o))
    return;
  Widened widened(ctx);
  const Tensor<f32> wide_y = widened.like(y), wide_x = widened.of(x), wide_w = widened.of(w);
  conv(ctx, wide_x, wide_w, wide_y,
       {.bias = widened.of(o.bias), .strides = o.strides, .dilations = o.dilations, .pads = o.pads, .groups = o.groups,
        .activation = o.activation, .alpha = o.alpha});
  cast(ctx, wide_y, y);
}
void conv_input_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &w, const Tensor<bf16> &dx, const ConvGradientOptions &o) {
  if (input_gradient(ctx, dy, w, dx, o))
    return;
  Widened widened(ctx);
  const Tensor<f32> wide_dx = widened.like(dx), wide_dy = widened.of(dy);
  conv_input_gradient(ctx, wide_dy, widened.of(w), wide_dx, o);
  cast(ctx, wide_dx, dx);
}
void conv_weight_gradient(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  if (weight_gradient(ctx, x, dy, dw, o))
    return;
  Widened widened(ctx);
  const Tensor<f32> wide_x = widened.of(x);
  conv_weight_gradient(ctx, wide_x, widened.of(dy), dw, o);
}

} // namespace dtcrt
