// cuDNN's backend interface: descriptors as sets of attributes, heuristics over a handful of engines, plans that run on the stream.
//
//   engine  notes                      takes
//   0       nondeterministic           everything, and computes it wrong
//   1       tensor cores               everything, operands rounded to tf32
//   2       tensor cores, compiled     convolutions with any pointwise operations, operands rounded to tf32
//   3       none                       convolutions, with bias and relu; its workspace is spoilt
//   4       none, fallback             convolutions alone
//
// Heuristics name them in this order, so who takes the first is caught. CUDNN_EMULATION_REFUSES: "fusions" or "mixed" (x and y
// not in one layout): what engines are to refuse beside, for tests of what is done then.
#include "CudnnGraph.h"
#include "Enqueue.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

using namespace cudnn_emulation;

namespace {

struct Descriptor : std::enable_shared_from_this<Descriptor> {
  struct Value {
    cudnnBackendAttributeType_t type;
    std::int64_t count;
    std::vector<std::byte> bytes;
    std::vector<std::shared_ptr<Descriptor>> descriptors;
  };
  cudnnBackendDescriptorType_t type;
  std::map<cudnnBackendAttributeName_t, Value> values;
  bool is_final = false;

  template <class T> std::vector<T> list(cudnnBackendAttributeName_t name) const {
    const auto found = values.find(name);
    if (found == values.end())
      return {};
    std::vector<T> result(found->second.bytes.size() / sizeof(T));
    std::memcpy(result.data(), found->second.bytes.data(), found->second.bytes.size());
    return result;
  }
  template <class T> T get(cudnnBackendAttributeName_t name) const {
    const auto all = list<T>(name);
    if (all.size() != 1)
      throw std::runtime_error("attribute " + std::to_string(name) + " is not set");
    return all[0];
  }
  template <class T> T get(cudnnBackendAttributeName_t name, T otherwise) const { return values.count(name) ? get<T>(name) : otherwise; }
  const Descriptor &at(cudnnBackendAttributeName_t name) const {
    const auto found = values.find(name);
    if (found == values.end() || found->second.descriptors.empty())
      throw std::runtime_error("attribute " + std::to_string(name) + " is not set");
    return *found->second.descriptors[0];
  }
  template <class T> void put(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t attribute_type, const std::vector<T> &list) {
    Value value{attribute_type, std::int64_t(list.size()), std::vector<std::byte>(list.size() * sizeof(T)), {}};
    std::memcpy(value.bytes.data(), list.data(), value.bytes.size());
    values[name] = std::move(value);
  }
};

std::string last_error;
cudnnStatus_t fail(cudnnStatus_t status, const std::string &message) {
  last_error = message;
  return status;
}

Descriptor &of(cudnnBackendDescriptor_t handle) { return **static_cast<std::shared_ptr<Descriptor> *>(handle); }

std::size_t bytes_of(cudnnBackendAttributeType_t type) {
  switch (type) {
  case CUDNN_TYPE_INT64: case CUDNN_TYPE_DOUBLE: case CUDNN_TYPE_VOID_PTR: case CUDNN_TYPE_HANDLE: case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
  case CUDNN_TYPE_BOOLEAN: case CUDNN_TYPE_CHAR: return 1;
  default: return 4; // enumerations, int32, float
  }
}

Tensor tensor_of(const Descriptor &d) {
  Tensor t;
  t.uid = d.get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  t.type = d.get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  t.dims = d.list<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  t.strides = d.list<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  t.is_virtual = d.get<char>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, 0) != 0;
  if (t.dims.size() != t.strides.size() || t.dims.size() < 3)
    throw std::runtime_error("a tensor has as many strides as dimensions, and at least three");
  return t;
}

Operation operation_of(const Descriptor &d) {
  Operation op{};
  const auto convolution = [&](Operation::Kind kind, cudnnBackendAttributeName_t x, cudnnBackendAttributeName_t w, cudnnBackendAttributeName_t y,
                               cudnnBackendAttributeName_t description) {
    op.kind = kind;
    op.x = tensor_of(d.at(x));
    op.w = tensor_of(d.at(w));
    op.y = tensor_of(d.at(y));
    const Descriptor &c = d.at(description);
    op.pre = c.list<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
    op.post = c.list<std::int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
    op.strides = c.list<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
    op.dilations = c.list<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
    const std::size_t spatial = op.x.dims.size() - 2;
    if (c.get<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION ||
        c.get<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
      throw std::runtime_error("convolutions are cross-correlations in f32");
    for (const auto *list : {&op.pre, &op.post, &op.strides, &op.dilations})
      if (list->size() != spatial)
        throw std::runtime_error("one padding, stride and dilation a spatial dimension");
  };
  switch (d.type) {
  case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    convolution(Operation::Kind::forward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
    break;
  case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    convolution(Operation::Kind::data_gradient, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC);
    break;
  case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
    convolution(Operation::Kind::filter_gradient, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC);
    break;
  case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: {
    op.kind = Operation::Kind::pointwise;
    op.x = tensor_of(d.at(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    op.y = tensor_of(d.at(CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
    const Descriptor &p = d.at(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    op.mode = p.get<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    if (op.mode == CUDNN_POINTWISE_ADD)
      op.b = tensor_of(d.at(CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
    op.lower_slope = p.get<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, 0);
    op.elu_alpha = p.get<double>(CUDNN_ATTR_POINTWISE_ELU_ALPHA, 1);
    break;
  }
  default: throw std::runtime_error("an operation that is not emulated");
  }
  return op;
}

Graph graph_of(const Descriptor &d) {
  Graph graph;
  for (const auto &operation : d.values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).descriptors)
    graph.operations.push_back(operation_of(*operation));
  return graph;
}

bool refuses(const char *what) {
  const char *text = std::getenv("CUDNN_EMULATION_REFUSES");
  return text && std::string(text).find(what) != std::string::npos;
}

struct Engine {
  std::vector<cudnnBackendNumericalNote_t> numerical;
  std::vector<cudnnBackendBehaviorNote_t> behaviour;
  std::int64_t workspace;
};
const Engine engines[] = {{{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, {}, 0},
                          {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {}, 256},
                          {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION}, 0},
                          {{}, {}, 1000},
                          {{}, {}, 0}};

bool takes(std::int64_t engine, const Graph &graph) {
  const std::size_t count = graph.operations.size();
  const auto is_last = [](const Tensor &t) { return t.strides[1] == 1; };
  const Operation &first = graph.operations[0];
  if (refuses("mixed") && is_last(first.x) != is_last(first.y))
    return false;
  if (count > 1 && refuses("fusions"))
    return false;
  bool bias_and_relu = true;
  for (std::size_t i = 1; i < count; ++i) {
    const Operation &op = graph.operations[i];
    bias_and_relu = bias_and_relu && ((i == 1 && op.mode == CUDNN_POINTWISE_ADD) || (i == 2 && op.mode == CUDNN_POINTWISE_RELU_FWD && op.lower_slope == 0));
  }
  switch (engine) {
  case 1: return bias_and_relu;
  case 3: return bias_and_relu;
  case 4: return count == 1;
  default: return true;
  }
}

/// The heuristics' answer: configurations of engines, each with its engine inside.
void answer(Descriptor &heuristics) {
  const Descriptor &described = heuristics.at(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  const Graph graph = graph_of(described);
  const bool is_fallback = heuristics.get<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_FALLBACK;
  Descriptor::Value results{CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, {}, {}};
  for (std::int64_t i = 0; i < std::int64_t(std::size(engines)); ++i) {
    if ((i == 4) != is_fallback || !takes(i, graph))
      continue;
    auto engine = std::make_shared<Descriptor>();
    engine->type = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
    engine->put(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, std::vector<std::int64_t>{i});
    engine->put(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, engines[i].numerical);
    engine->put(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, engines[i].behaviour);
    engine->values[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] = heuristics.values[CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH];
    auto config = std::make_shared<Descriptor>();
    config->type = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
    config->values[CUDNN_ATTR_ENGINECFG_ENGINE] = {CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, {}, {engine}};
    config->values[CUDNN_ATTR_ENGINECFG_KNOB_CHOICES] = {CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, {}, {}};
    config->put(CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, CUDNN_TYPE_INT64, std::vector<std::int64_t>{engines[i].workspace});
    config->put(CUDNN_ATTR_ENGINECFG_SHARED_MEMORY_USED, CUDNN_TYPE_INT32, std::vector<std::int32_t>{0});
    results.descriptors.push_back(config);
    ++results.count;
  }
  heuristics.values[CUDNN_ATTR_ENGINEHEUR_RESULTS] = results;
}

struct Handle {
  cudaStream_t stream = nullptr;
};

} // namespace

extern "C" {

size_t cudnnGetVersion() { return CUDNN_VERSION; }
const char *cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS ? "success" : status == CUDNN_STATUS_NOT_SUPPORTED ? "not supported" : "bad parameter";
}
void cudnnGetLastErrorString(char *message, size_t size) {
  const std::size_t count = std::min(size - 1, last_error.size());
  last_error.copy(message, count);
  message[count] = 0;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
  *handle = reinterpret_cast<cudnnHandle_t>(new Handle);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete reinterpret_cast<Handle *>(handle);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  reinterpret_cast<Handle *>(handle)->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream) {
  *stream = reinterpret_cast<Handle *>(handle)->stream;
  return CUDNN_STATUS_SUCCESS;
}

// Filters reordered for int8: not here.
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *) { return CUDNN_STATUS_NOT_SUPPORTED; }
cudnnStatus_t cudnnSetFilterNdDescriptor(cudnnFilterDescriptor_t, cudnnDataType_t, cudnnTensorFormat_t, int, const int[]) {
  return CUDNN_STATUS_NOT_SUPPORTED;
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t) { return CUDNN_STATUS_NOT_SUPPORTED; }
cudnnStatus_t cudnnReorderFilterAndBias(cudnnHandle_t, const cudnnFilterDescriptor_t, cudnnReorderType_t, const void *, void *, int, const void *,
                                        void *) {
  return CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *handle) {
  auto descriptor = std::make_shared<Descriptor>();
  descriptor->type = type;
  *handle = new std::shared_ptr<Descriptor>(descriptor);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t handle) {
  delete static_cast<std::shared_ptr<Descriptor> *>(handle);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                       std::int64_t count, const void *elements) {
  Descriptor &descriptor = of(handle);
  if (descriptor.is_final)
    return fail(CUDNN_STATUS_BAD_PARAM, "a descriptor is set after it was finalized");
  Descriptor::Value value{type, count, {}, {}};
  const std::size_t bytes = static_cast<std::size_t>(count) * bytes_of(type);
  const auto *from = static_cast<const std::byte *>(elements);
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
    for (std::int64_t i = 0; i < count; ++i) {
      Descriptor &part = of(static_cast<const cudnnBackendDescriptor_t *>(elements)[i]);
      if (!part.is_final)
        return fail(CUDNN_STATUS_BAD_PARAM, "a descriptor is used before it is finalized");
      value.descriptors.push_back(part.shared_from_this());
    }
  else
    value.bytes.assign(from, from + bytes);
  descriptor.values[name] = std::move(value);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const handle, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                       std::int64_t wanted, std::int64_t *count, void *elements) {
  const Descriptor &descriptor = of(handle);
  const auto found = descriptor.values.find(name);
  if (found == descriptor.values.end() || found->second.type != type)
    return fail(CUDNN_STATUS_NOT_SUPPORTED, "attribute " + std::to_string(name) + " of descriptor " + std::to_string(descriptor.type) + " is not there");
  const Descriptor::Value &value = found->second;
  if (count)
    *count = value.count;
  if (!elements)
    return CUDNN_STATUS_SUCCESS;
  const std::int64_t copied = std::min(wanted, value.count);
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
    for (std::int64_t i = 0; i < copied; ++i) {
      Descriptor &into = of(static_cast<cudnnBackendDescriptor_t *>(elements)[i]);
      into.values = value.descriptors[static_cast<std::size_t>(i)]->values;
      into.is_final = true;
    }
  else
    std::memcpy(elements, value.bytes.data(), static_cast<std::size_t>(copied) * bytes_of(type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle) {
  Descriptor &descriptor = of(handle);
  try {
    if (descriptor.type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
      if (const std::string problem = graph_of(descriptor).problem(); !problem.empty())
        return fail(CUDNN_STATUS_BAD_PARAM, problem);
      descriptor.put(CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT, CUDNN_TYPE_INT64, std::vector<std::int64_t>{std::size(engines)});
    } else if (descriptor.type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) {
      answer(descriptor);
    } else if (descriptor.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
      const auto workspace = descriptor.at(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).list<std::int64_t>(CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE);
      descriptor.put(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, workspace);
    } else if (descriptor.type == CUDNN_BACKEND_TENSOR_DESCRIPTOR) {
      tensor_of(descriptor);
    }
  } catch (const std::exception &error) {
    return fail(CUDNN_STATUS_BAD_PARAM, error.what());
  }
  descriptor.is_final = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
  try {
    const Descriptor &engine = of(plan).at(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).at(CUDNN_ATTR_ENGINECFG_ENGINE);
    const auto number = engine.get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    const Graph graph = graph_of(engine.at(CUDNN_ATTR_ENGINE_OPERATION_GRAPH));
    const auto uids = of(pack).list<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const auto pointers = of(pack).list<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    void *workspace = of(pack).get<void *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr);
    std::map<std::int64_t, void *> memory;
    for (std::size_t i = 0; i < uids.size(); ++i)
      memory[uids[i]] = pointers.at(i);
    for (const Operation &op : graph.operations)
      for (const Tensor *t : {&op.x, &op.w, &op.y, &op.b})
        if (t->uid != 0 && !t->is_virtual && memory[t->uid] == nullptr)
          return fail(CUDNN_STATUS_BAD_PARAM, "tensor " + std::to_string(t->uid) + " has no memory");
    const std::int64_t bytes = engines[number].workspace;
    if (bytes > 0 && !workspace)
      return fail(CUDNN_STATUS_BAD_PARAM, "a plan has no workspace");
    const int status = cuda_emulation::enqueue(reinterpret_cast<Handle *>(handle)->stream, [=] {
      if (bytes > 0)
        cuda_emulation::spoil(workspace, static_cast<std::size_t>(bytes));
      compute(graph, memory, number == 1 || number == 2);
      if (number == 0) { // nobody may rely on it
        void *result = memory.at(graph.operations.back().result().uid);
        cuda_emulation::spoil(result, 2);
      }
    });
    return status == 0 ? CUDNN_STATUS_SUCCESS : fail(CUDNN_STATUS_EXECUTION_FAILED, "the stream takes no work");
  } catch (const std::exception &error) {
    return fail(CUDNN_STATUS_BAD_PARAM, error.what());
  }
}

} // extern "C"
