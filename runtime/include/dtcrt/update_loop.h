// Updates by a formula on the host: threads with equal parts of all elements, whichever parameters they are of. Included by update.h.
#pragma once

#include "dtcrt/kernel_loop.h"

#include <algorithm>
#include <vector>

namespace dtcrt {

namespace detail {

/// Calls `work(tensor, begin, end)` so that every element of every tensor is in one range: one parallel region, in which each thread has
/// an equal part of all elements.
template <class List, class Work> void for_each_range(Context &ctx, const List &list, Work work) {
  constexpr index line = 16; // f32 in a cache line, which no two threads should write
  index lines = 0, elements = 0;
  for (const auto &tensors : list) {
    lines += (tensors[0].size() + line - 1) / line;
    elements += tensors[0].size();
  }
#pragma omp parallel num_threads(elements < serial_elements ? 1 : ctx.threads())
  {
    const index threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const index first = lines * thread / threads * line, last = lines * (thread + 1) / threads * line;
    index before = 0;
    std::size_t number = 0;
    for (const auto &tensors : list) {
      const index size = tensors[0].size();
      const index begin = std::max<index>(first - before, 0), end = std::min(last - before, size);
      if (begin < end)
        work(number, tensors, begin, end);
      before += (size + line - 1) / line * line;
      ++number;
    }
  }
}

/// The elements [begin, end) of a parameter. By value: the compiler then knows that no store changes the formula.
template <class Formula, class... States>
inline void move_range(const Formula formula, index begin, index end, f32 *parameter, const f32 *gradient, States *...states) {
#pragma omp simd
  for (index i = begin; i < end; ++i)
    formula(parameter[i], gradient[i], states[i]...);
}

template <class Formula, class Tensors, int... S>
inline void move_range(const Formula &formula, const Tensors &tensors, index begin, index end, std::integer_sequence<int, S...>) {
  move_range(formula, begin, end, tensors[0].data(), tensors[1].data(), tensors[2 + S].data()...);
}

/// Elements of which sums are taken by themselves: sums then do not depend on the number of threads.
inline constexpr index summed_elements = 4096;

/// The sums over the elements [begin, end) of a parameter.
template <class Formula, int... S, int... K>
inline void add_range(const Formula formula, const Moving<Formula> &tensors, index begin, index end, f64 *sums, std::integer_sequence<int, S...>,
                      std::integer_sequence<int, K...>) {
  constexpr index block = 256;
  f32 summands[Formula::sums][block];
  const f32 *const parameter = tensors[0].data(), *const gradient = tensors[1].data();
  const std::array<const f32 *, sizeof...(S)> states = {tensors[2 + S].data()...};
  for (int k = 0; k < Formula::sums; ++k)
    sums[k] = 0;
  for (index first = begin; first < end; first += block) {
    const index count = std::min(block, end - first);
#pragma omp simd
    for (index i = 0; i < count; ++i)
      formula.summands(parameter[first + i], gradient[first + i], states[S][first + i]..., summands[K][i]...);
    for (int k = 0; k < Formula::sums; ++k) {
      f64 sum = 0;
#pragma omp simd reduction(+ : sum)
      for (index i = 0; i < count; ++i)
        sum += static_cast<f64>(summands[k][i]);
      sums[k] += sum;
    }
  }
}

/// Over each parameter: `Formula::sums` numbers a parameter.
template <class Formula> std::vector<f64> add_up(Context &ctx, const Formula &formula, ListOf<Moving<Formula>> list) {
  constexpr auto sums = static_cast<std::size_t>(Formula::sums);
  std::vector<index> first_part = {0};
  for (const Moving<Formula> &tensors : list)
    first_part.push_back(first_part.back() + (tensors[0].size() + summed_elements - 1) / summed_elements);
  std::vector<f64> parts(static_cast<std::size_t>(first_part.back()) * sums);
#pragma omp parallel for schedule(static) num_threads(first_part.back() < 4 ? 1 : ctx.threads())
  for (index part = 0; part < first_part.back(); ++part) {
    const auto number = std::upper_bound(first_part.begin(), first_part.end(), part) - first_part.begin() - 1;
    const Moving<Formula> &tensors = list.begin()[number];
    const index begin = (part - first_part[static_cast<std::size_t>(number)]) * summed_elements;
    add_range(formula, tensors, begin, std::min(begin + summed_elements, tensors[0].size()), &parts[static_cast<std::size_t>(part) * sums],
              std::make_integer_sequence<int, Formula::states - Formula::scalars>(), std::make_integer_sequence<int, Formula::sums>());
  }
  std::vector<f64> result(list.size() * sums);
  for (std::size_t number = 0; number < list.size(); ++number)
    for (index part = first_part[number]; part < first_part[number + 1]; ++part)
      for (std::size_t k = 0; k < sums; ++k)
        result[number * sums + k] += parts[static_cast<std::size_t>(part) * sums + k];
  return result;
}

/// The formula of each parameter; scalars move.
template <class Formula> std::vector<Formula> formulas_of_tensors(Context &ctx, const Formula &of_step, ListOf<Moving<Formula>> list) {
  std::vector<f64> sums;
  if constexpr (Formula::sums > 0)
    sums = add_up(ctx, of_step, list);
  std::vector<Formula> formulas(list.size(), of_step);
  for (std::size_t number = 0; number < list.size(); ++number) {
    const Moving<Formula> &tensors = list.begin()[number];
    f64 scalars[Formula::scalars + 1] = {};
    for (int s = 0; s < Formula::scalars; ++s)
      scalars[s] = static_cast<f64>(*tensors[static_cast<std::size_t>(element_arrays<Formula> + s)].data());
    finish_formula(formulas[number], scalars, sums.data() + number * Formula::sums);
    for (int s = 0; s < Formula::scalars; ++s)
      *tensors[static_cast<std::size_t>(element_arrays<Formula> + s)].data() = static_cast<f32>(scalars[s]);
  }
  return formulas;
}

} // namespace detail

/// One step of every parameter of a list. No memory is in two of them. `step`: its number, from 1.
template <class Formula>
void update_parameters(Context &ctx, ListOf<Moving<Formula>> list, const Tensor<f64> &learning_rate, const Tensor<i64> &step) {
  for (const Moving<Formula> &tensors : list)
    detail::check_moving(tensors, Formula::scalars);
  constexpr auto states = std::make_integer_sequence<int, Formula::states - Formula::scalars>();
  const Formula formula(*learning_rate.data(), static_cast<f64>(*step.data()));
  if constexpr (detail::has_tensor_part<Formula>) {
    const std::vector<Formula> formulas = detail::formulas_of_tensors(ctx, formula, list);
    detail::for_each_range(ctx, list, [&](std::size_t number, const Moving<Formula> &tensors, index begin, index end) {
      detail::move_range(formulas[number], tensors, begin, end, states);
    });
  } else {
    detail::for_each_range(ctx, list, [&](std::size_t, const Moving<Formula> &tensors, index begin, index end) {
      detail::move_range(formula, tensors, begin, end, states);
    });
  }
  for (const Moving<Formula> &tensors : list)
    ctx.parameter_changed(tensors[0].data());
}

} // namespace dtcrt
