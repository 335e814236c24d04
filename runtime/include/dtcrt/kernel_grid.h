// launch() of a kernel's body on a GPU: a grid of threads, each with `lanes` neighbours of the innermost dimension at a time.
// Included by kernel.h.
#pragma once

#include "dtcrt/device.h"
#include "dtcrt/grid.h"

#include <cstdint>
#include <string>
#include <utility>

namespace dtcrt {

namespace detail {

inline constexpr int kernel_threads = 256;
/// Blocks that a multiprocessor holds at once; a larger grid would only wait, so threads take several turns instead.
inline constexpr int kernel_blocks = 2048 / kernel_threads;

/// Elements that a thread has of each row at a time; 1 for a body that does not say.
template <class Body> constexpr int lanes_of() {
  if constexpr (requires { Body::lanes; })
    return Body::lanes;
  else
    return 1;
}

/// Turns of one launch: threads count them with 32 bits, in which divisions are quick.
inline constexpr index most_turns = (index(1) << 31) - 1;

/// The body at the `turn`-th group of lanes, counted from the outermost coordinate `first` on.
template <int Rank, class Body, int... Outer>
DTC_HOST_DEVICE void run_turn(const Grid<Rank> &grid, const Body &body, index first, std::uint32_t turn,
                              std::integer_sequence<int, Outer...>) {
  constexpr int lanes = lanes_of<Body>();
  index position[Rank] = {};
  if constexpr (Rank > 1) {
    const auto inner = static_cast<std::uint32_t>(grid.sizes[Rank - 1]) / lanes;
    position[Rank - 1] = turn % inner;
    turn /= inner;
    DTC_UNROLL
    for (int d = Rank - 2; d > 0; --d) {
      const auto size = static_cast<std::uint32_t>(grid.sizes[d]);
      position[d] = turn % size;
      turn /= size;
    }
  }
  // What is left is the outermost coordinate.
  position[0] = first + turn;
  if constexpr (lanes == 1)
    body(position[Outer]..., position[Rank - 1]);
  else
    body(position[Outer]..., Lanes<lanes>{position[Rank - 1] * lanes});
}

template <int Rank, class Body>
__global__ void __launch_bounds__(kernel_threads) run_grid(Grid<Rank> grid, Body body, index first, std::uint32_t turns) {
  const std::uint32_t stride = gridDim.x * kernel_threads;
  for (std::uint32_t turn = blockIdx.x * kernel_threads + threadIdx.x; turn < turns; turn += stride)
    run_turn(grid, body, first, turn, std::make_integer_sequence<int, Rank - 1>());
}

template <class Body> __global__ void run_point(Body body) { body(); }

} // namespace detail

/// Calls `body(i0, ..., ik)` once for every point of the grid, in any order: a body writes only to its own element.
template <int Rank, class Body> void launch(const device::CallSite &site, const Grid<Rank> &grid, const Body &body) {
  if constexpr (Rank == 0) {
    device::launch(site, detail::run_point<Body>, dim3(1), dim3(1), body);
  } else {
    const index turns = grid.product() / detail::lanes_of<Body>();
    if (turns == 0)
      return;
    // A grid that is too large for one launch is cut at its outermost coordinates.
    const index outermost = Rank == 1 ? turns : grid.sizes[0], each = turns / outermost, most = detail::most_turns / each;
    if (most == 0)
      throw Error("a kernel has " + std::to_string(each) + " threads for each of its outermost coordinates; there may be 2^31 - 1");
    const index blocks = static_cast<index>(device::multiprocessors(site.ctx)) * detail::kernel_blocks;
    for (index first = 0; first < outermost; first += most) {
      const index count = each * (outermost - first < most ? outermost - first : most);
      const index wanted = (count + detail::kernel_threads - 1) / detail::kernel_threads;
      device::launch(site, detail::run_grid<Rank, Body>, dim3(static_cast<unsigned>(wanted < blocks ? wanted : blocks)),
                     dim3(detail::kernel_threads), grid, body, first, static_cast<std::uint32_t>(count));
    }
  }
}

} // namespace dtcrt
