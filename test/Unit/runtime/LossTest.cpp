// Losses against their closed forms; their gradients against central differences of those forms.
#include "Reference.h"

#include <dtcrt/loss.h>

#ifdef DTCRT_CUDA
#include "cuda/Backend.h"
#endif

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

/// Sum over samples of weight * mean over positions of -log softmax(logits)[label], class axis last.
f64 cross_entropy(const std::vector<f64> &logits, const std::vector<f64> &labels, const std::vector<f64> &weights, index classes) {
  const std::size_t rows = labels.size(), positions = rows / weights.size();
  f64 loss = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const f64 *x = logits.data() + row * static_cast<std::size_t>(classes);
    f64 sum = 0;
    for (index c = 0; c < classes; ++c)
      sum += std::exp(x[c]);
    loss += weights[row / positions] / static_cast<f64>(positions) * (std::log(sum) - x[static_cast<std::size_t>(labels[row])]);
  }
  return loss;
}

void check_cross_entropy(const Dims &shape) {
  Context ctx(2);
  const index classes = shape[shape.size() - 1];
  Dims label_shape;
  for (int d = 0; d < shape.size() - 1; ++d)
    label_shape.push_back(shape[d]);
  Owned<f32> logits(shape), dlogits(shape), weight({shape[0]}), loss({}), alone({});
  Owned<i64> label(label_shape);
  randomise(logits.tensor, 1, -4, 4);
  randomise(weight.tensor, 2, 0.1, 0.5);
  weight.memory.back() = 0; // a padding row
  randomise(label.tensor, 3, 0, static_cast<f64>(classes));
  auto xs = logical(logits.tensor);
  const auto labels = logical(label.tensor), weights = logical(weight.tensor);
  softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits);
  softmax_cross_entropy(ctx, logits, label, weight, alone);
  EXPECT_NEAR(loss.memory[0], cross_entropy(xs, labels, weights, classes), 1e-5);
  EXPECT_EQ(loss.memory[0], alone.memory[0]);
  std::vector<f64> expected;
  for (f64 &x : xs) {
    const f64 value = x, h = 1e-5;
    x = value + h;
    const f64 above = cross_entropy(xs, labels, weights, classes);
    x = value - h;
    expected.push_back((above - cross_entropy(xs, labels, weights, classes)) / (2 * h));
    x = value;
  }
  expect_near(dlogits.tensor, expected, 1e-6);
  softmax_cross_entropy(ctx, logits, label, weight, loss, logits); // in place
  expect_near(logits.tensor, expected, 1e-6);
}

TEST(CrossEntropy, AndItsGradient) {
  check_cross_entropy({6, 10});
  check_cross_entropy({3, 4, 7});
  check_cross_entropy({2, 2, 3, 5});
}

/// The closed form (torch.nn.CrossEntropyLoss with a weight for each sample in place of the divisor).
f64 counted_cross_entropy(const std::vector<f64> &logits, const std::vector<f64> &labels, const std::vector<f64> &weights, index classes,
                          f64 ignored, f64 smoothing, const std::vector<f64> &of_class) {
  const std::size_t rows = labels.size(), positions = rows / weights.size();
  f64 loss = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (labels[row] == ignored)
      continue;
    const f64 *x = logits.data() + row * static_cast<std::size_t>(classes), factor = weights[row / positions] / static_cast<f64>(positions);
    f64 sum = 0;
    for (index c = 0; c < classes; ++c)
      sum += std::exp(x[c]);
    for (index c = 0; c < classes; ++c) {
      const f64 target = smoothing / static_cast<f64>(classes) + (static_cast<f64>(c) == labels[row] ? 1 - smoothing : 0);
      loss += factor * target * of_class[static_cast<std::size_t>(c)] * (std::log(sum) - x[c]);
    }
  }
  return loss;
}

void check_counted(const Dims &shape, f64 smoothing, bool weighs, i64 ignored) {
  Context ctx(2);
  const index classes = shape[shape.size() - 1];
  Dims label_shape;
  for (int d = 0; d < shape.size() - 1; ++d)
    label_shape.push_back(shape[d]);
  Owned<f32> logits(shape), dlogits(shape), weight({shape[0]}), class_weight({classes}), loss({}), alone({});
  Owned<i64> label(label_shape);
  randomise(logits.tensor, 1, -4, 4);
  randomise(weight.tensor, 2, 0.1, 0.5);
  weight.memory.back() = 0; // a padding row
  randomise(class_weight.tensor, 4, 0.2, 3);
  class_weight.memory[1] = 0;
  randomise(label.tensor, 3, 0, static_cast<f64>(classes));
  label.memory[0] = 1; // a class that counts nothing
  label.memory[1] = ignored;
  LossOptions options{.ignore_index = ignored, .label_smoothing = smoothing};
  if (weighs)
    options.class_weight = class_weight;
  auto xs = logical(logits.tensor);
  const auto labels = logical(label.tensor), weights = logical(weight.tensor);
  const std::vector<f64> of_class = weighs ? logical(class_weight.tensor) : std::vector<f64>(static_cast<std::size_t>(classes), 1);
  const auto closed = [&] { return counted_cross_entropy(xs, labels, weights, classes, static_cast<f64>(ignored), smoothing, of_class); };
  softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits, options);
  softmax_cross_entropy(ctx, logits, label, weight, alone, options);
  EXPECT_NEAR(loss.memory[0], closed(), 1e-5);
  EXPECT_EQ(loss.memory[0], alone.memory[0]);
  std::vector<f64> expected;
  for (f64 &x : xs) {
    const f64 value = x, h = 1e-5;
    x = value + h;
    const f64 above = closed();
    x = value - h;
    expected.push_back((above - closed()) / (2 * h));
    x = value;
  }
  expect_near(dlogits.tensor, expected, 1e-6);
  Owned<bf16> low(shape), d_low(shape);
  for (std::size_t i = 0; i < low.memory.size(); ++i) {
    low.memory[i] = bf16(logits.memory[i]);
    logits.memory[i] = low.memory[i];
  }
  softmax_cross_entropy(ctx, low, label, weight, alone, d_low, options);
  softmax_cross_entropy(ctx, logits, label, weight, loss, logits, options); // in place
  EXPECT_NEAR(alone.memory[0], loss.memory[0], 1e-6);
  for (std::size_t i = 0; i < low.memory.size(); ++i)
    EXPECT_NEAR(static_cast<f32>(d_low.memory[i]), logits.memory[i], 0.005 * std::abs(logits.memory[i]) + 1e-7);
}

TEST(CrossEntropy, CountsLabelsAsTold) {
  for (const Dims &shape : {Dims{6, 10}, Dims{3, 4, 7}, Dims{3, 600}})
    for (f64 smoothing : {0.0, 0.1, 1.0})
      for (bool weighs : {false, true})
        for (i64 ignored : {i64(-100), i64(2)})
          check_counted(shape, smoothing, weighs, ignored);
}

TEST(CrossEntropy, NothingCountsWhereAllIsIgnored) {
  Context ctx(1);
  Owned<f32> logits({2, 3}), dlogits({2, 3}, row_major, 7), weight({2}, row_major, 0.5f), loss({}), correct({});
  Owned<i64> label({2}, row_major, -100);
  softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits, {.ignore_index = -100, .label_smoothing = 0.1});
  EXPECT_EQ(loss.memory[0], 0);
  expect_near(dlogits.tensor, std::vector<f64>(6, 0), 0);
  label.memory = {0, 0};
  count_correct(ctx, logits, label, weight, correct, {.ignore_index = 0});
  EXPECT_EQ(correct.memory[0], 0);
}

TEST(CrossEntropy, AlongAChannelAxis) {
  Context ctx(2);
  Owned<f32> last({2, 3, 4}), channels({2, 4, 3}, channels_last), loss({}), other({}), weight({2}, row_major, 0.5f), d({2, 4, 3}, channels_last), d_last({2, 3, 4});
  Owned<i64> label({2, 3});
  randomise(last.tensor, 1);
  randomise(label.tensor, 2, 0, 4);
  for (index n = 0; n < 2; ++n)
    for (index p = 0; p < 3; ++p)
      for (index c = 0; c < 4; ++c)
        channels.tensor.data()[offset_of(channels.tensor, position_of({2, 4, 3}, {n, c, p}))] = last.memory[static_cast<std::size_t>((n * 3 + p) * 4 + c)];
  softmax_cross_entropy(ctx, last, label, weight, loss, d_last);
  softmax_cross_entropy(ctx, channels, label, weight, other, d, {.axis = 1});
  EXPECT_FLOAT_EQ(loss.memory[0], other.memory[0]);
  EXPECT_FLOAT_EQ(d.tensor.data()[offset_of(d.tensor, position_of({2, 4, 3}, {1, 2, 1}))], d_last.memory[(3 + 1) * 4 + 2]);
}

TEST(CrossEntropy, LargeLogitsDoNotOverflow) {
  Context ctx(1);
  Owned<f32> logits({1, 3}), dlogits({1, 3}), weight({1}, row_major, 1), loss({});
  Owned<i64> label({1}, row_major, 2);
  logits.memory = {1000, 0, -1000};
  softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits);
  EXPECT_FLOAT_EQ(loss.memory[0], 2000);
  EXPECT_FLOAT_EQ(dlogits.memory[0], 1);
  EXPECT_FLOAT_EQ(dlogits.memory[2], -1);
}

TEST(CrossEntropy, NamesTheSampleOfALabelOutOfRange) {
  Context ctx(1);
  Owned<f32> logits({3, 4}), dlogits({3, 4}), weight({3}, row_major, 1), loss({});
  Owned<i64> label({3});
  label.memory = {0, 4, 1};
#ifdef DTCRT_CUDA // the host is told at the end of the step
  softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits);
  BadOperand &bad = *ctx.backend().bad_operand;
  EXPECT_EQ(describe(bad, 0), "label 4 of sample 1 of the batch on rank 0 is not a class id below 4");
  bad.sample = -1;
#else
  try {
    softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits);
    FAIL() << "label 4 of 4 classes went through";
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "label 4 of sample 1 of the batch on rank 0 is not a class id below 4");
  }
#endif
  weight.memory[1] = 0; // a padding row is not looked at
  softmax_cross_entropy(ctx, logits, label, weight, loss, dlogits);
  EXPECT_NEAR(loss.memory[0], 2 * std::log(4.0), 1e-6);
#ifdef DTCRT_CUDA
  EXPECT_EQ(bad.sample, -1);
#endif
}

TEST(CountCorrect, TakesTheFirstOfEqualLogitsAndWeighsPositions) {
  Context ctx(1);
  Owned<f32> logits({3, 3}), weight({3}, row_major, 1), correct({});
  Owned<i64> label({3});
  logits.memory = {0, 2, 2, /**/ 5, 1, 0, /**/ 0, 0, 9};
  label.memory = {1, 0, 2};
  weight.memory = {1, 1, 0};
  count_correct(ctx, logits, label, weight, correct);
  EXPECT_EQ(correct.memory[0], 2);
  label.memory = {2, 1, 2};
  count_correct(ctx, logits, label, weight, correct);
  EXPECT_EQ(correct.memory[0], 0);
}

template <class Loss, class Closed> void check_elementwise(Loss loss_of, Closed closed, f64 low, f64 high) {
  Context ctx(2);
  const Dims shape{4, 3, 5};
  Owned<f32> p(shape), t(shape), dp(shape), weight({4}), loss({});
  randomise(p.tensor, 1, low, high);
  randomise(t.tensor, 2, 0, 1);
  randomise(weight.tensor, 3, 0.1, 0.5);
  auto ps = logical(p.tensor);
  const auto ts = logical(t.tensor), ws = logical(weight.tensor);
  const auto value = [&] {
    f64 sum = 0;
    for (std::size_t i = 0; i < ps.size(); ++i)
      sum += ws[i / 15] / 15 * closed(ps[i], ts[i]);
    return sum;
  };
  loss_of(ctx, p.tensor, t.tensor, weight.tensor, loss.tensor, dp.tensor);
  EXPECT_NEAR(loss.memory[0], value(), 1e-5);
  std::vector<f64> expected;
  for (f64 &x : ps) {
    const f64 at = x, h = 1e-6;
    x = at + h;
    const f64 above = value();
    x = at - h;
    expected.push_back((above - value()) / (2 * h));
    x = at;
  }
  expect_near(dp.tensor, expected, 1e-5);
}

TEST(BinaryCrossEntropy, AndItsGradient) {
  check_elementwise([](auto &ctx, auto &...tensors) { binary_cross_entropy(ctx, tensors...); },
                    [](f64 p, f64 t) { return -t * std::log(p) - (1 - t) * std::log(1 - p); }, 0.05, 0.95);
}

TEST(BinaryCrossEntropyWithLogits, AndItsGradient) {
  check_elementwise([](auto &ctx, auto &...tensors) { binary_cross_entropy_with_logits(ctx, tensors...); },
                    [](f64 z, f64 t) { return -t * std::log(1 / (1 + std::exp(-z))) - (1 - t) * std::log(1 - 1 / (1 + std::exp(-z))); }, -6, 6);
}

TEST(BinaryCrossEntropyWithLogits, NoLogitOverflows) {
  Context ctx(1);
  Owned<f32> z({4}), t({4}), dz({4}), weight({4}, row_major, 0.25f), loss({});
  z.memory = {1000, -1000, 200, -200};
  t.memory = {0, 1, 1, 0};
  binary_cross_entropy_with_logits(ctx, z, t, weight, loss, dz);
  EXPECT_FLOAT_EQ(loss.memory[0], 500);
  EXPECT_FLOAT_EQ(dz.memory[0], 0.25f);
  EXPECT_FLOAT_EQ(dz.memory[1], -0.25f);
  EXPECT_EQ(dz.memory[2], 0);
  EXPECT_NEAR(dz.memory[3], 0, 1e-30);
}

TEST(BinaryCrossEntropyWithLogits, OfBf16IsThatOfItsValues) {
  Context ctx(2);
  const Dims shape{5, 13};
  Owned<f32> z(shape), t(shape), dz(shape), weight({5}, row_major, 0.2f), loss({}), other({});
  Owned<bf16> low(shape), d_low(shape);
  randomise(low.tensor, 1, -5, 5);
  randomise(t.tensor, 2, 0, 1);
  for (std::size_t i = 0; i < z.memory.size(); ++i)
    z.memory[i] = low.memory[i];
  binary_cross_entropy_with_logits(ctx, z, t, weight, loss, dz);
  binary_cross_entropy_with_logits(ctx, low, t, weight, other, d_low);
  EXPECT_FLOAT_EQ(loss.memory[0], other.memory[0]);
  for (std::size_t i = 0; i < z.memory.size(); ++i)
    EXPECT_EQ(static_cast<f32>(d_low.memory[i]), static_cast<f32>(bf16(dz.memory[i])));
}

TEST(BinaryCrossEntropy, NamesTheSampleOfAProbabilityOutOfRange) {
  Context ctx(1);
  Owned<f32> p({3, 2}, row_major, 0.5f), t({3, 2}), dp({3, 2}), weight({3}, row_major, 1), loss({});
  p.memory[3] = 1.25f;
  p.memory[4] = -2;
  constexpr const char *expected = "probability 1.25 of sample 1 of the batch on rank 0 is not in [0, 1]: bce takes probabilities, bce-logits takes logits";
#ifdef DTCRT_CUDA // the host is told at the end of the step
  binary_cross_entropy(ctx, p, t, weight, loss, dp);
  BadOperand &bad = *ctx.backend().bad_operand;
  EXPECT_EQ(describe(bad, 0), expected);
  bad.sample = -1;
#else
  try {
    binary_cross_entropy(ctx, p, t, weight, loss, dp);
    FAIL() << "a probability of 1.25 went through";
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), expected);
  }
#endif
  weight.memory = {1, 0, 0}; // padding rows are not looked at
  binary_cross_entropy(ctx, p, t, weight, loss, dp);
  EXPECT_NEAR(loss.memory[0], std::log(2.0), 1e-6);
  p.memory = {0, 1, 0, 1, 0, 1}; // both ends are probabilities
  weight.memory = {1, 1, 1};
  binary_cross_entropy(ctx, p, t, weight, loss, dp);
  p.memory[0] = std::numeric_limits<f32>::quiet_NaN(); // the model's own, which the loss shows
  binary_cross_entropy(ctx, p, t, weight, loss, dp);
  EXPECT_TRUE(std::isnan(loss.memory[0]));
#ifdef DTCRT_CUDA
  EXPECT_EQ(bad.sample, -1);
#endif
}

TEST(BinaryCrossEntropy, ClampsLogarithmsAtMinusHundred) {
  Context ctx(1);
  Owned<f32> p({2, 1}), t({2, 1}), dp({2, 1}), weight({2}, row_major, 1), loss({});
  p.memory = {0, 1};
  t.memory = {1, 0};
  binary_cross_entropy(ctx, p, t, weight, loss, dp);
  EXPECT_FLOAT_EQ(loss.memory[0], 200);
  EXPECT_FLOAT_EQ(dp.memory[0], -1e12f); // torch: (p - t) / max(p (1 - p), 1e-12)
  EXPECT_FLOAT_EQ(dp.memory[1], 1e12f);
}

} // namespace
