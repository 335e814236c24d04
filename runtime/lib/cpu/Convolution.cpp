// Convolutions by oneDNN: activations in the caller's layout, weights in whatever format the primitive likes.
#include "dtcrt/convolution.h"
#include "cpu/Backend.h"

#include <string_view>

namespace dtcrt {

using dnnl::memory;

namespace {

/// Input channels (of a group) that do not fill a vector.
constexpr index few_channels = 4;

enum : i64 { key_forward = 100, key_input_gradient, key_weight_gradient };

/// The geometry of one convolution in oneDNN's terms.
struct Geometry {
  memory::dims strides, dilations, begins, ends;

  Geometry(const char *call, const Tensor<f32> &x, const Tensor<f32> &w, const Dims &stride, const Dims &dilation, const Dims &pads) {
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
memory::dims weight_dims(const Tensor<f32> &w, index groups) {
  memory::dims dims = memory_dims(w.shape());
  if (groups > 1) {
    dims[0] /= groups;
    dims.insert(dims.begin(), groups);
  }
  return dims;
}

memory::desc plain_weights(const Tensor<f32> &w, index groups) {
  using tag = memory::format_tag;
  static constexpr tag tags[] = {tag::abc, tag::abcd, tag::abcde, tag::abcdef};
  return {weight_dims(w, groups), memory::data_type::f32, tags[w.rank() - 3 + (groups > 1)]};
}

memory::desc any_weights(const Tensor<f32> &w, index groups) {
  return {weight_dims(w, groups), memory::data_type::f32, memory::format_tag::any};
}

memory::desc vector_desc(index size) { return {{size}, memory::data_type::f32, memory::format_tag::a}; }

/// A tensor with one channel lies in both layouts: it is described in that of its partner, since oneDNN convolves between two
/// layouts only by its reference code, a hundred times slower.
memory::desc activation_desc(const Tensor<f32> &tensor, const Tensor<f32> &partner) {
  using tag = memory::format_tag;
  static constexpr tag last[] = {tag::acb, tag::acdb, tag::acdeb};
  if (tensor.dim(1) == 1 && tensor.layout() == row_major && partner.layout() == channels_last)
    return {memory_dims(tensor.shape()), memory::data_type::f32, last[tensor.rank() - 3]};
  return memory_desc(tensor);
}

template <class Options> Key key_of(i64 operation, const Tensor<f32> &x, const Tensor<f32> &w, const Tensor<f32> &y, const Options &o) {
  Key key(operation);
  key << x << w.shape() << y << o.strides << o.dilations << o.pads << o.groups;
  return key;
}

dnnl::convolution_forward::primitive_desc forward_desc(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &w, const Tensor<f32> &y,
                                                       const Geometry &g, index groups, bool bias, const dnnl::primitive_attr &attr) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  using Desc = dnnl::convolution_forward::desc;
  const Desc desc = bias ? Desc(kind, algorithm, activation_desc(x, y), any_weights(w, groups), vector_desc(w.dim(0)), activation_desc(y, x),
                                g.strides, g.dilations, g.begins, g.ends)
                         : Desc(kind, algorithm, activation_desc(x, y), any_weights(w, groups), activation_desc(y, x), g.strides, g.dilations,
                                g.begins, g.ends);
  dnnl::convolution_forward::primitive_desc made(desc, attr, ctx.backend().engine);
  // Over one or a few input channels oneDNN 2.6 prefers its brgemm kernel, which with a bias takes twice the time of the next one.
  if (w.dim(1) <= few_channels && std::string_view(made.impl_info_str()).starts_with("brgconv")) {
    auto other = made;
    if (other.next_impl() && std::string_view(other.impl_info_str()).starts_with("jit"))
      made = other;
  }
  return made;
}

struct Forward : Made {
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

  GradientAsForward(const Geometry &forward, const Tensor<f32> &w) : geometry(forward) {
    for (std::size_t d = 0; d < forward.strides.size(); ++d) {
      const auto reach = (forward.dilations[d] + 1) * (w.dim(static_cast<int>(d) + 2) - 1);
      geometry.begins[d] = reach - forward.begins[d];
      geometry.ends[d] = reach - forward.ends[d];
      exists = exists && forward.strides[d] == 1 && geometry.begins[d] >= 0 && geometry.ends[d] >= 0;
    }
  }
};

/// The shape of the turned weights: [C, M / groups, kernel...].
Dims turned_shape(const Tensor<f32> &w, index groups) {
  Dims shape = w.shape();
  shape[0] = w.dim(1) * groups;
  shape[1] = w.dim(0) / groups;
  return shape;
}

void turn_weights(const f32 *from, f32 *to, const Dims &shape, index groups) {
  const index outputs = shape[0] / groups, inputs = shape[1], taps = shape.product() / (shape[0] * shape[1]);
  for (index g = 0; g < groups; ++g)
    for (index m = 0; m < outputs; ++m)
      for (index c = 0; c < inputs; ++c)
        for (index k = 0; k < taps; ++k)
          to[((g * inputs + c) * outputs + m) * taps + taps - 1 - k] = from[((g * outputs + m) * inputs + c) * taps + k];
}

struct InputGradient : Made {
  bool as_forward = false;
  dnnl::primitive primitive; ///< convolution_forward of dy if as_forward, else convolution_backward_data
  memory dy, dx, scratchpad;
  PackedWeights w;
  std::size_t scratchpad_bytes = 0;
};

struct WeightGradient : Made {
  dnnl::convolution_backward_weights primitive;
  memory x, dy, dw, packed_dw, bias_gradient, scratchpad;
  dnnl::reorder unpack;
  bool unpacks = false;
  std::size_t scratchpad_bytes = 0;
};

memory unbound(const memory::desc &desc, Context &ctx) { return {desc, ctx.backend().engine, nullptr}; }

} // namespace

void conv(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &w, const Tensor<f32> &y, const ConvOptions &o) {
  guarded("conv", x.shape(), w.shape(), y.shape(), [&] {
    Context::Backend &backend = ctx.backend();
    Key key = key_of(key_forward, x, w, y, o);
    // The packed weights belong to one parameter: two layers of one shape do not share them.
    key << reinterpret_cast<i64>(w.data()) << i64(bool(o.bias)) << i64(o.activation) << o.alpha;
    Forward &made = backend.made.get<Forward>(key, [&] {
      const Geometry geometry("conv", x, w, o.strides, o.dilations, o.pads);
      const auto desc = forward_desc(ctx, x, w, y, geometry, o.groups, bool(o.bias), attributes(o.activation, o.alpha));
      Forward f;
      f.primitive = dnnl::convolution_forward(desc);
      f.x = unbound(desc.src_desc(), ctx);
      f.y = unbound(desc.dst_desc(), ctx);
      f.bias = o.bias ? unbound(desc.bias_desc(), ctx) : memory();
      f.scratchpad = unbound(desc.scratchpad_desc(), ctx);
      f.scratchpad_bytes = desc.scratchpad_desc().get_size();
      f.w = PackedWeights(backend.engine, plain_weights(w, o.groups), desc.weights_desc());
      return f;
    });
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
}

void conv_input_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &w, const Tensor<f32> &dx, const ConvGradientOptions &o) {
  guarded("conv_input_gradient", dy.shape(), w.shape(), dx.shape(), [&] {
    Context::Backend &backend = ctx.backend();
    Key key = key_of(key_input_gradient, dx, w, dy, o);
    key << reinterpret_cast<i64>(w.data());
    InputGradient &made = backend.made.get<InputGradient>(key, [&] {
      const Geometry g("conv_input_gradient", dx, w, o.strides, o.dilations, o.pads);
      const auto attr = attributes(Activation::none, 0);
      InputGradient b;
      const auto take = [&](const auto &desc, const memory::desc &dy_desc, const memory::desc &dx_desc) {
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
        const Tensor<f32> turned(w.data(), turned_shape(w, groups));
        const auto desc = forward_desc(ctx, dy, turned, dx, forward.geometry, groups, false, attr);
        b.primitive = dnnl::convolution_forward(desc);
        take(desc, desc.src_desc(), desc.dst_desc());
        b.w = PackedWeights(backend.engine, plain_weights(turned, groups), desc.weights_desc(),
                            [shape, groups](const f32 *from, f32 *to) { turn_weights(from, to, shape, groups); });
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
    made.dy.set_data_handle(dy.data());
    made.dx.set_data_handle(dx.data());
    made.scratchpad.set_data_handle(backend.scratchpad(made.scratchpad_bytes));
    made.primitive.execute(backend.stream, {{made.as_forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_DST, made.dy},
                                            {DNNL_ARG_WEIGHTS, made.w.get(ctx, w.data())},
                                            {made.as_forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_SRC, made.dx},
                                            {DNNL_ARG_SCRATCHPAD, made.scratchpad}});
  });
}

void conv_weight_gradient(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  guarded("conv_weight_gradient", x.shape(), dy.shape(), dw.shape(), [&] {
    Context::Backend &backend = ctx.backend();
    Key key = key_of(key_weight_gradient, x, dw, dy, o);
    key << i64(bool(o.bias_gradient));
    WeightGradient &made = backend.made.get<WeightGradient>(key, [&] {
      const Geometry g("conv_weight_gradient", x, dw, o.strides, o.dilations, o.pads);
      const auto attr = attributes(Activation::none, 0);
      const bool bias = bool(o.bias_gradient);
      const auto hint = forward_desc(ctx, x, dw, dy, g, o.groups, bias, attr);
      const auto algorithm = dnnl::algorithm::convolution_direct;
      using Desc = dnnl::convolution_backward_weights::desc;
      const Desc described = bias ? Desc(algorithm, activation_desc(x, dy), any_weights(dw, o.groups), vector_desc(dw.dim(0)),
                                         activation_desc(dy, x), g.strides, g.dilations, g.begins, g.ends)
                                  : Desc(algorithm, activation_desc(x, dy), any_weights(dw, o.groups), activation_desc(dy, x), g.strides,
                                         g.dilations, g.begins, g.ends);
      const dnnl::convolution_backward_weights::primitive_desc desc(described, attr, backend.engine, hint);
      WeightGradient b;
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
}

} // namespace dtcrt
