// Convolutions by cuDNN: activations as they lie, filters converted where tensor cores read them, bias and activation in the same
// engine where there is one that has them.
#include "dtcrt/convolution.h"
#include "cuda/ConvolutionWays.h"
#include "cuda/Epilogue.h"
#include "cuda/Guarded.h"
#include "cuda/Libraries.h"
#include "cuda/Widen.h"
#include "dtcrt/movement.h"
#include "dtcrt/reduction.h"

namespace dtcrt {

namespace {

enum : i64 { key_forward = 100, key_input_gradient, key_weight_gradient };

/// The convolution that all three calls are about; throws Error when the shapes do not fit each other.
template <class T, class W, class Options>
Convolution describe(Context &ctx, const char *call, Convolution::Pass pass, const Tensor<T> &x, const Tensor<W> &w, const Tensor<T> &y,
                     const Options &o) {
  const int spatial = x.rank() - 2;
  require(spatial >= 1 && spatial <= 3, call, "1 to 3 spatial dimensions");
  require(w.rank() == x.rank() && w.layout() == row_major, call, "weights are row-major and have the input's rank");
  require(y.rank() == x.rank() && x.is_dense() && y.is_dense(), call, "activations are dense and of one rank");
  require(o.strides.empty() || o.strides.size() == spatial, call, "one stride a spatial dimension");
  require(o.dilations.empty() || o.dilations.size() == spatial, call, "one dilation a spatial dimension");
  require(o.pads.empty() || o.pads.size() == 2 * spatial, call, "two pads a spatial dimension");
  Convolution c;
  c.pass = pass;
  c.element = element_of<T>;
  c.tf32 = ctx.backend().tf32;
  c.strides = o.strides.empty() ? Dims::repeat(spatial, 1) : o.strides;
  c.dilations = o.dilations.empty() ? Dims::repeat(spatial, 1) : o.dilations;
  for (int i = 0; i < spatial; ++i) {
    c.begins.push_back(o.pads.empty() ? 0 : o.pads[i]);
    c.ends.push_back(o.pads.empty() ? 0 : o.pads[spatial + i]);
  }
  Dims result{x.dim(0), w.dim(0)};
  for (int i = 0; i < spatial; ++i)
    result.push_back((x.dim(2 + i) + c.begins[i] + c.ends[i] - c.dilations[i] * (w.dim(2 + i) - 1) - 1) / c.strides[i] + 1);
  if (!(result == y.shape()))
    throw LibraryError("the convolution's result is " + to_string(result));
  if (w.dim(1) * o.groups != x.dim(1))
    throw LibraryError("weights of " + std::to_string(w.dim(1)) + " channels in " + std::to_string(o.groups) + " groups do not read " +
                       std::to_string(x.dim(1)));
  return c;
}

/// A convolution as it is computed.
struct Computed : Made {
  ConvolutionWay way;
  std::unique_ptr<ConvolutionGraph> graph;
};

template <class T> Operand operand(const Tensor<T> &t) { return {t.shape(), t.layout()}; }

/// Whether an activation inside the engine keeps NaN. By default cuDNN's does not (CUDNN_NOT_PROPAGATE_NAN) where an engine asks, so it is tried, on the
/// result that is computed behind it, with a filter of nothing but NaN.
template <class T>
bool keeps_nan(Context &ctx, const ConvolutionWay &way, const ConvolutionGraph &graph, const Tensor<T> &x, std::size_t filter_bytes,
               const ConvolutionGraph::Memory &memory) {
  const std::size_t own = aligned(graph.workspace_bytes()), filter = aligned(filter_bytes);
  auto *block = static_cast<std::byte *>(ctx.backend().workspace(own + filter + aligned(x.bytes())));
  fill_with_nan(ctx, block + own, filter_bytes);
  ConvolutionGraph::Memory tried = memory;
  tried.w = block + own;
  if (way.converts_x)
    tried.x = block + own + filter;
  graph.run(tried, block);
  return becomes_nan(ctx, static_cast<const T *>(memory.y));
}

/// The first way that cuDNN has an engine for.
template <class T, class W>
Computed choose(Context &ctx, const Convolution &c, const Tensor<T> &x, const Tensor<W> &w, const Tensor<T> &y,
                const ConvolutionGraph::Memory &memory) {
  Context::Backend &backend = ctx.backend();
  for (const ConvolutionWay &way : ways_to_compute(c, operand(x), w.shape(), operand(y))) {
    const ConvolutionGraph::Tuning tuning{backend.autotune ? &plan_cache(ctx, cudnn(ctx).version()) : nullptr, [&](std::size_t bytes) {
      // What the call has no memory for that lies like it is tried on other memory.
      auto *block = static_cast<std::byte *>(backend.workspace(aligned(bytes) + aligned(x.bytes()) + aligned(w.bytes())));
      ConvolutionGraph::Trial trial{memory, block};
      if (way.converts_x)
        trial.memory.x = block + aligned(bytes);
      if (way.converts_filter || element_of<W> != c.element)
        trial.memory.w = block + aligned(bytes) + aligned(x.bytes());
      return trial;
    }};
    if (auto graph = ConvolutionGraph::make(cudnn(ctx), way.graph, backend.autotune ? &tuning : nullptr);
        graph && (way.graph.activation == Activation::none || keeps_nan(ctx, way, *graph, x, w.bytes(), memory))) {
      Computed made;
      made.way = way;
      made.graph = std::move(graph);
      return made;
    }
  }
  throw LibraryError(std::string("cuDNN has no engine for it") + (c.tf32 || c.element != Element::f32 ? "" : " that computes in f32"));
}

/// The workspace of a call, in parts: cuDNN's, a copy of x, a copy of w.
template <class T> struct Parts {
  std::byte *cudnn;
  T *x, *w;
};
template <class T> Parts<T> parts(Context &ctx, const Computed &made, const Tensor<T> &x, std::size_t filter_bytes) {
  const std::size_t own = aligned(made.graph->workspace_bytes()), copy = made.way.converts_x ? aligned(x.bytes()) : 0;
  auto *block = static_cast<std::byte *>(ctx.backend().workspace(own + copy + filter_bytes));
  return {block, reinterpret_cast<T *>(block + own), reinterpret_cast<T *>(block + own + copy)};
}

/// The gradient of a filter to where and how it lies in the arena.
void copy_gradient(Context &ctx, const Tensor<f32> &from, const Tensor<f32> &dw) { copy(ctx, from, dw); }
void copy_gradient(Context &ctx, const Tensor<bf16> &from, const Tensor<f32> &dw) { widen(ctx, from, dw); }

/// The filter as the graph wants it.
template <class T> T *filter_of(Context &ctx, const Computed &made, const Tensor<T> &w) {
  return made.way.converts_filter ? channels_last_filter(ctx, w).data() : w.data();
}

template <class T, class Options>
void forward(Context &ctx, const Tensor<T> &x, const Tensor<T> &w, const Tensor<T> &y, const Options &o) {
  guarded(ctx, "conv", x, w, y, [&] {
    if (y.size() == 0)
      return;
    Key key(key_forward);
    key << i64(element_of<T>) << x << w.shape() << y << o.strides << o.dilations << o.pads << o.groups << i64(bool(o.bias)) << i64(o.activation)
        << o.alpha;
    const Computed &made = ctx.backend().made.get<Computed>(key, [&] {
      Convolution c = describe(ctx, "conv", Convolution::Pass::forward, x, w, y, o);
      c.bias = bool(o.bias);
      c.activation = o.activation;
      c.alpha = o.alpha;
      return choose(ctx, c, x, w, y, {x.data(), w.data(), y.data(), o.bias.data()});
    });
    T *filter = filter_of(ctx, made, w);
    const Parts<T> block = parts(ctx, made, x, 0);
    if (made.way.converts_x)
      copy(ctx, x, Tensor<T>(block.x, x.shape(), y.layout()));
    made.graph->run({made.way.converts_x ? block.x : x.data(), filter, y.data(), o.bias.data()}, block.cudnn);
    Tensor<T> bias;
    if (made.way.adds_bias) {
      Dims channels = Dims::repeat(x.rank() - 1, 1);
      channels[0] = w.dim(0);
      bias = Tensor<T>(o.bias.data(), channels);
    }
    add_bias_and_activate(ctx, y, bias, made.way.activation, o.alpha);
  });
}

template <class T>
void input_gradient(Context &ctx, const Tensor<T> &dy, const Tensor<T> &w, const Tensor<T> &dx, const ConvGradientOptions &o) {
  guarded(ctx, "conv_input_gradient", dy, w, dx, [&] {
    if (dx.size() == 0)
      return;
    Key key(key_input_gradient);
    key << i64(element_of<T>) << dx << w.shape() << dy << o.strides << o.dilations << o.pads << o.groups;
    const Computed &made = ctx.backend().made.get<Computed>(key, [&] {
      const Convolution c = describe(ctx, "conv_input_gradient", Convolution::Pass::input_gradient, dx, w, dy, o);
      return choose(ctx, c, dx, w, dy, {dx.data(), w.data(), dy.data(), nullptr});
    });
    T *filter = filter_of(ctx, made, w);
    const Parts<T> block = parts(ctx, made, dx, 0);
    made.graph->run({made.way.converts_x ? block.x : dx.data(), filter, dy.data(), nullptr}, block.cudnn);
    if (made.way.converts_x)
      copy(ctx, Tensor<T>(block.x, dx.shape(), dy.layout()), dx);
  });
}

template <class T>
void weight_gradient(Context &ctx, const Tensor<T> &x, const Tensor<T> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  guarded(ctx, "conv_weight_gradient", x, dy, dw, [&] {
    if (dw.size() == 0)
      return;
    Key key(key_weight_gradient);
    key << i64(element_of<T>) << x << dw.shape() << dy << o.strides << o.dilations << o.pads << o.groups;
    const Computed &made = ctx.backend().made.get<Computed>(key, [&] {
      const Convolution c = describe(ctx, "conv_weight_gradient", Convolution::Pass::weight_gradient, x, dw, dy, o);
      return choose(ctx, c, x, dw, dy, {x.data(), dw.data(), dy.data(), nullptr});
    });
    // cuDNN writes what it reads: bf16 is widened on the way to dw.
    const bool copies = made.way.converts_filter || element_of<T> != Element::f32;
    const Parts<T> block = parts(ctx, made, x, copies ? static_cast<std::size_t>(dw.size()) * sizeof(T) : 0);
    if (made.way.converts_x)
      copy(ctx, x, Tensor<T>(block.x, x.shape(), dy.layout()));
    made.graph->run({made.way.converts_x ? block.x : x.data(), copies ? static_cast<void *>(block.w) : dw.data(), dy.data(), nullptr}, block.cudnn);
    if (copies)
      copy_gradient(ctx, Tensor<T>(block.w, dw.shape(), made.way.converts_filter ? channels_last : row_major), dw);
    if (o.bias_gradient) {
      ReduceOptions all_but_channels;
      for (int i = 0; i < dy.rank(); ++i)
        if (i != 1)
          all_but_channels.axes.push_back(i);
      reduce_sum(ctx, dy, o.bias_gradient, all_but_channels);
    }
  });
}

} // namespace

void conv(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &w, const Tensor<f32> &y, const ConvOptions &o) { forward(ctx, x, w, y, o); }
void conv(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &w, const Tensor<bf16> &y, const ConvOptionsOf<bf16> &o) {
  forward(ctx, x, w, y, o);
}

void conv_input_gradient(Context &ctx, const Tensor<f32> &dy, const Tensor<f32> &w, const Tensor<f32> &dx, const ConvGradientOptions &o) {
  input_gradient(ctx, dy, w, dx, o);
}
void conv_input_gradient(Context &ctx, const Tensor<bf16> &dy, const Tensor<bf16> &w, const Tensor<bf16> &dx, const ConvGradientOptions &o) {
  input_gradient(ctx, dy, w, dx, o);
}

void conv_weight_gradient(Context &ctx, const Tensor<f32> &x, const Tensor<f32> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  weight_gradient(ctx, x, dy, dw, o);
}
void conv_weight_gradient(Context &ctx, const Tensor<bf16> &x, const Tensor<bf16> &dy, const Tensor<f32> &dw, const ConvGradientOptions &o) {
  weight_gradient(ctx, x, dy, dw, o);
}

} // namespace dtcrt
