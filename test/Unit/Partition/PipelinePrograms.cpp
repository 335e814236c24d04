// Writes pipeline programs as text, and parses it.
#include "PipelinePrograms.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace dtc::test;
using llvm::formatv;

Order dtc::test::orderGPipe(int stages, int microbatches) {
  Order order(stages);
  for (auto &tasks : order)
    for (bool forward : {true, false})
      for (int i = 0; i < microbatches; ++i)
        tasks.push_back({forward, i});
  return order;
}

Order dtc::test::order1F1B(int stages, int microbatches) {
  Order order(stages);
  for (int stage = 0; stage < stages; ++stage) {
    int ahead = std::min(stages - 1 - stage, microbatches);
    for (int i = 0; i < microbatches + ahead; ++i) {
      if (i < microbatches)
        order[stage].push_back({true, i});
      if (i >= ahead)
        order[stage].push_back({false, i - ahead});
    }
  }
  return order;
}

namespace {
constexpr const char *type = "tensor<2xf32>";

/// The text of one stage's timeline.
class StageWriter {
public:
  StageWriter(const Order &order, int stage, const ProgramOptions &options)
      : stages(order.size()), stage(stage), tasks(order[stage]), options(options), os(text) {}
  std::string write();

private:
  struct Edge {
    std::string name;
    int peer;
  };
  std::vector<Edge> inputs(bool forward) const { return neighbours(forward, forward); }
  std::vector<Edge> outputs(bool forward) const { return neighbours(forward, !forward); }
  std::vector<Edge> neighbours(bool forward, bool below) const;
  void start(const Edge &edge, int microbatch);
  void writeCollectives();

  int stages, stage;
  const std::vector<Task> &tasks;
  const ProgramOptions &options;
  std::string text, ends;
  llvm::raw_string_ostream os;
};
} // namespace

std::vector<StageWriter::Edge> StageWriter::neighbours(bool forward, bool below) const {
  std::vector<Edge> edges;
  int chain = stage + (below ? -1 : 1), other = below ? 0 : stages - 1;
  const char *prefix = forward ? "" : "d_";
  if (chain >= 0 && chain < stages)
    edges.push_back({formatv("{0}act{1}", prefix, std::min(stage, chain)), chain});
  if (options.skip && stages > 2 && stage == stages - 1 - other)
    edges.push_back({formatv("{0}skip", prefix), other});
  return edges;
}

void StageWriter::start(const Edge &edge, int microbatch) {
  os << formatv("  %{0}{1}_r = dist.recv_start \"{0}\" from {2} over \"pipe\" microbatch {1} : <{3}>\n",
                edge.name, microbatch, edge.peer, type);
}

/// Of every kind, along both axes.
void StageWriter::writeCollectives() {
  std::vector<std::pair<std::string, std::string>> started; // names, types of the results
  auto collect = [&](const std::string &name, const std::string &axis, const std::string &call, const std::string &before,
                     const std::string &after) {
    os << formatv("  %{0} = dist.{1} over \"{2}\" bucket \"{0}\" [\"w\"] : {3} -> <{4}>\n", name, call, axis, before, after);
    started.push_back({name, after});
  };
  int round = 0;
  for (const std::string axis : {"data", "pipe"})
    os << formatv("  %{0}_row = dist.zeros \"row\" : tensor<1x{1}xf32>\n", axis, axis == "data" ? options.data : stages);
  for (const std::string axis : {"data", "pipe", "data", "pipe"}) {
    int ranks = axis == "data" ? options.data : stages;
    std::string number = std::to_string(round++);
    collect("sum" + number, axis, "all_reduce_start sum %x", type, type);
    if (number == "0" || number == "1") {
      collect("scattered" + number, axis, "reduce_scatter_start sum %x", type, formatv("tensor<{0}xf32>", (2 + ranks - 1) / ranks));
      collect("gathered" + number, axis, "all_gather_start %x", type, formatv("tensor<{0}xf32>", 2 * ranks));
      collect("exchanged" + number, axis, "all_to_all_start %" + axis + "_row from 0 to 1", formatv("tensor<1x{0}xf32>", ranks),
              formatv("tensor<{0}x1xf32>", ranks));
      collect("given" + number, axis, "broadcast_start %x from 0", type, type);
    }
  }
  for (const auto &[name, after] : started)
    os << formatv("  %{0}_done = dist.wait %{0} : <{1}> -> {1}\n", name, after);
}

std::string StageWriter::write() {
  os << formatv("dist.timeline @stage{0}(%x: {1}) attributes {{phase = \"train\", "
                "role = \"stage{0}\", dist.at = {{pipe = {0}}} {{\n",
                stage, type);
  if (options.prefetch)
    for (Task task : tasks)
      for (const Edge &edge : inputs(task.forward))
        start(edge, task.microbatch);
  for (Task task : tasks) {
    int i = task.microbatch;
    std::string value = "%x";
    for (const Edge &edge : inputs(task.forward)) {
      if (!options.prefetch)
        start(edge, i);
      value = formatv("%{0}{1}_in", edge.name, i);
      os << formatv("  {0} = dist.wait %{1}{2}_r : <{3}> -> {3}\n", value, edge.name, i, type);
    }
    std::string result = formatv("%{0}{1}", task.forward ? "f" : "b", i);
    os << formatv("  {0} = dist.run @stage{1}_{2}({3}) microbatch {4} : ({5}) -> {5}\n", result,
                  stage, task.forward ? "forward" : "backward", value, i, type);
    for (const Edge &edge : outputs(task.forward)) {
      os << formatv("  %{0}{1}_s = dist.send_start {2} \"{0}\" to {3} over \"pipe\" microbatch {1} : "
                    "{4} -> <>\n",
                    edge.name, i, result, edge.peer, type);
      ends += formatv("  dist.wait %{0}{1}_s : <>\n", edge.name, i);
    }
  }
  writeCollectives();
  os << ends << "  dist.return\n}\n";
  return text;
}

OwningOpRef<ModuleOp> dtc::test::makePipeline(MLIRContext &context, const Order &order,
                                              const ProgramOptions &options) {
  std::string text =
      formatv("shard.grid @mesh(shape = {0}x{1}) {{dist.axes = [\"data\", \"pipe\"]}\n",
              options.data, order.size());
  for (int stage = 0; stage < static_cast<int>(order.size()); ++stage) {
    for (const char *part : {"forward", "backward"})
      text += formatv("dist.fragment @stage{0}_{1}(%x: {2}) -> {2} attributes {{kind = #dist<kind {1}>, stage = {0}} {{\n  dist.return %x : {2}\n}\n",
                      stage, part, type);
    text += StageWriter(order, stage, options).write();
  }
  return parseSourceString<ModuleOp>(text, &context);
}
