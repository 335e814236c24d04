// Updates of all tensors of a list in one launch: each block takes a piece of one tensor.
#include "cuda/Primitives.h"
#include "math/Updates.h"

namespace dtcrt {

namespace {

using namespace device;

constexpr int piece = block_threads * 16; ///< elements of a block

/// Tensors of a launch, in the kernel's parameters: `arrays` arrays each (parameter, gradient, state).
template <int arrays> struct List {
  static constexpr int capacity = 192;
  int count = 0;
  std::uint32_t first_block[capacity + 1] = {};
  index sizes[capacity];
  f32 *data[capacity][arrays];
};

/// Calls update(arrays of a pack...) for the elements of this block's piece.
template <int count, int arrays, class Update> __device__ void update_elements(f32 *const (&data)[arrays], index begin, index end, const Update &update) {
  for (index i = begin + index(threadIdx.x) * count; i < end; i += block_threads * count) {
    Pack<f32, count> values[arrays];
    for (int a = 0; a < arrays; ++a)
      values[a] = load<count>(data[a] + i);
    for (int j = 0; j < count; ++j) {
      if constexpr (arrays == 2)
        update(values[0][j], values[1][j]);
      else if constexpr (arrays == 3)
        update(values[0][j], values[1][j], values[2][j]);
      else
        update(values[0][j], values[1][j], values[2][j], values[3][j]);
    }
    for (int a = 0; a < arrays; ++a)
      if (a != 1) // the gradient stays
        store(data[a] + i, values[a]);
  }
}

template <int arrays, class Update> __device__ void update_piece(const List<arrays> &list, const Update &update) {
  int low = 0, high = list.count; // the tensor whose pieces this block is among
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (list.first_block[middle] <= blockIdx.x ? low : high) = middle;
  }
  f32 *data[arrays];
  bool is_aligned = true;
  for (int a = 0; a < arrays; ++a) {
    data[a] = list.data[low][a];
    is_aligned = is_aligned && reinterpret_cast<std::uintptr_t>(data[a]) % 16 == 0;
  }
  const index begin = index(blockIdx.x - list.first_block[low]) * piece, end = min(begin + piece, list.sizes[low]);
  const index packed = is_aligned ? begin + (end - begin) / 4 * 4 : begin;
  update_elements<4>(data, begin, packed, update);
  update_elements<1>(data, packed, end, update);
}

__global__ void update_average(const __grid_constant__ List<2> list, RunningAverageUpdate update) { update_piece(list, update); }

__global__ void update_sgd(const __grid_constant__ List<2> list, SgdUpdate update) { update_piece(list, update); }

/// `step` may be absent: no update is the first.
__global__ void update_momentum(const __grid_constant__ List<3> list, const i64 *step, SgdOptions options) {
  update_piece(list, MomentumUpdate(options, step && *step == 1));
}

__global__ void update_adam(const __grid_constant__ List<4> list, const i64 *step, AdamOptions options) {
  // One thread takes the powers of the decay rates.
  __shared__ f32 shared[sizeof(AdamUpdate) / sizeof(f32)];
  if (threadIdx.x == 0)
    *reinterpret_cast<AdamUpdate *>(shared) = AdamUpdate(options, *step);
  __syncthreads();
  const AdamUpdate update = *reinterpret_cast<const AdamUpdate *>(shared);
  update_piece(list, update);
}

/// Calls run(list, blocks) for all tensors: once, but for very long lists.
template <int arrays, class Tensors, class Arrays, class Run>
void for_lists(Context &ctx, std::initializer_list<Tensors> tensors, Arrays arrays_of, Run run) {
  List<arrays> list;
  const auto flush = [&] {
    if (list.count > 0)
      run(list, list.first_block[list.count]);
    list.count = 0;
  };
  for (const Tensors &t : tensors) {
    const index size = updated(t).size();
    if (size == 0)
      continue;
    if (list.count == List<arrays>::capacity)
      flush();
    list.first_block[list.count + 1] = list.first_block[list.count] + static_cast<std::uint32_t>(ceil_div(size, piece));
    list.sizes[list.count] = size;
    arrays_of(t, list.data[list.count]);
    ++list.count;
  }
  flush();
  for (const Tensors &t : tensors)
    ctx.parameter_changed(updated(t).data());
}

void sgd_with_momentum(Context &ctx, std::initializer_list<SgdTensors> tensors, const i64 *step, const SgdOptions &o) {
  for (const SgdTensors &t : tensors)
    check_update("sgd_update", t.parameter, {&t.gradient, &t.momentum});
  for_lists<3>(
      ctx, tensors,
      [](const SgdTensors &t, f32 *(&data)[3]) {
        data[0] = t.parameter.data();
        data[1] = t.gradient.data();
        data[2] = t.momentum.data();
      },
      [&](const List<3> &list, std::uint32_t blocks) { launch(ctx, update_momentum, blocks, block_threads, list, step, o); });
}

} // namespace

void sgd_update(Context &ctx, std::initializer_list<SgdTensors> tensors, const SgdOptions &o) {
  const bool momentum = tensors.size() && tensors.begin()->momentum;
  require(momentum || o.momentum == 0, "sgd_update", "momentum needs a buffer");
  require(!momentum || o.dampening == 0, "sgd_update", "dampening needs the step, which it skips the first time");
  if (momentum)
    return sgd_with_momentum(ctx, tensors, nullptr, o);
  for (const SgdTensors &t : tensors)
    check_update("sgd_update", t.parameter, {&t.gradient});
  for_lists<2>(
      ctx, tensors,
      [](const SgdTensors &t, f32 *(&data)[2]) {
        data[0] = t.parameter.data();
        data[1] = t.gradient.data();
      },
      [&](const List<2> &list, std::uint32_t blocks) { launch(ctx, update_sgd, blocks, block_threads, list, SgdUpdate(o)); });
}

void sgd_update(Context &ctx, std::initializer_list<SgdTensors> tensors, const Tensor<i64> &step, const SgdOptions &o) {
  sgd_with_momentum(ctx, tensors, step.data(), o);
}

void adam_update(Context &ctx, std::initializer_list<AdamTensors> tensors, const Tensor<i64> &step, const AdamOptions &o) {
  for (const AdamTensors &t : tensors)
    check_update("adam_update", t.parameter, {&t.gradient, &t.m, &t.v});
  for_lists<4>(
      ctx, tensors,
      [](const AdamTensors &t, f32 *(&data)[4]) {
        data[0] = t.parameter.data();
        data[1] = t.gradient.data();
        data[2] = t.m.data();
        data[3] = t.v.data();
      },
      [&](const List<4> &list, std::uint32_t blocks) { launch(ctx, update_adam, blocks, block_threads, list, step.data(), o); });
}

void running_average_update(Context &ctx, std::initializer_list<RunningAverageTensors> tensors, const RunningAverageOptions &o) {
  for (const RunningAverageTensors &t : tensors)
    check_update("running_average_update", t.average, {&t.value});
  for_lists<2>(
      ctx, tensors,
      [](const RunningAverageTensors &t, f32 *(&data)[2]) {
        data[0] = t.average.data();
        data[1] = t.value.data();
      },
      [&](const List<2> &list, std::uint32_t blocks) { launch(ctx, update_average, blocks, block_threads, list, RunningAverageUpdate(o)); });
}

} // namespace dtcrt
