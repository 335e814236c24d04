// launch() of a kernel's body on the host: threads and vectorised loops. Included by kernel.h.
#pragma once

#include "dtcrt/grid.h"

#include <math.h>
#include <omp.h>
#include <utility>

// glibc has vector forms of these (libmvec, within 4 ulp) but declares them under -ffast-math alone; kernels want them without it.
#if defined(__x86_64__) && defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
extern "C" {
#pragma omp declare simd notinbranch
extern float expf(float) noexcept;
#pragma omp declare simd notinbranch
extern float expm1f(float) noexcept;
#pragma omp declare simd notinbranch
extern float logf(float) noexcept;
#pragma omp declare simd notinbranch
extern float log1pf(float) noexcept;
#pragma omp declare simd notinbranch
extern float tanhf(float) noexcept;
#pragma omp declare simd notinbranch
extern float erff(float) noexcept;
#pragma omp declare simd notinbranch
extern float powf(float, float) noexcept;
#pragma omp declare simd notinbranch
extern float sinf(float) noexcept;
#pragma omp declare simd notinbranch
extern float cosf(float) noexcept;
#pragma omp declare simd notinbranch
extern float tanf(float) noexcept;
#pragma omp declare simd notinbranch
extern float asinf(float) noexcept;
#pragma omp declare simd notinbranch
extern float acosf(float) noexcept;
#pragma omp declare simd notinbranch
extern float atanf(float) noexcept;
#pragma omp declare simd notinbranch
extern float sinhf(float) noexcept;
#pragma omp declare simd notinbranch
extern float coshf(float) noexcept;
#pragma omp declare simd notinbranch
extern float asinhf(float) noexcept;
#pragma omp declare simd notinbranch
extern float acoshf(float) noexcept;
#pragma omp declare simd notinbranch
extern float atanhf(float) noexcept;
}
#endif

namespace dtcrt {

namespace detail {

/// Below this many elements a second thread costs more than it brings.
inline constexpr index serial_elements = 16384;

/// All elements of the rows [begin, end): a row is the innermost dimension, and a plain loop that the compiler vectorises.
template <int Rank, class Body, class... Outer>
inline void run_row(const Grid<Rank> &grid, const Body body, Outer... outer) {
  const index inner = grid.sizes[Rank - 1];
#pragma omp simd
  for (index i = 0; i < inner; ++i)
    body(outer..., i);
}

template <int Rank, class Body, int... I>
inline void run_rows(const Grid<Rank> &grid, const Body &body, index begin, index end, std::integer_sequence<int, I...>) {
  index position[Rank] = {};
  index rest = begin;
  for (int d = Rank - 2; d >= 0; --d) {
    position[d] = rest % grid.sizes[d];
    rest /= grid.sizes[d];
  }
  for (index row = begin; row < end; ++row) {
    run_row<Rank>(grid, body, position[I]...);
    for (int d = Rank - 2; d >= 0 && ++position[d] == grid.sizes[d]; --d)
      position[d] = 0;
  }
}

} // namespace detail

/// Calls `body(i0, ..., ik)` once for every point of the grid, in any order and by several threads:
/// a body writes only to its own element.
template <int Rank, class Body> void launch(Context &ctx, const Grid<Rank> &grid, const Body &body) {
  if constexpr (Rank == 0) {
    body();
  } else {
    const index total = grid.product();
    if (total == 0)
      return;
    const bool parallel = ctx.threads() > 1 && total >= detail::serial_elements;
    // Each thread works with a copy of its own: the compiler then knows that no store through a body's pointers changes the body.
    if constexpr (Rank == 1) {
      const index size = grid.sizes[0];
      if (!parallel)
        return detail::run_row<Rank>(grid, Body(body));
#pragma omp parallel num_threads(ctx.threads())
      {
        const Body own = body;
#pragma omp for simd schedule(static)
        for (index i = 0; i < size; ++i)
          own(i);
      }
    } else {
      const index rows = total / grid.sizes[Rank - 1];
      constexpr auto outer = std::make_integer_sequence<int, Rank - 1>();
      if (!parallel)
        return detail::run_rows<Rank>(grid, Body(body), 0, rows, outer);
#pragma omp parallel num_threads(ctx.threads())
      {
        const Body own = body;
        const index threads = omp_get_num_threads(), thread = omp_get_thread_num();
        detail::run_rows<Rank>(grid, own, rows * thread / threads, rows * (thread + 1) / threads, outer);
      }
    }
  }
}

} // namespace dtcrt
