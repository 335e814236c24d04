// dtc-random-graphs: writes random graphs as ONNX's backend tests are written, without outputs.
//
//   dtc-random-graphs DIR FIRST COUNT [OPERATORS]
//
// DIR/graph_SEED/model.onnx and test_data_set_0/input_*.pb. A line a graph on standard output: its seed, its batch and its loss.
#include "test/RandomGraphs/RandomGraph.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace fs = std::filesystem;

int main(int argc, char **argv) {
  if (argc < 4) {
    std::cerr << "usage: dtc-random-graphs DIR FIRST COUNT [OPERATORS]\n";
    return 1;
  }
  uint64_t first = std::strtoull(argv[2], nullptr, 10), count = std::strtoull(argv[3], nullptr, 10);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    dtc::test::RandomGraph graph = dtc::test::makeRandomGraph(seed, argc > 4 ? std::atoi(argv[4]) : 60);
    fs::path folder = fs::path(argv[1]) / ("graph_" + std::to_string(seed));
    fs::create_directories(folder / "test_data_set_0");
    auto write = [&](const fs::path &path, const auto &message) {
      std::ofstream file(path, std::ios::binary);
      if (file && message.SerializeToOstream(&file))
        return true;
      std::cerr << "cannot write " << path.string() << "\n";
      return false;
    };
    if (!write(folder / "model.onnx", graph.model))
      return 1;
    for (size_t i = 0; i < graph.inputs.size(); ++i)
      if (!write(folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"), graph.inputs[i]))
        return 1;
    std::cout << seed << " " << graph.batch << " " << graph.loss << "\n";
  }
  return 0;
}
