// Which graphs cuDNN itself takes: it needs no GPU to say so, only the description of one. (Engines that are compiled where a program
// runs want a driver; they are not among those that are seen here.)
#include "DeviceProperties.h"

#include "cuda/ConvolutionWays.h"
#include "cuda/LibraryError.h"

#include <gtest/gtest.h>

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

struct Case {
  const char *name;
  Dims x, w, strides, dilations, pads;
  Activation activation = Activation::none;
};

const Case cases[] = {
    {"MnistFirst", {256, 1, 28, 28}, {32, 1, 3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, relu},
    {"MnistSecond", {256, 32, 13, 13}, {64, 32, 3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, relu},
    {"CifarFirst", {64, 3, 32, 32}, {6, 3, 5, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}, relu},
    {"CifarSecond", {64, 6, 14, 14}, {16, 6, 5, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}, relu},
    {"ResnetFirst", {64, 3, 224, 224}, {64, 3, 7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}},
    {"ResnetThree", {64, 64, 56, 56}, {64, 64, 3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {"ResnetOne", {64, 256, 56, 56}, {64, 256, 1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}},
    {"ResnetShortcut", {64, 256, 56, 56}, {512, 256, 1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
    {"ResnetLast", {64, 512, 7, 7}, {512, 512, 3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
    {"AsymmetricPads", {1, 3, 6, 5}, {4, 3, 2, 2}, {1, 2}, {1, 1}, {0, 1, 1, 2}, elu},
    {"Strides", {2, 6, 11, 10}, {8, 6, 3, 3}, {2, 3}, {1, 1}, {1, 1, 1, 1}, Activation::sigmoid},
    {"Dilation", {2, 4, 12, 12}, {8, 4, 3, 3}, {1, 1}, {2, 3}, {2, 0, 2, 0}, Activation::tanh},
    {"OddChannels", {2, 5, 8, 7}, {7, 5, 3, 2}, {1, 1}, {1, 1}, {0, 1, 1, 0}},
    {"Groups", {2, 8, 7, 7}, {12, 2, 3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, leaky_relu},
    {"Depthwise", {2, 16, 8, 8}, {16, 1, 3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {"OneDimension", {3, 4, 17}, {6, 4, 5}, {2}, {1}, {2, 1}, relu},
    {"ThreeDimensions", {2, 3, 5, 6, 4}, {4, 3, 2, 3, 2}, {1, 2, 1}, {1, 1, 1}, {0, 1, 0, 1, 1, 0}},
};

Convolution describe(const Case &c) {
  Convolution result;
  result.strides = c.strides;
  result.dilations = c.dilations;
  for (int i = 0; i < c.strides.size(); ++i) {
    result.begins.push_back(c.pads[i]);
    result.ends.push_back(c.pads[c.strides.size() + i]);
  }
  result.alpha = 0.1f;
  return result;
}

Dims result_shape(const Case &c) {
  Dims y{c.x[0], c.w[0]};
  const int spatial = c.strides.size();
  for (int i = 0; i < spatial; ++i)
    y.push_back((c.x[2 + i] + c.pads[i] + c.pads[spatial + i] - c.dilations[i] * (c.w[2 + i] - 1) - 1) / c.strides[i] + 1);
  return y;
}

struct Kind {
  const char *name;
  Element element;
  bool tf32;
};

class Graphs : public testing::TestWithParam<std::tuple<int, Case>> {
protected:
  /// The first way that cuDNN takes; the test fails when there is none.
  static std::pair<ConvolutionWay, std::unique_ptr<ConvolutionGraph>> first(const Cudnn &cudnn, const Convolution &convolution, const Operand &x,
                                                                            const Dims &w, const Operand &y) {
    for (const ConvolutionWay &way : ways_to_compute(convolution, x, w, y))
      if (auto graph = ConvolutionGraph::make(cudnn, way.graph))
        return {way, std::move(graph)};
    ADD_FAILURE() << "no engine for " << convolution.text() << " x " << int(x.layout) << " y " << int(y.layout);
    return {};
  }
};

TEST_P(Graphs, HaveDeterministicEngines) {
  const auto &[capability, c] = GetParam();
  const Cudnn cudnn = Cudnn::of_properties(device_properties(capability));
  const Dims y = result_shape(c);
  for (const Kind kind : {Kind{"f32", Element::f32, false}, Kind{"tf32", Element::f32, true}, Kind{"bf16", Element::bf16, false}})
    for (const Layout x_layout : {channels_last, row_major})
      for (const Layout y_layout : {channels_last, row_major}) {
        if (x_layout != y_layout && c.x.size() != 4)
          continue;
        SCOPED_TRACE(std::string(kind.name) + (x_layout == channels_last ? " channels-last" : " row-major") +
                     (y_layout == channels_last ? " to channels-last" : " to row-major"));
        Convolution convolution = describe(c);
        convolution.element = kind.element;
        convolution.tf32 = kind.tf32;
        for (const bool bias : {true, false}) {
          convolution.bias = bias;
          convolution.activation = c.activation;
          if (!first(cudnn, convolution, {c.x, x_layout}, c.w, {y, y_layout}).second)
            return;
        }
        convolution.bias = false;
        convolution.activation = Activation::none;
        for (const auto pass : {Convolution::Pass::input_gradient, Convolution::Pass::weight_gradient}) {
          convolution.pass = pass;
          if (!first(cudnn, convolution, {c.x, x_layout}, c.w, {y, y_layout}).second)
            return;
        }
      }
}

TEST(Fusion, BiasAndReluAreInTheEngineOfTheConvolution) {
  for (const int capability : {80, 90})
    for (const bool tf32 : {false, true}) {
      const Cudnn cudnn = Cudnn::of_properties(device_properties(capability));
      Convolution convolution = describe(cases[1]);
      convolution.tf32 = tf32;
      convolution.bias = true;
      convolution.activation = relu;
      const ConvolutionWay way = ways_to_compute(convolution, {cases[1].x, channels_last}, cases[1].w, {result_shape(cases[1]), channels_last})[0];
      EXPECT_EQ(way.converts_filter, tf32);
      EXPECT_FALSE(way.adds_bias);
      EXPECT_EQ(way.activation, Activation::none);
      EXPECT_NE(ConvolutionGraph::make(cudnn, way.graph), nullptr);
    }
}

TEST(TensorCores, ReadChannelsLastWithoutCopies) {
  const Cudnn cudnn = Cudnn::of_properties(device_properties(90));
  for (const auto pass : {Convolution::Pass::forward, Convolution::Pass::input_gradient, Convolution::Pass::weight_gradient}) {
    Convolution convolution = describe(cases[1]);
    convolution.pass = pass;
    convolution.element = Element::bf16;
    const ConvolutionWay way = ways_to_compute(convolution, {cases[1].x, channels_last}, cases[1].w, {result_shape(cases[1]), channels_last})[0];
    const auto graph = ConvolutionGraph::make(cudnn, way.graph);
    ASSERT_NE(graph, nullptr);
    EXPECT_LT(graph->workspace_bytes(), 4096u) << graph->engine();
  }
}

TEST(Refusals, AreOneLine) {
  const Cudnn cudnn = Cudnn::of_properties(device_properties(90));
  EXPECT_THROW(Cudnn::of_properties("{}"), LibraryError);
  Convolution convolution = describe(cases[1]);
  ConvolutionWay way = ways_to_compute(convolution, {cases[1].x, channels_last}, cases[1].w, {result_shape(cases[1]), channels_last})[0];
  way.graph.y.dims[2] += 3;
  try {
    ConvolutionGraph::make(cudnn, way.graph);
    FAIL() << "a result that is too large went through";
  } catch (const LibraryError &error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Graphs, testing::Combine(testing::Values(80, 90), testing::ValuesIn(cases)), [](const auto &info) {
  return std::string(std::get<1>(info.param).name) + "On" + std::to_string(std::get<0>(info.param));
});

} // namespace
