// The cheapest way to part a graph in two.
#ifndef DTC_LIB_RECOGNITION_MINIMUMCUT_H
#define DTC_LIB_RECOGNITION_MINIMUMCUT_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace dtc::recognition {

/// A minimum s-t cut by Dinic's algorithm (1970). Capacities are not negative, and their sum stays below `forbidden`.
class MinimumCut {
public:
  using Node = unsigned;
  static constexpr Node source = 0, sink = 1;
  /// The capacity of an edge that is never cut.
  static constexpr int64_t forbidden = int64_t{1} << 60;

  Node addNode();
  /// What it costs to have `from` on the source's side and `to` on the sink's.
  void addEdge(Node from, Node to, int64_t capacity);

  /// Which nodes are on the source's side: of all minimum cuts the one with the fewest.
  std::vector<bool> solve();

private:
  struct Edge {
    Node to;
    int64_t left;
  };
  /// How many edges each node is behind the source; -1 where none leads.
  std::vector<int> levels() const;
  /// Brings as much as it can along one path of rising levels; false if there is none.
  bool augment(const std::vector<int> &level, std::vector<unsigned> &next);

  /// Edge i ^ 1 is edge i backwards.
  std::vector<Edge> edges;
  std::vector<llvm::SmallVector<unsigned, 4>> outgoing{2};
};

} // namespace dtc::recognition

#endif // DTC_LIB_RECOGNITION_MINIMUMCUT_H
