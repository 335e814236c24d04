// Capturing what streams are given as a graph, and running it.
#include "Settings.h"
#include "Stream.h"

#include <algorithm>
#include <set>

using namespace cuda_emulation;

struct CUgraph_st {
  std::vector<Node> nodes;
};
struct CUgraphExec_st {
  std::shared_ptr<const std::vector<Node>> nodes;
};

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  if (const cudaError_t error = ready())
    return remember(error);
  const auto stream = stream_of(handle);
  if (!stream)
    return remember(cudaErrorInvalidResourceHandle);
  if (!handle) // the default stream cannot be captured
    return remember(cudaErrorStreamCaptureUnsupported);
  if (stream->capture)
    return remember(cudaErrorInvalidValue);
  stream->capture = std::make_shared<Capture>(Capture{stream.get(), mode, true, {}, {{stream.get(), {}}}});
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph) {
  *graph = nullptr;
  const auto stream = handle ? stream_of(handle) : nullptr;
  if (!stream || !stream->capture)
    return remember(cudaErrorInvalidValue);
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->origin != stream.get())
    return remember(cudaErrorStreamCaptureUnmatched);
  // Everything that the other streams did must come before the origin's end.
  std::set<std::size_t> joined;
  std::vector<std::size_t> open = capture->last[stream.get()];
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    if (joined.insert(node).second)
      open.insert(open.end(), capture->nodes[node].after.begin(), capture->nodes[node].after.end());
  }
  bool is_joined = true;
  for (const auto &[other, last] : capture->last) {
    for (const std::size_t node : last)
      is_joined = is_joined && joined.count(node);
    other->capture = nullptr;
  }
  if (!capture->is_valid)
    return remember(cudaErrorStreamCaptureInvalidated);
  if (!is_joined)
    return remember(cudaErrorStreamCaptureUnjoined);
  *graph = new CUgraph_st{std::move(capture->nodes)};
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus *status) {
  const auto stream = stream_of(handle);
  if (!stream)
    return remember(cudaErrorInvalidResourceHandle);
  *status = !stream->capture             ? cudaStreamCaptureStatusNone
            : stream->capture->is_valid ? cudaStreamCaptureStatusActive
                                        : cudaStreamCaptureStatusInvalidated;
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
  static cudaStreamCaptureMode current = cudaStreamCaptureModeGlobal;
  std::swap(*mode, current);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long) {
  if (!graph)
    return remember(cudaErrorInvalidValue);
  *exec = new CUgraphExec_st{std::make_shared<const std::vector<Node>>(graph->nodes)};
  return cudaSuccess;
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph, cudaGraphExecUpdateResultInfo *info) {
  const auto same = [](const Node &a, const Node &b) { return a.kind == b.kind && a.after == b.after; };
  const bool fits = std::equal(exec->nodes->begin(), exec->nodes->end(), graph->nodes.begin(), graph->nodes.end(), same);
  *info = {fits ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged, nullptr, nullptr};
  if (!fits)
    return remember(cudaErrorGraphExecUpdateFailure);
  exec->nodes = std::make_shared<const std::vector<Node>>(graph->nodes);
  return cudaSuccess;
}

namespace {

/// One run of a graph, which may have to wait for other processes in its middle.
class Run {
public:
  explicit Run(std::shared_ptr<const std::vector<Node>> nodes) : nodes_(std::move(nodes)), done_(nodes_->size()), tried_(nodes_->size()) {}

  /// Runs what can be run. True when everything is done.
  bool advance() {
    tried_.assign(nodes_->size(), false);
    const Streams streams = settings().streams;
    // Newest: communication and what it needs comes first. Lazy: of the last ones first what they need, and branches that nothing
    // depends on at the end.
    if (streams == Streams::newest)
      for (std::size_t node = 0; node < nodes_->size(); ++node)
        if ((*nodes_)[node].kind == Kind::communication)
          advance(node);
    if (streams == Streams::lazy)
      for (std::size_t node = nodes_->size(); node-- > 0;)
        advance(node);
    bool is_over = true;
    for (std::size_t node = 0; node < nodes_->size(); ++node)
      is_over = advance(node) && is_over;
    return is_over;
  }

private:
  /// Runs a node after those it depends on. True when it is done.
  bool advance(std::size_t number) {
    if (done_[number] || tried_[number])
      return done_[number];
    tried_[number] = true;
    const Node &node = (*nodes_)[number];
    bool is_ready = true;
    for (const std::size_t before : node.after)
      is_ready = advance(before) && is_ready;
    if (!is_ready || (failed() == cudaSuccess && !node.work()))
      return false;
    count(node.kind);
    return done_[number] = true;
  }

  std::shared_ptr<const std::vector<Node>> nodes_;
  std::vector<bool> done_, tried_;
};

} // namespace

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const bool communicates =
      std::any_of(exec->nodes->begin(), exec->nodes->end(), [](const Node &node) { return node.kind == Kind::communication; });
  return remember(enqueue_work(stream, communicates ? Kind::communication : Kind::library,
                               [run = std::make_shared<Run>(exec->nodes)] { return run->advance(); }));
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, std::size_t *count) {
  if (nodes)
    return remember(cudaErrorNotSupported);
  *count = graph->nodes.size();
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
