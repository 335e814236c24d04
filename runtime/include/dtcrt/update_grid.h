// Updates by a formula on a GPU: one launch over the elements of all parameters of a list, whose blocks each take a piece of one of them.
// Included by update.h.
#pragma once

#include "dtcrt/access.h"
#include "dtcrt/device.h"

#include <cstdint>
#include <new>

namespace dtcrt {

namespace detail {

inline constexpr int update_threads = 256;
inline constexpr int update_piece = update_threads * 16; ///< elements of a block

/// Parameters of a launch, in the kernel's own parameters: `arrays` arrays of elements each (parameter, gradient, states), and scalars.
template <int arrays, int scalars> struct UpdateList {
  static constexpr int capacity = 96 * 8 / (arrays + scalars);
  int count = 0;
  std::uint32_t first_block[capacity + 1] = {};
  index sizes[capacity];
  f32 *data[capacity][arrays];
  f32 *scalar[capacity][scalars > 0 ? scalars : 1];
};
template <class Formula> using UpdateListOf = UpdateList<element_arrays<Formula>, Formula::scalars>;

/// The parameter whose pieces this block is among.
template <class List> __device__ inline int number_in(const List &list) {
  int low = 0, high = list.count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (list.first_block[middle] <= blockIdx.x ? low : high) = middle;
  }
  return low;
}

/// work(arrays of a pack...) for the elements [begin, end) of a piece, `count` at a time; `stores`: what it leaves is written.
template <bool stores, int count, int arrays, class Work> __device__ inline void for_packs(f32 *const *data, index begin, index end, Work work) {
  for (index i = begin + index(threadIdx.x) * count; i < end; i += index(update_threads) * count) {
    Pack<f32, count> values[arrays];
    DTC_UNROLL
    for (int a = 0; a < arrays; ++a)
      values[a] = load<f32, count>(data[a] + i);
    DTC_UNROLL
    for (int j = 0; j < count; ++j)
      [&]<int... A>(std::integer_sequence<int, A...>) { work(values[A].lane[j]...); }(std::make_integer_sequence<int, arrays>());
    if constexpr (stores) {
      DTC_UNROLL
      for (int a = 0; a < arrays; ++a)
        if (a != 1) // the gradient stays
          store<f32, count>(data[a] + i, values[a]);
    }
  }
}

template <bool stores, int arrays, class List, class Work> __device__ inline void for_piece(const List &list, int number, Work work) {
  f32 *data[arrays];
  bool is_aligned = true;
  for (int a = 0; a < arrays; ++a) {
    data[a] = list.data[number][a];
    is_aligned = is_aligned && reinterpret_cast<std::uintptr_t>(data[a]) % 16 == 0;
  }
  const index begin = index(blockIdx.x - list.first_block[number]) * update_piece, rest = list.sizes[number] - begin;
  const index end = begin + (rest < update_piece ? rest : update_piece);
  const index packed = is_aligned ? begin + (end - begin) / 4 * 4 : begin;
  for_packs<stores, 4, arrays>(data, begin, packed, work);
  for_packs<stores, 1, arrays>(data, packed, end, work);
}

/// Where a launch has its formula from. What the host knows already:
template <class Formula> struct GivenFormula {
  Formula formula;
  __device__ Formula operator()(int) const { return formula; }
};
/// What the step alone says: rate and number lie on the device, where a captured step finds them.
template <class Formula> struct FormulaOfStep {
  const f64 *learning_rate;
  const i64 *step;
  __device__ Formula operator()(int) const { return Formula(*learning_rate, static_cast<f64>(*step)); }
};
/// What a launch before has made for each parameter.
template <class Formula> struct FormulaOfTensor {
  const Formula *formulas;
  __device__ Formula operator()(int number) const { return formulas[number]; }
};

/// One thread makes the formula, which may take powers; the others get it.
template <class Formula, class Make> __device__ inline Formula formula_of_block(const Make &make, int number) {
  alignas(Formula) __shared__ unsigned char shared[sizeof(Formula)];
  if (threadIdx.x == 0)
    new (shared) Formula(make(number));
  __syncthreads(); // the formula is whole
  return *reinterpret_cast<const Formula *>(shared);
}

template <class Formula, class Make> __global__ void __launch_bounds__(update_threads) move_elements(const __grid_constant__ UpdateListOf<Formula> list, Make make) {
  const int number = number_in(list);
  const Formula formula = formula_of_block<Formula>(make, number);
  for_piece<true, element_arrays<Formula>>(list, number, [&](auto &...values) { formula(values...); });
}

/// The sum of what the block's threads have, in a fixed order; thread 0 has it.
__device__ inline f64 add_in_block(f64 value) {
  __shared__ f64 shared[update_threads];
  shared[threadIdx.x] = value;
  for (int half = update_threads / 2; half > 0; half /= 2) {
    __syncthreads(); // all have added
    if (static_cast<int>(threadIdx.x) < half)
      shared[threadIdx.x] += shared[threadIdx.x + half];
  }
  const f64 result = shared[0];
  __syncthreads();
  return result;
}

/// The sums over each piece, `Formula::sums` numbers a block.
template <class Formula>
__global__ void __launch_bounds__(update_threads) add_pieces(const __grid_constant__ UpdateListOf<Formula> list, FormulaOfStep<Formula> make, f64 *parts) {
  const int number = number_in(list);
  const Formula formula = formula_of_block<Formula>(make, number);
  f64 sums[Formula::sums] = {};
  for_piece<false, element_arrays<Formula>>(list, number, [&](auto &...values) {
    f32 summands[Formula::sums];
    [&]<int... K>(std::integer_sequence<int, K...>) { formula.summands(values..., summands[K]...); }(std::make_integer_sequence<int, Formula::sums>());
    for (int k = 0; k < Formula::sums; ++k)
      sums[k] += static_cast<f64>(summands[k]);
  });
  for (int k = 0; k < Formula::sums; ++k) {
    const f64 sum = add_in_block(sums[k]);
    if (threadIdx.x == 0)
      parts[index(blockIdx.x) * Formula::sums + k] = sum;
  }
}

/// The formula of each parameter, a block a parameter; scalars move.
template <class Formula>
__global__ void __launch_bounds__(update_threads) make_formulas(const __grid_constant__ UpdateListOf<Formula> list, FormulaOfStep<Formula> make, const f64 *parts,
                                                                Formula *formulas) {
  const int number = static_cast<int>(blockIdx.x);
  f64 sums[Formula::sums + 1] = {}, scalars[Formula::scalars + 1] = {};
  for (int k = 0; k < Formula::sums; ++k) {
    f64 sum = 0;
    for (std::uint32_t part = list.first_block[number] + threadIdx.x; part < list.first_block[number + 1]; part += update_threads)
      sum += parts[index(part) * Formula::sums + k];
    sums[k] = add_in_block(sum);
  }
  if (threadIdx.x != 0)
    return;
  Formula formula = make(number);
  for (int s = 0; s < Formula::scalars; ++s)
    scalars[s] = static_cast<f64>(*list.scalar[number][s]);
  finish_formula(formula, scalars, sums);
  for (int s = 0; s < Formula::scalars; ++s)
    *list.scalar[number][s] = static_cast<f32>(scalars[s]);
  new (formulas + number) Formula(formula);
}

/// run(list, blocks) for all parameters: once, but for very long lists.
template <class Formula, class Run> void for_update_lists(std::span<const Moving<Formula>> all, Run run) {
  UpdateListOf<Formula> list;
  const auto flush = [&] {
    if (list.count > 0)
      run(list, list.first_block[list.count]);
    list.count = 0;
  };
  for (const Moving<Formula> &tensors : all) {
    check_moving(tensors, Formula::scalars);
    const index size = tensors[0].size();
    if (size == 0)
      continue;
    if (list.count == UpdateListOf<Formula>::capacity)
      flush();
    list.first_block[list.count + 1] = list.first_block[list.count] + static_cast<std::uint32_t>((size + update_piece - 1) / update_piece);
    list.sizes[list.count] = size;
    for (int a = 0; a < element_arrays<Formula>; ++a)
      list.data[list.count][a] = tensors[static_cast<std::size_t>(a)].data();
    for (int s = 0; s < Formula::scalars; ++s)
      list.scalar[list.count][s] = tensors[static_cast<std::size_t>(element_arrays<Formula> + s)].data();
    ++list.count;
  }
  flush();
}

} // namespace detail

/// One step of every parameter of a list. No memory is in two of them. `step`: its number, from 1.
template <class Formula>
void update_parameters(const device::CallSite &site, ListOf<Moving<Formula>> all, const Tensor<f64> &learning_rate, const Tensor<i64> &step) {
  const detail::FormulaOfStep<Formula> of_step{learning_rate.data(), step.data()};
  detail::for_update_lists<Formula>(std::span<const Moving<Formula>>(all.begin(), all.size()), [&](const detail::UpdateListOf<Formula> &list, std::uint32_t blocks) {
    const dim3 threads(detail::update_threads);
    if constexpr (detail::has_tensor_part<Formula>) {
      constexpr std::size_t alignment = 256;
      const std::size_t before = (list.count * sizeof(Formula) + alignment - 1) / alignment * alignment;
      auto *const block = static_cast<std::byte *>(device::scratch(site.ctx, before + blocks * sizeof(f64) * Formula::sums));
      auto *const formulas = reinterpret_cast<Formula *>(block);
      auto *const parts = reinterpret_cast<f64 *>(block + before);
      if constexpr (Formula::sums > 0)
        device::launch(site, detail::add_pieces<Formula>, dim3(blocks), threads, list, of_step, parts);
      device::launch(site, detail::make_formulas<Formula>, dim3(static_cast<unsigned>(list.count)), threads, list, of_step, parts, formulas);
      device::launch(site, detail::move_elements<Formula, detail::FormulaOfTensor<Formula>>, dim3(blocks), threads, list,
                     detail::FormulaOfTensor<Formula>{formulas});
    } else {
      device::launch(site, detail::move_elements<Formula, detail::FormulaOfStep<Formula>>, dim3(blocks), threads, list, of_step);
    }
  });
  for (const Moving<Formula> &tensors : all)
    site.ctx.parameter_changed(tensors[0].data());
}

} // namespace dtcrt
