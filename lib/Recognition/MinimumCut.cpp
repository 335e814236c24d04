// Dinic's algorithm. LLVM has no minimum cut among its headers.
#include "MinimumCut.h"

#include <algorithm>

using namespace dtc::recognition;

MinimumCut::Node MinimumCut::addNode() {
  outgoing.emplace_back();
  return static_cast<Node>(outgoing.size() - 1);
}

void MinimumCut::addEdge(Node from, Node to, int64_t capacity) {
  outgoing[from].push_back(static_cast<unsigned>(edges.size()));
  edges.push_back({to, capacity});
  outgoing[to].push_back(static_cast<unsigned>(edges.size()));
  edges.push_back({from, 0});
}

std::vector<int> MinimumCut::levels() const {
  std::vector<int> level(outgoing.size(), -1);
  std::vector<Node> queue{source};
  level[source] = 0;
  for (size_t i = 0; i < queue.size(); ++i)
    for (unsigned edge : outgoing[queue[i]])
      if (edges[edge].left > 0 && level[edges[edge].to] < 0) {
        level[edges[edge].to] = level[queue[i]] + 1;
        queue.push_back(edges[edge].to);
      }
  return level;
}

bool MinimumCut::augment(const std::vector<int> &level, std::vector<unsigned> &next) {
  // Without recursion: a path may be as long as the model.
  std::vector<unsigned> path;
  Node at = source;
  while (at != sink) {
    if (next[at] < outgoing[at].size()) {
      unsigned edge = outgoing[at][next[at]];
      if (edges[edge].left > 0 && level[edges[edge].to] == level[at] + 1) {
        path.push_back(edge);
        at = edges[edge].to;
      } else {
        ++next[at];
      }
      continue;
    }
    if (path.empty())
      return false;
    at = edges[path.back() ^ 1].to;
    path.pop_back();
    ++next[at];
  }
  int64_t amount = forbidden;
  for (unsigned edge : path)
    amount = std::min(amount, edges[edge].left);
  for (unsigned edge : path) {
    edges[edge].left -= amount;
    edges[edge ^ 1].left += amount;
  }
  return true;
}

std::vector<bool> MinimumCut::solve() {
  while (true) {
    std::vector<int> level = levels();
    if (level[sink] < 0) {
      std::vector<bool> side;
      for (int steps : level)
        side.push_back(steps >= 0);
      return side;
    }
    std::vector<unsigned> next(outgoing.size(), 0);
    while (augment(level, next))
      ;
  }
}
