// Graphs by NVIDIA's cudnn-frontend. It takes a compiler half a minute: nothing else is in this file.
#include "cuda/ConvolutionGraph.h"
#include "cuda/LibraryError.h"
#include "cuda/PlanCache.h"

#include <cudnn_frontend.h>

#include <algorithm>
#include <vector>

namespace dtcrt {

namespace fe = cudnn_frontend;
using fe::graph::Graph;
using TensorPointer = std::shared_ptr<fe::graph::Tensor_attributes>;

struct Cudnn::Impl {
  cudnnHandle_t handle = nullptr;
  CUstream_st *stream = nullptr;
  std::shared_ptr<fe::DeviceProperties> properties; ///< where there is no handle
};

struct ConvolutionGraph::Impl {
  const Cudnn::Impl *cudnn = nullptr;
  Graph graph;
  std::size_t workspace_bytes = 0;
  std::string engine;
};

namespace {

enum Uid : std::int64_t { uid_x = 1, uid_w, uid_y, uid_bias };

/// Beyond this cuDNN's engines trade memory for too little time; they are asked only where no other is left.
constexpr std::int64_t most_workspace = std::int64_t(256) << 20;

void check(cudnnStatus_t status, const char *what) {
  if (status != CUDNN_STATUS_SUCCESS)
    throw LibraryError(std::string("cuDNN could not ") + what + ": " + cudnnGetErrorString(status));
}

void check(fe::error_t status, const char *what) {
  if (status.is_bad())
    throw LibraryError(std::string("cuDNN could not ") + what + ": " + first_line(status.get_message()));
}

std::vector<std::int64_t> list(const Dims &dims) { return {dims.begin(), dims.end()}; }

/// cuDNN wants two spatial dimensions: one in front of the only one, that no element notices.
Dims two_spatial(const Dims &dims, index added) {
  if (dims.size() > 1)
    return dims;
  return {added, dims[0]};
}

Lie two_spatial(const Lie &lie) {
  if (lie.dims.size() > 3)
    return lie;
  // A channels-last tensor stays one: its new stride is that of a whole row.
  return {{lie.dims[0], lie.dims[1], 1, lie.dims[2]}, {lie.strides[0], lie.strides[1], lie.dims[2] * lie.strides[2], lie.strides[2]}};
}

fe::DataType_t type_of(Element element) { return element == Element::f32 ? fe::DataType_t::FLOAT : fe::DataType_t::BFLOAT16; }

TensorPointer tensor(Graph &graph, const char *name, Uid uid, const Lie &lie, Element element) {
  return graph.tensor(fe::graph::Tensor_attributes()
                          .set_name(name)
                          .set_uid(uid)
                          .set_dim(list(lie.dims))
                          .set_stride(list(lie.strides))
                          .set_data_type(type_of(element)));
}

fe::graph::Pointwise_attributes pointwise(const Convolution &c) {
  fe::graph::Pointwise_attributes attributes;
  switch (c.activation) {
  case Activation::none: break;
  case Activation::relu: attributes.set_mode(fe::PointwiseMode_t::RELU_FWD); break;
  case Activation::leaky_relu: attributes.set_mode(fe::PointwiseMode_t::RELU_FWD).set_relu_lower_clip_slope(c.alpha); break;
  case Activation::elu: attributes.set_mode(fe::PointwiseMode_t::ELU_FWD).set_elu_alpha(c.alpha); break;
  case Activation::sigmoid: attributes.set_mode(fe::PointwiseMode_t::SIGMOID_FWD); break;
  case Activation::tanh: attributes.set_mode(fe::PointwiseMode_t::TANH_FWD); break;
  case Activation::gelu: attributes.set_mode(fe::PointwiseMode_t::GELU_FWD); break;
  case Activation::gelu_tanh: attributes.set_mode(fe::PointwiseMode_t::GELU_APPROX_TANH_FWD); break;
  }
  return attributes;
}

template <class Attributes> Attributes geometry(const Convolution &c) {
  Attributes attributes;
  attributes.set_pre_padding(list(two_spatial(c.begins, 0)))
      .set_post_padding(list(two_spatial(c.ends, 0)))
      .set_stride(list(two_spatial(c.strides, 1)))
      .set_dilation(list(two_spatial(c.dilations, 1)));
  return attributes;
}

/// The graph of a convolution; what it writes is marked as output.
void describe(Graph &graph, const Convolution &c) {
  const Lie x = two_spatial(c.x), w = two_spatial(c.w), y = two_spatial(c.y);
  TensorPointer result;
  const auto give = [&](const Lie &lie, Uid uid) {
    result->set_dim(list(lie.dims)).set_stride(list(lie.strides)).set_uid(uid).set_output(true).set_data_type(type_of(c.element));
  };
  switch (c.pass) {
  case Convolution::Pass::forward: {
    const auto between = [&] { result->set_dim(list(y.dims)).set_stride(list(y.strides)); };
    result = graph.conv_fprop(tensor(graph, "x", uid_x, x, c.element), tensor(graph, "w", uid_w, w, c.element),
                              geometry<fe::graph::Conv_fprop_attributes>(c));
    if (c.bias) {
      between();
      Lie bias{Dims::repeat(y.dims.size(), 1), Dims::repeat(y.dims.size(), w.dims[0])};
      bias.dims[1] = w.dims[0];
      bias.strides[1] = 1;
      result = graph.pointwise(result, tensor(graph, "bias", uid_bias, bias, c.element),
                               fe::graph::Pointwise_attributes().set_mode(fe::PointwiseMode_t::ADD));
    }
    if (c.activation != Activation::none) {
      between();
      result = graph.pointwise(result, pointwise(c));
    }
    give(y, uid_y);
    break;
  }
  case Convolution::Pass::input_gradient:
    result = graph.conv_dgrad(tensor(graph, "dy", uid_y, y, c.element), tensor(graph, "w", uid_w, w, c.element),
                              geometry<fe::graph::Conv_dgrad_attributes>(c));
    give(x, uid_x);
    break;
  case Convolution::Pass::weight_gradient:
    result = graph.conv_wgrad(tensor(graph, "dy", uid_y, y, c.element), tensor(graph, "x", uid_x, x, c.element),
                              geometry<fe::graph::Conv_wgrad_attributes>(c));
    give(w, uid_w);
    break;
  }
}

/// Whether cuDNN may multiply on tensor cores, which know no f32.
bool tensor_cores(const Convolution &c) { return c.element != Element::f32 || c.tf32; }

std::unordered_map<std::int64_t, void *> pack(const ConvolutionGraph::Memory &memory) {
  std::unordered_map<std::int64_t, void *> pointers{{uid_x, memory.x}, {uid_w, memory.w}, {uid_y, memory.y}};
  if (memory.bias)
    pointers.emplace(uid_bias, memory.bias);
  return pointers;
}

/// Whether fusing the activation is worth a graph of its own: cuDNN's engines know relu; all others are compiled where the program
/// runs, for tensor cores. What else accepts them is its slowest engine.
bool wants_compiled_engine(const Convolution &c) { return c.activation != Activation::none && c.activation != Activation::relu; }

} // namespace

Cudnn::Cudnn() : impl_(std::make_unique<Impl>()) {}
Cudnn::Cudnn(Cudnn &&) noexcept = default;

Cudnn::Cudnn(CUstream_st *stream) : Cudnn() {
  check(cudnnCreate(&impl_->handle), "start");
  check(cudnnSetStream(impl_->handle, stream), "take a stream");
  impl_->stream = stream;
}

Cudnn Cudnn::of_properties(const std::string &properties) {
  Cudnn cudnn;
  cudnn.impl_->properties = std::make_shared<fe::DeviceProperties>();
  check(cudnn.impl_->properties->deserialize({properties.begin(), properties.end()}), "read the properties of a device");
  return cudnn;
}

Cudnn::~Cudnn() {
  if (impl_ && impl_->handle)
    static_cast<void>(cudnnDestroy(impl_->handle));
}

std::string Cudnn::version() const { return "cudnn " + std::to_string(cudnnGetVersion()); }

std::string Convolution::text() const {
  static constexpr const char *passes[] = {"conv", "conv_input_gradient", "conv_weight_gradient"};
  static constexpr const char *activations[] = {"none", "relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu", "gelu_tanh"};
  std::string text = std::string(passes[int(pass)]) + " " + name_of(element) + (tf32 ? " tf32" : "");
  const auto add = [&](const char *name, const Dims &dims) {
    text += std::string(" ") + name + "=";
    for (int i = 0; i < dims.size(); ++i)
      text += (i ? "," : "") + std::to_string(dims[i]);
  };
  add("x", x.dims), add("at", x.strides), add("w", w.dims), add("at", w.strides), add("y", y.dims), add("at", y.strides);
  add("strides", strides), add("dilations", dilations), add("begins", begins), add("ends", ends);
  return text + (bias ? " bias" : "") + " " + activations[int(activation)] + " " + std::to_string(alpha);
}

ConvolutionGraph::ConvolutionGraph(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConvolutionGraph::~ConvolutionGraph() = default;

std::unique_ptr<ConvolutionGraph> ConvolutionGraph::make(const Cudnn &cudnn, const Convolution &c, const Tuning *tuning) {
  auto impl = std::make_unique<Impl>();
  impl->cudnn = &cudnn.impl();
  Graph &graph = impl->graph;
  graph.set_io_data_type(type_of(c.element)).set_intermediate_data_type(fe::DataType_t::FLOAT).set_compute_data_type(fe::DataType_t::FLOAT);
  // Graphs of a whole step go before the plans that they run.
  graph.set_cuda_graph_retention(fe::CudaGraphRetention_t::NONE);
  if (cudnn.impl().properties)
    graph.set_device_properties(cudnn.impl().properties);
  describe(graph, c);
  check(graph.validate(), "accept the operands");
  if (cudnn.impl().handle)
    check(graph.build_operation_graph(cudnn.impl().handle), "accept the operands");
  else
    check(graph.build_operation_graph(), "accept the operands");
  if (graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}).is_bad())
    return nullptr;
  graph.deselect_numeric_notes({fe::NumericalNote_t::NONDETERMINISTIC});
  if (!tensor_cores(c))
    graph.deselect_numeric_notes({fe::NumericalNote_t::TENSOR_CORE, fe::NumericalNote_t::DOWN_CONVERT_INPUTS});
  // Sums in less than f32, and tiles whose transforms lose digits.
  graph.deselect_numeric_notes({fe::NumericalNote_t::REDUCED_PRECISION_REDUCTION, fe::NumericalNote_t::WINOGRAD_TILE_13x13});
  if (wants_compiled_engine(c))
    graph.select_behavior_notes({fe::BehaviorNote_t::RUNTIME_COMPILATION});
  graph.deselect_workspace_greater_than(most_workspace);

  // Of the plan that was built or timed last.
  const auto take = [&] {
    impl->workspace_bytes = static_cast<std::size_t>(std::max<std::int64_t>(graph.get_workspace_size(), 0));
    check(graph.get_plan_name(impl->engine), "name an engine");
    return std::unique_ptr<ConvolutionGraph>(new ConvolutionGraph(std::move(impl)));
  };
  if (tuning) {
    const std::int64_t count = graph.get_execution_plan_count();
    if (const auto known = tuning->cache->find(c.text()))
      for (std::int64_t i = 0; i < count; ++i) {
        std::string name;
        if (graph.get_plan_name_at_index(i, name).is_good() && name == *known && graph.build_plan_at_index(i).is_good())
          return take();
      }
    if (graph.build_plans(fe::BuildPlanPolicy_t::ALL).is_good()) {
      const Trial trial = tuning->prepare(static_cast<std::size_t>(graph.get_autotune_workspace_size()));
      auto pointers = pack(trial.memory);
      check(graph.autotune(cudnn.impl().handle, pointers, trial.workspace), "time its engines");
      auto made = take();
      tuning->cache->keep(c.text(), made->engine());
      return made;
    }
  }
  if (graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE).is_bad()) {
    graph.deselect_workspace_greater_than(std::numeric_limits<std::int64_t>::max());
    if (graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE).is_bad())
      return nullptr;
  }
  return take();
}

std::size_t ConvolutionGraph::workspace_bytes() const { return impl_->workspace_bytes; }
const std::string &ConvolutionGraph::engine() const { return impl_->engine; }

void ConvolutionGraph::run(const Memory &memory, void *workspace) const {
  auto pointers = pack(memory);
  check(impl_->graph.execute(impl_->cudnn->handle, pointers, workspace), "start");
}

} // namespace dtcrt
