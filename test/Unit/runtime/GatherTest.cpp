// Gather and its gradient against plain loops: every element type, indices of both signs and widths, any number of threads.
#include "Reference.h"

#include <dtcrt/gather.h>

#include <limits>
#include <memory>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

/// [a…, i…, b…] of data [a…, rows, b…].
Dims slices_of(const Dims &data, const Dims &indices, int axis) {
  Dims shape;
  for (int d = 0; d < axis; ++d)
    shape.push_back(data[d]);
  for (index size : indices)
    shape.push_back(size);
  for (int d = axis + 1; d < data.size(); ++d)
    shape.push_back(data[d]);
  return shape;
}

/// Calls visit(element of data, element of slices).
template <class Visit> void for_slices(const Dims &data, const std::vector<f64> &indices, int axis, Visit visit) {
  index outer = 1, inner = 1;
  for (int d = 0; d < axis; ++d)
    outer *= data[d];
  for (int d = axis + 1; d < data.size(); ++d)
    inner *= data[d];
  const auto count = static_cast<index>(indices.size());
  for (index o = 0; o < outer; ++o)
    for (index i = 0; i < count; ++i)
      for (index c = 0; c < inner; ++c) {
        const auto named = static_cast<index>(indices[static_cast<std::size_t>(i)]), row = named < 0 ? named + data[axis] : named;
        visit(static_cast<std::size_t>((o * data[axis] + row) * inner + c), static_cast<std::size_t>((o * count + i) * inner + c));
      }
}

/// A tensor with its memory, of booleans too.
template <class T> struct Plain {
  std::unique_ptr<T[]> memory;
  Tensor<T> tensor;
  explicit Plain(const Dims &shape) : memory(new T[static_cast<std::size_t>(shape.product())]()), tensor(memory.get(), shape) {}
};

template <class T, class I> void check_gather(const Dims &shape, const Dims &which, int axis) {
  Context ctx(2);
  const Dims slices = slices_of(shape, which, axis);
  Plain<T> data(shape), y(slices);
  Owned<I> ids(which);
  randomise(data.tensor, 1, std::is_same_v<T, bool> ? 0 : -100, std::is_same_v<T, bool> ? 2 : 100);
  const auto rows = static_cast<f64>(shape[axis]);
  randomise(ids.tensor, 2, -rows, rows);
  gather(ctx, data.tensor, ids.tensor, y.tensor, {.axis = axis});
  const std::vector<f64> from = logical(data.tensor);
  std::vector<f64> expected(static_cast<std::size_t>(slices.product()));
  for_slices(shape, logical(ids.tensor), axis, [&](std::size_t element, std::size_t slice) { expected[slice] = from[element]; });
  expect_near(y.tensor, expected, 0);
}

TEST(Gather, TakesSlicesOfEveryType) {
  for (int axis = 0; axis < 3; ++axis) {
    check_gather<f32, i64>({4, 5, 3}, {2, 7}, axis);
    check_gather<f32, i32>({4, 5, 3}, {}, axis);
    check_gather<bf16, i64>({4, 5, 3}, {7}, axis);
    check_gather<i64, i32>({4, 5, 3}, {7}, axis);
    check_gather<i32, i64>({4, 5, 3}, {7}, axis);
    check_gather<bool, i64>({4, 5, 3}, {7}, axis);
  }
  check_gather<f32, i64>({300, 96}, {8, 40}, 0);
}

#ifdef DTCRT_CUDA
constexpr int team_sizes[] = {1}; // of a GPU's host
#else
constexpr int team_sizes[] = {1, 2, 3, 7};
#endif

template <class T, class I> void check_gradient(const Dims &shape, const Dims &which, int axis) {
  const Dims slices = slices_of(shape, which, axis);
  Owned<T> dy(slices);
  Owned<I> ids(which);
  randomise(dy.tensor, 3);
  const auto rows = static_cast<f64>(shape[axis]);
  randomise(ids.tensor, 4, -rows, rows);
  const std::vector<f64> from = logical(dy.tensor);
  std::vector<f64> expected(static_cast<std::size_t>(shape.product()));
  for_slices(shape, logical(ids.tensor), axis, [&](std::size_t element, std::size_t slice) { expected[element] += from[slice]; });
  std::vector<f32> first;
  for (int threads : team_sizes) {
    Context ctx(threads);
    Owned<f32> ddata(shape, row_major, 7); // what was there before is of no interest
    gather_gradient(ctx, dy.tensor, ids.tensor, ddata.tensor, {.axis = axis});
    expect_near(ddata.tensor, expected, 1e-5);
    if (first.empty())
      first = ddata.memory;
    EXPECT_EQ(ddata.memory, first) << threads << " threads";
    gather_gradient(ctx, dy.tensor, ids.tensor, ddata.tensor, {.axis = axis, .accumulate = true});
    std::vector<f64> twice = expected;
    for (f64 &value : twice)
      value *= 2;
    expect_near(ddata.tensor, twice, 1e-5);
  }
}

TEST(Gather, GradientAddsSlicesUp) {
  for (int axis = 0; axis < 3; ++axis) {
    check_gradient<f32, i64>({4, 5, 3}, {2, 7}, axis);
    check_gradient<bf16, i32>({4, 5, 3}, {30}, axis);
  }
  check_gradient<f32, i64>({300, 200}, {6, 15}, 0);
  check_gradient<bf16, i64>({3, 300}, {100}, 0);  // few rows that many name
  check_gradient<f32, i32>({20000}, {100}, 0);  // one column
  check_gradient<f32, i64>({6, 4}, {}, 0);
}

#ifndef DTCRT_CUDA
TEST(Gather, RefusesIndicesThatNameNoRow) {
  Context ctx(2);
  Owned<f32> data({4, 2}), y({3, 2});
  Owned<i64> ids({3});
  for (const i64 wrong : {i64(4), i64(-5), std::numeric_limits<i64>::max(), std::numeric_limits<i64>::min()}) {
    ids.memory = {3, -4, wrong};
    try {
      gather(ctx, data.tensor, ids.tensor, y.tensor);
      FAIL() << wrong;
    } catch (const Error &error) {
      EXPECT_EQ(std::string(error.what()), "index " + std::to_string(wrong) +
                                               ", number 2 of those that a gather takes on rank 0, is none of a table of 4 rows");
    }
  }
}
#endif

} // namespace
