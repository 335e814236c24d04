// A collective as all networks get it: which tensors, and what is done to them.
#pragma once

#include "core/Probe.h"
#include "dtcrt/comm.h"

#include <algorithm>
#include <vector>

namespace dtcrt {

/// What is read and what is written; in place both are the same.
struct Transfer {
  std::byte *from;
  std::size_t from_bytes;
  std::byte *to;
  std::size_t to_bytes;
  /// Of the whole, where one is a part of the other.
  std::size_t bytes() const { return std::max(from_bytes, to_bytes); }
  std::size_t part_bytes() const { return std::min(from_bytes, to_bytes); }
  /// Bytes of the whole that part r really has.
  std::size_t part_bytes(int r) const {
    const std::size_t begin = std::min(bytes(), static_cast<std::size_t>(r) * part_bytes());
    return std::min(bytes() - begin, part_bytes());
  }
};

struct CollectiveCall {
  TraceEvent::Kind kind;
  std::vector<Transfer> tensors = {};
  Reduction reduction = Reduction::sum;
  int root = 0;
  const char *axis = "", *name = "";

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Transfer &tensor : tensors)
      sum += tensor.bytes();
    return sum;
  }
  /// "all-reduce of 'fc1'".
  std::string describe() const { return std::string(text_of(kind).word) + " of '" + name + "'"; }
};

/// The way of a target to its network, or for a rank alone; in its Comm.cpp.
[[nodiscard]] Pending start_collective(Context &ctx, const CollectiveCall &call);

} // namespace dtcrt
