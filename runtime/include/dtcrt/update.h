// Updates of parameters by an optimizer's formula, all in one pass over memory. The formula is a struct that the compiler has written:
//
//   struct adam {
//     static constexpr f64 beta1 = 0.9, beta2 = 0.999, epsilon = 1e-08;
//     static constexpr int states = 2, scalars = 0, sums = 0; // the last `scalars` of the states are one number for the whole parameter
//     f32 step_size, root;
//     DTC_HOST_DEVICE adam(f64 learning_rate, f64 step) { ... }                      // what is the same for all parameters in a step
//     DTC_HOST_DEVICE void operator()(f32 &parameter, f32 gradient, f32 &m, f32 &v) const { ... } // one element
//   };
//
// One with scalars or sums also has
//
//     DTC_HOST_DEVICE void summands(f32 parameter, f32 gradient, f32 m, f32 v, f32 &a, f32 &b) const; // added up over all elements
//     DTC_HOST_DEVICE void of_tensor(f64 &scalar, f64 a, f64 b);                     // what is the same for a parameter's elements
#pragma once

#include "dtcrt/array.h"
#include "dtcrt/context.h"
#include "dtcrt/lanes.h"

#include <array>
#include <span>
#include <utility>

namespace dtcrt {

/// What the update of one parameter works on: the parameter, its gradient and its states. All but scalars have one shape and dense layout.
template <class Formula> using Moving = std::array<Tensor<f32>, 2 + Formula::states>;

namespace detail {

/// Arrays of which each element has its own.
template <class Formula> inline constexpr int element_arrays = 2 + Formula::states - Formula::scalars;
/// Whether something is computed for each parameter.
template <class Formula> inline constexpr bool has_tensor_part = Formula::scalars > 0 || Formula::sums > 0;

/// Throws std::logic_error where shapes or layouts of the first tensors differ, or one of the last `scalars` is no scalar.
void check_moving(std::span<const Tensor<f32>> tensors, int scalars);

/// formula.of_tensor(scalars..., sums...).
template <class Formula> DTC_HOST_DEVICE void finish_formula(Formula &formula, f64 *scalars, const f64 *sums) {
  [&]<int... S, int... K>(std::integer_sequence<int, S...>, std::integer_sequence<int, K...>) {
    formula.of_tensor(scalars[S]..., sums[K]...);
  }(std::make_integer_sequence<int, Formula::scalars>(), std::make_integer_sequence<int, Formula::sums>());
}

} // namespace detail

} // namespace dtcrt

#ifdef DTCRT_CUDA
#include <cuda_runtime.h>
#ifdef __launch_bounds__ // a compiler that knows kernels: nvcc, or the host's with an emulation
#include "dtcrt/update_grid.h"
#endif
#else
#include "dtcrt/update_loop.h"
#endif
