// launch() of a kernel's body on a GPU: a grid of threads, each with `lanes` neighbours of the innermost dimension at a time.
// Included by kernel.h.
#pragma once

#include "dtcrt/device.h"
#include "dtcrt/grid.h"

#include <cstdint>
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

/// The body at the `turn`-th group of lanes. Index: of the division of the turn into coordinates, 32 bits where they suffice.
template <class Index, int Rank, class Body, int... Outer>
DTC_HOST_DEVICE void run_turn(const Grid<Rank> &grid, const Body &body, Index turn, std::integer_sequence<int, Outer...>) {
  constexpr int lanes = lanes_of<Body>();
  index position[Rank > 1 ? Rank : 1] = {};
  if constexpr (Rank > 1) {
    const auto inner = static_cast<Index>(grid.sizes[Rank - 1]) / lanes;
    position[Rank - 1] = static_cast<index>(turn % inner);
    turn /= inner;
    DTC_UNROLL
    for (int d = Rank - 2; d > 0; --d) {
      position[d] = static_cast<index>(turn % static_cast<Index>(grid.sizes[d]));
      turn /= static_cast<Index>(grid.sizes[d]);
    }
  }
  // What is left is the outermost coordinate.
  position[0] = static_cast<index>(turn);
  if constexpr (lanes == 1)
    body(position[Outer]..., position[Rank - 1]);
  else
    body(position[Outer]..., Lanes<lanes>{position[Rank - 1] * lanes});
}

template <class Index, int Rank, class Body>
__global__ void __launch_bounds__(kernel_threads) run_grid(Grid<Rank> grid, Body body, Index turns) {
  const Index stride = static_cast<Index>(gridDim.x) * kernel_threads;
  for (Index turn = static_cast<Index>(blockIdx.x) * kernel_threads + threadIdx.x; turn < turns; turn += stride)
    run_turn(grid, body, turn, std::make_integer_sequence<int, Rank - 1>());
}

template <class Body> __global__ void run_point(Body body) { body(); }

} // namespace detail

/// Calls `body(i0, ..., ik)` once for every point of the grid, in any order: a body writes only to its own element.
template <int Rank, class Body> void launch(Context &ctx, const Grid<Rank> &grid, const Body &body) {
  if constexpr (Rank == 0) {
    device::launch(ctx, detail::run_point<Body>, dim3(1), dim3(1), body);
  } else {
    const index turns = grid.product() / detail::lanes_of<Body>();
    if (turns == 0)
      return;
    const index wanted = (turns + detail::kernel_threads - 1) / detail::kernel_threads;
    const index most = static_cast<index>(device::multiprocessors(ctx)) * detail::kernel_blocks;
    const auto blocks = static_cast<unsigned>(wanted < most ? wanted : most);
    // A turn beyond the last one must not wrap around.
    if (turns < (index(1) << 31))
      device::launch(ctx, detail::run_grid<std::uint32_t, Rank, Body>, dim3(blocks), dim3(detail::kernel_threads), grid, body,
                     static_cast<std::uint32_t>(turns));
    else
      device::launch(ctx, detail::run_grid<std::uint64_t, Rank, Body>, dim3(blocks), dim3(detail::kernel_threads), grid, body,
                     static_cast<std::uint64_t>(turns));
  }
}

} // namespace dtcrt
