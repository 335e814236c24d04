// Losses with their gradients in one pass, and the count of correct predictions. Probabilities are never in memory: a row of logits is
// read for its maximum and its sum, and once more to write its gradient.
//
// Blocks write sums of their own in f64; the one that ends last adds them up, in the order of the blocks.
#include "dtcrt/loss.h"
#include "cuda/Backend.h"
#include "cuda/ClassRows.h"
#include "math/Losses.h"

namespace dtcrt {

namespace {

using namespace device;

constexpr i64 no_row = INT64_MAX;

/// What a block adds to the result: its sum, and its first row (or element) that the loss rules out.
struct Part {
  f64 sum;
  i64 bad_row;
};

/// Where the result goes, and what tells of a bad label or probability.
struct Result {
  f32 *value;
  std::uint32_t *arrivals; ///< of blocks; 0 between kernels
  BadOperand *bad_operand;
  const i64 *label; ///< class ids, or else
  const f32 *probability;
  index positions, classes; ///< rows of a sample
};

/// Adds up what the threads of a block have found, and, in the block that ends last, the parts of all. The first bad operand of a step stays.
__device__ void finish_block(f64 sum, i64 bad_row, Part *parts, const Result &result) {
  __shared__ bool is_last;
  const Part part{block_reduce<block_threads>(sum, Sum()), block_reduce<block_threads>(bad_row, Min())};
  if (threadIdx.x == 0) {
    parts[blockIdx.x] = part;
    __threadfence(); // the part is there before its arrival
    is_last = atomicAdd(result.arrivals, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last)
    return;
  __threadfence();
  Part total{0, no_row};
  for (index i = threadIdx.x; i < gridDim.x; i += block_threads) {
    total.sum += parts[i].sum;
    total.bad_row = min(total.bad_row, parts[i].bad_row);
  }
  total = {block_reduce<block_threads>(total.sum, Sum()), block_reduce<block_threads>(total.bad_row, Min())};
  if (threadIdx.x != 0)
    return;
  *result.arrivals = 0;
  *result.value = static_cast<f32>(total.sum);
  if (total.bad_row != no_row && result.bad_operand->sample < 0)
    *result.bad_operand = {total.bad_row / result.positions, result.label ? result.label[total.bad_row] : 0, result.classes,
                           result.probability ? result.probability[total.bad_row] : 0};
}

/// The grid for `items`, `a_block` at a time, by their number alone: the order of addition is the same on every GPU.
index blocks_of(index items, index a_block) { return std::clamp<index>(ceil_div(items, a_block), 1, 2048); }

Part *parts_of(Context &ctx, index blocks) {
  return static_cast<Part *>(ctx.backend().workspace(static_cast<std::size_t>(blocks) * sizeof(Part)));
}

/// How labels count.
struct Counting {
  i64 ignored;
  const f32 *class_weight; ///< or null
  f32 smoothing;
};

/// `gradient` false: dlogits is not touched. `weighs`: classes have weights; or labels are smoothed, and all classes have a part of a
/// row's loss.
template <int lanes, int count, bool gradient, bool weighs, class T>
__global__ void cross_entropy_rows(Rows<T> logits, Rows<T> dlogits, const i64 *label, const f32 *weight, index weight_step, f32 share,
                                   Counting counting, Part *parts, Result result) {
  constexpr index teams = block_threads / lanes;
  const index classes = logits.length;
  f64 loss = 0;
  i64 bad_row = no_row;
  for (index row = blockIdx.x * teams + threadIdx.x / lanes; row < logits.count; row += gridDim.x * teams) {
    const i64 target = label[row];
    const bool is_class = target >= 0 && target < classes;
    const f32 of_position = target == counting.ignored ? 0 : weight[divide(row, result.positions) * weight_step] * share;
    if (!is_class && of_position != 0)
      bad_row = min(bad_row, static_cast<i64>(row));
    f32 factor = of_position, each = 0; // the label's part, and that of a class of weight 1
    if constexpr (weighs) {
      if (counting.class_weight && is_class)
        factor *= counting.class_weight[target];
      factor *= 1 - counting.smoothing;
      each = of_position * counting.smoothing / static_cast<f32>(classes);
    }
    const T *in = row_at(logits, row);
    T *out = gradient ? row_at(dlogits, row) : nullptr;
    // A padding row adds nothing to the loss, whatever its values are.
    const bool counts = (factor != 0 || each != 0) && is_class;
    Exponentials e{0, 1};
    f32 of_target = 0;
    f64 shares = 0;
    if (counts) {
      of_target = in[target * logits.step];
      e = exponentials<lanes, count>(in, classes, logits.step);
      if (Team<lanes>::lane() == 0)
        loss += static_cast<f64>(factor) * (static_cast<f64>(logf(e.sum)) - (of_target - e.largest));
      if constexpr (weighs)
        if (each != 0) {
          f64 below = 0; // each class's weight times how far its logit is below the largest
          for_classes<lanes, count>(in, classes, logits.step, [&](index c, const Pack<T, count> &values) {
            for (int i = 0; i < count; ++i) {
              const f32 w = counting.class_weight ? counting.class_weight[c + i] : 1;
              shares += w;
              below += w == 0 ? 0 : static_cast<f64>(w) * (static_cast<f32>(values[i]) - e.largest);
            }
          });
          shares = Team<lanes>::sum(shares);
          below = Team<lanes>::sum(below);
          if (Team<lanes>::lane() == 0)
            loss += each * (shares * static_cast<f64>(logf(e.sum)) - below);
        }
    }
    if constexpr (gradient) {
      const f32 scale = static_cast<f32>((factor + each * shares) / e.sum);
      for_classes<lanes, count>(in, classes, logits.step, [&](index c, const Pack<T, count> &values) {
        Pack<T, count> slopes;
        for (int i = 0; i < count; ++i) {
          f32 shared = 0;
          if constexpr (weighs)
            shared = each * (counting.class_weight ? counting.class_weight[c + i] : 1);
          slopes[i] = T(counts ? expf(values[i] - e.largest) * scale - shared - (c + i == target ? factor : 0) : 0);
        }
        if constexpr (count == 1)
          out[c * dlogits.step] = slopes[0];
        else
          store(out + c, slopes);
      });
    }
  }
  finish_block(loss, bad_row, parts, result);
}

template <bool gradient, class T>
void cross_entropy(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight, const Tensor<f32> &loss,
                   const Tensor<T> &dlogits, const LossOptions &options) {
  check_labels("softmax_cross_entropy", logits, label, weight, options);
  const Rows<T> in(logits, options.axis), out(gradient ? dlogits : logits, options.axis);
  const Counting counting{options.ignore_index, options.class_weight ? options.class_weight.data() : nullptr,
                          static_cast<f32>(options.label_smoothing)};
  const index positions = std::max<index>(logits.dim(0) ? in.count / logits.dim(0) : 0, 1);
  const Result result{loss.data(), ctx.backend().arrivals, ctx.backend().bad_operand, label.data(), nullptr, positions, in.length};
  constexpr int pack = pack_size<T>;
  with_team<pack>(in.length, in.step == 1 && out.step == 1, rows_in_packs<pack>(in) && rows_in_packs<pack>(out), [&](auto lanes, auto count) {
    const index blocks = blocks_of(in.count, block_threads / lanes.value);
    const auto run = [&](auto weighs) {
      launch(ctx, cross_entropy_rows<lanes.value, count.value, gradient, weighs.value, T>, static_cast<unsigned>(blocks), block_threads, in, out,
             label.data(), weight.data(), weight.strides()[0], 1.0f / static_cast<f32>(positions), counting, parts_of(ctx, blocks), result);
    };
    if (counting.class_weight || counting.smoothing != 0)
      run(std::true_type());
    else
      run(std::false_type());
  });
}

/// A logit and its class. The first of equal ones is better; a NaN is better than nothing but in the first place, as in a plain loop.
struct Best {
  f32 logit;
  index at;
};

template <int lanes> __device__ index best_class(Best best) {
  const f32 logit = Team<lanes>::max(best.logit);
  return Team<lanes>::min(best.logit == logit ? best.at : no_row);
}

template <int lanes, int count, class T>
__global__ void correct_rows(Rows<T> logits, const i64 *label, const f32 *weight, index weight_step, i64 ignored, Part *parts, Result result) {
  constexpr index teams = block_threads / lanes;
  f64 hits = 0;
  for (index row = blockIdx.x * teams + threadIdx.x / lanes; row < logits.count; row += gridDim.x * teams) {
    Best best{-INFINITY, no_row};
    for_classes<lanes, count>(row_at(logits, row), logits.length, logits.step, [&](index c, const Pack<T, count> &values) {
      for (int i = 0; i < count; ++i) {
        const f32 value = values[i], logit = value == value ? value : c + i == 0 ? INFINITY : -INFINITY;
        if (logit > best.logit || best.at == no_row)
          best = {logit, c + i};
      }
    });
    const index found = best_class<lanes>(best);
    if (Team<lanes>::lane() == 0 && found == label[row] && found != ignored)
      hits += static_cast<f64>(weight[divide(row, result.positions) * weight_step]) / static_cast<f64>(result.positions);
  }
  finish_block(hits, no_row, parts, result);
}

template <class T>
void correct_of(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight, const Tensor<f32> &correct,
                const LossOptions &o) {
  check_labels("count_correct", logits, label, weight, o);
  const Rows<T> in(logits, o.axis);
  const index positions = std::max<index>(logits.dim(0) ? in.count / logits.dim(0) : 0, 1);
  const Result result{correct.data(), ctx.backend().arrivals, ctx.backend().bad_operand, label.data(), nullptr, positions, in.length};
  constexpr int pack = pack_size<T>;
  with_team<pack>(in.length, in.step == 1, rows_in_packs<pack>(in), [&](auto lanes, auto count) {
    const index blocks = blocks_of(in.count, block_threads / lanes.value);
    launch(ctx, correct_rows<lanes.value, count.value, T>, static_cast<unsigned>(blocks), block_threads, in, label.data(), weight.data(),
           weight.strides()[0], o.ignore_index, parts_of(ctx, blocks), result);
  });
}

/// Losses of single elements, meaned over those of a sample; packs lie inside samples.
template <int count, bool gradient, class Element, class T>
__global__ void element_losses(const T *p, const f32 *t, const f32 *weight, index weight_step, T *dp, index size, index elements, f32 share,
                               Part *parts, Result result) {
  f64 loss = 0;
  i64 bad = no_row;
  for (index i = first_item<index>() * count; i < size; i += item_step<index>() * count) {
    const f32 factor = weight[divide(i, elements) * weight_step] * share;
    Pack<T, count> slopes;
    f32 sum = 0;
    if (factor != 0) {
      const Pack<T, count> in = load<count>(p + i);
      const Pack<f32, count> target = load<count>(t + i);
      for (int j = 0; j < count; ++j) {
        const f32 value = in[j];
        sum += Element::value(value, target[j]);
        slopes[j] = T(gradient ? factor * Element::slope(value, target[j]) : 0);
        if (Element::rules_out(value))
          bad = min(bad, static_cast<i64>(i + j));
      }
    } else {
      for (int j = 0; j < count; ++j)
        slopes[j] = T(0);
    }
    loss += static_cast<f64>(factor) * sum;
    if constexpr (gradient)
      store(dp + i, slopes);
  }
  finish_block(loss, bad, parts, result);
}

template <class Element, bool gradient, class T>
void element_loss(Context &ctx, const char *call, const Tensor<T> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss,
                  const Tensor<T> &dp) {
  check_elements<gradient>(call, p, t, weight, dp);
  const index size = p.size(), elements = std::max<index>(p.dim(0) ? size / p.dim(0) : 0, 1);
  const f32 *probability = nullptr;
  if constexpr (std::is_same_v<T, f32>)
    probability = p.data();
  const Result result{loss.data(), ctx.backend().arrivals, ctx.backend().bad_operand, nullptr, probability, elements, 0};
  const auto run = [&](auto count, auto kernel) {
    const index blocks = blocks_of(ceil_div(size, count.value), block_threads * 8);
    launch(ctx, kernel, static_cast<unsigned>(blocks), block_threads, p.data(), t.data(), weight.data(), weight.strides()[0],
           gradient ? dp.data() : nullptr, size, elements, 1.0f / static_cast<f32>(elements), parts_of(ctx, blocks), result);
  };
  if (packs<4, T>({p.data(), dp.data()}, {elements}) && packs<4, f32>({t.data()}, {elements}))
    run(std::integral_constant<int, 4>(), element_losses<4, gradient, Element, T>);
  else
    run(std::integral_constant<int, 1>(), element_losses<1, gradient, Element, T>);
}

} // namespace

#define DTCRT_CLASS_LOSSES(T)                                                                                                          \
  void softmax_cross_entropy(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,               \
                             const Tensor<f32> &loss, const Tensor<T> &dlogits, const LossOptions &o) {                                \
    require(dlogits.shape() == logits.shape(), "softmax_cross_entropy", "the gradient has the logits' shape");                         \
    cross_entropy<true>(ctx, logits, label, weight, loss, dlogits, o);                                                            \
  }                                                                                                                                    \
  void softmax_cross_entropy(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,               \
                             const Tensor<f32> &loss, const LossOptions &o) {                                                          \
    cross_entropy<false>(ctx, logits, label, weight, loss, Tensor<T>(), o);                                                       \
  }                                                                                                                                    \
  void count_correct(Context &ctx, const Tensor<T> &logits, const Tensor<i64> &label, const Tensor<f32> &weight,                       \
                     const Tensor<f32> &correct, const LossOptions &o) {                                                               \
    correct_of(ctx, logits, label, weight, correct, o);                                                                                \
  }
DTCRT_CLASS_LOSSES(f32)
DTCRT_CLASS_LOSSES(bf16)
#undef DTCRT_CLASS_LOSSES

#define DTCRT_LOGIT_LOSSES(T)                                                                                                          \
  void binary_cross_entropy_with_logits(Context &ctx, const Tensor<T> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,        \
                                        const Tensor<f32> &loss, const Tensor<T> &dlogits) {                                           \
    element_loss<BinaryCrossEntropyWithLogits, true>(ctx, "binary_cross_entropy_with_logits", logits, t, weight, loss, dlogits);       \
  }                                                                                                                                    \
  void binary_cross_entropy_with_logits(Context &ctx, const Tensor<T> &logits, const Tensor<f32> &t, const Tensor<f32> &weight,        \
                                        const Tensor<f32> &loss) {                                                                     \
    element_loss<BinaryCrossEntropyWithLogits, false>(ctx, "binary_cross_entropy_with_logits", logits, t, weight, loss, Tensor<T>());  \
  }
DTCRT_LOGIT_LOSSES(f32)
DTCRT_LOGIT_LOSSES(bf16)
#undef DTCRT_LOGIT_LOSSES

void binary_cross_entropy(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss,
                          const Tensor<f32> &dp) {
  element_loss<BinaryCrossEntropy, true>(ctx, "binary_cross_entropy", p, t, weight, loss, dp);
}
void binary_cross_entropy(Context &ctx, const Tensor<f32> &p, const Tensor<f32> &t, const Tensor<f32> &weight, const Tensor<f32> &loss) {
  element_loss<BinaryCrossEntropy, false>(ctx, "binary_cross_entropy", p, t, weight, loss, Tensor<f32>());
}

} // namespace dtcrt
