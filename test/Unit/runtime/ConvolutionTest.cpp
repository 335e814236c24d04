// Convolutions and their gradients against the definition, in f64.
#include "Reference.h"

#include <dtcrt/convolution.h>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

struct Case {
  const char *name;
  Dims x, w; ///< [N, C, spatial...], [M, C / groups, kernel...]
  Dims strides, dilations, pads;
  index groups = 1;
  bool bias = true;
  Activation activation = Activation::none;
  f32 alpha = 0;
};

Dims output_shape(const Case &c) {
  Dims y{c.x[0], c.w[0]};
  const int spatial = c.x.size() - 2;
  for (int d = 0; d < spatial; ++d)
    y.push_back((c.x[2 + d] + c.pads[d] + c.pads[spatial + d] - c.dilations[d] * (c.w[2 + d] - 1) - 1) / c.strides[d] + 1);
  return y;
}

/// Calls visit(position in x, position in w, position in y) for every product of the convolution.
template <class Visit> void for_products(const Case &c, Visit visit) {
  const int spatial = c.x.size() - 2;
  const Dims y = output_shape(c);
  const index outputs_a_group = c.w[0] / c.groups;
  for_each_index(y, [&](const Dims &out) {
    for_each_index(c.w, [&](const Dims &tap) {
      if (tap[0] != out[1])
        return;
      Dims in{out[0], out[1] / outputs_a_group * c.w[1] + tap[1]};
      for (int d = 0; d < spatial; ++d) {
        const index at = out[2 + d] * c.strides[d] - c.pads[d] + tap[2 + d] * c.dilations[d];
        if (at < 0 || at >= c.x[2 + d])
          return;
        in.push_back(at);
      }
      visit(position_of(c.x, in), position_of(c.w, tap), position_of(y, out));
    });
  });
}

class Convolution : public testing::TestWithParam<std::tuple<Case, Layout>> {};

TEST_P(Convolution, ForwardAndGradientsFollowTheDefinition) {
  const auto &[c, layout] = GetParam();
  Context ctx(2);
  const Dims y_shape = output_shape(c);
  Owned<f32> x(c.x, layout), w(c.w), bias({c.w[0]}), y(y_shape, layout);
  randomise(x.tensor, 1);
  randomise(w.tensor, 2);
  randomise(bias.tensor, 3);
  const auto xs = logical(x.tensor), ws = logical(w.tensor), bs = logical(bias.tensor);

  std::vector<f64> expected(static_cast<std::size_t>(y_shape.product()));
  for_each_index(y_shape, [&](const Dims &at) {
    if (c.bias)
      expected[static_cast<std::size_t>(position_of(y_shape, at))] = bs[static_cast<std::size_t>(at[1])];
  });
  for_products(c, [&](index i, index k, index o) { expected[o] += xs[i] * ws[k]; });
  for (f64 &v : expected)
    v = activate(v, c.activation, c.alpha);
  conv(ctx, x, w, y,
       {.bias = c.bias ? bias.tensor : Tensor<f32>(),
        .strides = c.strides,
        .dilations = c.dilations,
        .pads = c.pads,
        .groups = c.groups,
        .activation = c.activation,
        .alpha = c.alpha});
  expect_near(y.tensor, expected);

  Owned<f32> dy(y_shape, layout), dx(c.x, layout, 7), dw(c.w, row_major, 7), db({c.w[0]}, row_major, 7);
  randomise(dy.tensor, 4);
  const auto dys = logical(dy.tensor);
  std::vector<f64> expected_dx(xs.size()), expected_dw(ws.size()), expected_db(bs.size());
  for_products(c, [&](index i, index k, index o) {
    expected_dx[i] += dys[o] * ws[k];
    expected_dw[k] += dys[o] * xs[i];
  });
  for_each_index(y_shape, [&](const Dims &at) { expected_db[at[1]] += dys[position_of(y_shape, at)]; });
  const ConvGradientOptions options{.strides = c.strides, .dilations = c.dilations, .pads = c.pads, .groups = c.groups};
  ConvGradientOptions with_bias = options;
  with_bias.bias_gradient = db.tensor;
  conv_input_gradient(ctx, dy, w, dx, options);
  expect_near(dx.tensor, expected_dx);
  conv_weight_gradient(ctx, x, dy, dw, c.bias ? with_bias : options);
  expect_near(dw.tensor, expected_dw, 2e-5);
  if (c.bias)
    expect_near(db.tensor, expected_db, 2e-5);
}

const Case cases[] = {
    {.name = "OneChannel3x3", .x = {3, 1, 14, 13}, .w = {32, 1, 3, 3}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {0, 0, 0, 0}, .activation = relu},
    {.name = "ThreeChannels5x5", .x = {2, 3, 12, 13}, .w = {16, 3, 5, 5}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {2, 1, 2, 3}, .activation = relu},
    {.name = "FewChannelsStrides", .x = {3, 2, 11, 14}, .w = {48, 2, 3, 2}, .strides = {2, 3}, .dilations = {2, 1}, .pads = {1, 1, 0, 1}},
    {.name = "FewChannelsOneDimension", .x = {3, 1, 40}, .w = {32, 1, 7}, .strides = {2}, .dilations = {1}, .pads = {3, 3}},
    {.name = "FewChannelsThreeDimensions", .x = {2, 2, 5, 6, 7}, .w = {16, 2, 3, 2, 3}, .strides = {1, 1, 2}, .dilations = {1, 1, 1}, .pads = {1, 0, 1, 1, 1, 1}, .bias = false},
    {.name = "Dense3x3", .x = {2, 16, 9, 9}, .w = {32, 16, 3, 3}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {1, 1, 1, 1}, .activation = relu},
    {.name = "OddChannels", .x = {2, 5, 8, 7}, .w = {7, 5, 3, 2}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {0, 1, 1, 0}, .bias = false},
    {.name = "Strides", .x = {2, 6, 11, 10}, .w = {8, 6, 3, 3}, .strides = {2, 3}, .dilations = {1, 1}, .pads = {1, 1, 1, 1}, .activation = Activation::sigmoid},
    {.name = "Dilation", .x = {2, 4, 12, 12}, .w = {8, 4, 3, 3}, .strides = {1, 1}, .dilations = {2, 3}, .pads = {2, 0, 2, 0}, .activation = Activation::tanh},
    {.name = "Groups", .x = {2, 8, 7, 7}, .w = {12, 2, 3, 3}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {1, 1, 1, 1}, .groups = 4, .activation = leaky_relu, .alpha = 0.1f},
    {.name = "Depthwise", .x = {2, 16, 8, 8}, .w = {16, 1, 3, 3}, .strides = {2, 2}, .dilations = {1, 1}, .pads = {1, 1, 1, 1}, .groups = 16},
    {.name = "AsymmetricPads", .x = {1, 3, 6, 5}, .w = {4, 3, 2, 2}, .strides = {1, 2}, .dilations = {1, 1}, .pads = {0, 1, 1, 2}, .activation = elu, .alpha = 0.7f},
    {.name = "OneDimension", .x = {3, 4, 17}, .w = {6, 4, 5}, .strides = {2}, .dilations = {1}, .pads = {2, 1}, .activation = relu},
    {.name = "ThreeDimensions", .x = {2, 3, 5, 6, 4}, .w = {4, 3, 2, 3, 2}, .strides = {1, 2, 1}, .dilations = {1, 1, 1}, .pads = {0, 1, 0, 1, 1, 0}},
    {.name = "OneByOne", .x = {2, 24, 5, 5}, .w = {48, 24, 1, 1}, .strides = {1, 1}, .dilations = {1, 1}, .pads = {0, 0, 0, 0}, .activation = relu},
    // oneDNN gathers for these, and not always where it may.
    {.name = "OneByOneStrides", .x = {32, 6, 12, 12}, .w = {8, 6, 1, 1}, .strides = {2, 2}, .dilations = {1, 1}, .pads = {0, 0, 0, 0}},
    {.name = "OneByOneStridesOneChannel", .x = {32, 1, 11, 12}, .w = {16, 1, 1, 1}, .strides = {3, 2}, .dilations = {1, 1}, .pads = {0, 0, 0, 0}},
    {.name = "OneByOneStridesTail", .x = {8, 13, 9, 9}, .w = {12, 13, 1, 1}, .strides = {1, 3}, .dilations = {1, 1}, .pads = {0, 0, 0, 0}, .bias = false},
    {.name = "OneByOneStridesGroups", .x = {8, 12, 10, 9}, .w = {16, 3, 1, 1}, .strides = {2, 2}, .dilations = {1, 1}, .pads = {0, 0, 0, 0}, .groups = 4},
    {.name = "OneByOneStridesPads", .x = {8, 3, 10, 9}, .w = {16, 3, 1, 1}, .strides = {2, 2}, .dilations = {1, 1}, .pads = {1, 0, 0, 1}},
    {.name = "OneTapStrides", .x = {32, 5, 40}, .w = {8, 5, 1}, .strides = {4}, .dilations = {1}, .pads = {0, 0}},
    {.name = "OneTapStridesThreeDimensions", .x = {16, 3, 6, 5, 7}, .w = {8, 3, 1, 1, 1}, .strides = {2, 1, 2}, .dilations = {1, 1, 1}, .pads = {0, 0, 0, 0, 0, 0}},
};

INSTANTIATE_TEST_SUITE_P(All, Convolution, testing::Combine(testing::ValuesIn(cases), testing::Values(row_major, channels_last)),
                         [](const auto &info) {
                           return std::string(std::get<0>(info.param).name) + (std::get<1>(info.param) == row_major ? "RowMajor" : "ChannelsLast");
                         });

TEST(ConvolutionWeights, FollowTheParameterWhenItChanges) {
  Context ctx(1);
  Owned<f32> x({1, 16, 6, 6}, channels_last, 1), w({16, 16, 3, 3}, row_major, 1), y({1, 16, 4, 4}, channels_last);
  ctx.declare_parameter(w.tensor.data());
  conv(ctx, x, w, y);
  EXPECT_FLOAT_EQ(y.memory[0], 144);
  std::fill(w.memory.begin(), w.memory.end(), 2.0f);
  ctx.parameter_changed(w.tensor.data());
  conv(ctx, x, w, y);
  EXPECT_FLOAT_EQ(y.memory[0], 288);
}

TEST(ConvolutionWeights, OfATensorThatIsNoParameterAreNeverKept) {
  Context ctx(1);
  Owned<f32> x({1, 16, 6, 6}, channels_last, 1), w({16, 16, 3, 3}, row_major, 1), y({1, 16, 4, 4}, channels_last);
  conv(ctx, x, w, y);
  std::fill(w.memory.begin(), w.memory.end(), 3.0f);
  conv(ctx, x, w, y);
  EXPECT_FLOAT_EQ(y.memory[0], 432);
}

TEST(ConvolutionErrors, NameTheShapes) {
  Context ctx(1);
  Owned<f32> x({1, 3, 8, 8}), w({4, 3, 3, 3}), y({1, 4, 5, 5});
  try {
    conv(ctx, x, w, y);
    FAIL() << "a wrong output shape went through";
  } catch (const Error &error) {
    EXPECT_NE(std::string(error.what()).find("conv of [1, 3, 8, 8] and [4, 3, 3, 3] to [1, 4, 5, 5]"), std::string::npos) << error.what();
  }
}

} // namespace
