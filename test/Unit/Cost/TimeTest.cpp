// The time model: the roofline of each family, worked out by hand.
#include "dtc/Cost/Time.h"
#include "dialects/Dist/Dist.h"
#include "dtc/Cost/Signature.h"
#include "dtc/Pipelines/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace dtc;

namespace {

/// 100 FLOP/s, 10 byte/s, 1 s a call, but for the families given.
Device slowDevice(std::initializer_list<std::pair<OpFamily, Rate>> own = {}) {
  Device device;
  device.rate = {100, 10, 1};
  device.families.fill(device.rate);
  for (auto [family, rate] : own)
    device.families[*ratePosition(family)] = rate;
  return device;
}

TEST(Time, IsTheRoofline) {
  Cost cost;
  cost.flops = 1000;
  cost.bytesRead = 40;
  cost.bytesWritten = 20;
  Device device = slowDevice({{OpFamily::Matmul, {1000, 10, 0.5}}});
  EXPECT_DOUBLE_EQ(secondsOf(device, OpFamily::Elementwise, cost), 1 + 1000. / 100);
  EXPECT_DOUBLE_EQ(secondsOf(device, OpFamily::Matmul, cost), 0.5 + 60. / 10);
  EXPECT_EQ(secondsOf(device, OpFamily::View, cost), 0);
  device.speed = 0.5;
  EXPECT_DOUBLE_EQ(secondsOf(device, OpFamily::Elementwise, cost), 2 * (1 + 1000. / 100));
}

TEST(Time, OfAnOpIsWhatWasMeasured) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"mlir(
func.func @f(%a: tensor<4x8xf32>, %b: tensor<2x8xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x8xf32>) {
  %y = nn.matmul %a, %b transposed {dist.stage = 1 : i64} : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32> loc("y")
  %z = nn.matmul %a, %b transposed : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32> loc("z")
  %r = nn.relu %a : tensor<4x8xf32>
  return %y, %z, %r : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x8xf32>
}
)mlir",
                                                              &context);
  ASSERT_TRUE(module);
  std::vector<Operation *> ops;
  module->walk([&](Operation *op) {
    if (isa<CostOpInterface>(op))
      ops.push_back(op);
  });
  ASSERT_EQ(ops.size(), 3u);
  // Names, places and what passes note are nothing to the time.
  EXPECT_EQ(signatureOf(ops[0]), signatureOf(ops[1]));
  EXPECT_EQ(signatureOf(ops[2]), "nn.relu (tensor<4x8xf32>) -> (tensor<4x8xf32>)");
  Device device = slowDevice(), before = device;
  device.measured.set(signatureOf(ops[0]), 7);
  EXPECT_EQ(secondsOf(device, ops[1]), 7);
  EXPECT_EQ(secondsOf(device, ops[2]), secondsOf(before, ops[2]));
  device.speed = 0.5;
  EXPECT_EQ(secondsOf(device, ops[0]), 14);
  // A table is shared until one of its devices learns more.
  EXPECT_TRUE(before.measured.empty());
  Device other = device;
  other.measured.set("x", 1);
  EXPECT_EQ(device.measured.find("x"), nullptr);
  EXPECT_NE(other, device);
}

TEST(Time, OfMessages) {
  Link link{0.25, 8};
  EXPECT_DOUBLE_EQ(transferSeconds(link, 16), 0.25 + 2);
  EXPECT_EQ(transferSeconds(link, 0), 0);
}

constexpr const char *program = R"mlir(
func.func @model(%x: tensor<2x4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %m: tensor<5x54xf32>,
                 %label: tensor<2xi64>, %weight: tensor<2xf32>, %step: tensor<i64>, %lr: tensor<f64>) {
  %y = nn.conv %x, %w strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<2x6x6x6xf32>
  %r = nn.relu %y : tensor<2x6x6x6xf32>
  %p, %index = nn.max_pool %r kernel [2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]
     : (tensor<2x6x6x6xf32>) -> (tensor<2x6x3x3xf32>, tensor<2x6x3x3xui8>)
  %flat = nn.reshape %p : tensor<2x6x3x3xf32> -> tensor<2x54xf32>
  %logits = nn.matmul %flat, %m transposed : (tensor<2x54xf32>, tensor<5x54xf32>) -> tensor<2x5xf32>
  %loss, %dlogits = nn.softmax_cross_entropy %logits, %label, %weight : (tensor<2x5xf32>, tensor<2xi64>, tensor<2xf32>) -> (tensor<f32>, tensor<2x5xf32>)
  %dw = nn.conv_weight_gradient %x, %r strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] groups 1
     : (tensor<2x4x8x8xf32>, tensor<2x6x6x6xf32>) -> tensor<6x4x3x3xf32>
  %t = nn.transpose %x [1, 0, 2, 3] : (tensor<2x4x8x8xf32>) -> tensor<4x2x8x8xf32>
  %sum = nn.reduce_sum %x axes [0] : (tensor<2x4x8x8xf32>) -> tensor<4x8x8xf32>
  %w1 = nn.update %w, %dw rate %lr step %step by sgd<lr = 0.1> : (tensor<6x4x3x3xf32>, tensor<6x4x3x3xf32>, tensor<f64>, tensor<i64>) -> tensor<6x4x3x3xf32>
  return
})mlir";

// Each op takes its own family's overhead, and nothing else takes time.
TEST(Time, AsksTheOpForItsFamily) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(program, &context);
  ASSERT_TRUE(module);
  Device device;
  for (size_t family = 0; family < ratedFamilies.size(); ++family)
    device.families[family] = {1e30, 1e30, double(1 + family)};

  std::vector<double> seconds;
  auto function = module->lookupSymbol<func::FuncOp>("model");
  for (Operation &op : function.getBody().front().without_terminator())
    seconds.push_back(secondsOf(device, &op));
  auto overhead = [](OpFamily family) { return double(1 + *ratePosition(family)); };
  std::vector<double> expected = {
      overhead(OpFamily::Convolution), overhead(OpFamily::Elementwise),
      overhead(OpFamily::Pooling),     0,
      overhead(OpFamily::Matmul),      overhead(OpFamily::Loss),
      overhead(OpFamily::ConvolutionGradient), overhead(OpFamily::Movement),
      overhead(OpFamily::Reduction),   overhead(OpFamily::Optimizer)};
  ASSERT_EQ(seconds.size(), expected.size());
  double sum = 0;
  for (size_t i = 0; i < seconds.size(); ++i) {
    EXPECT_NEAR(seconds[i], expected[i], 1e-12) << "op " << i;
    sum += expected[i];
  }
  EXPECT_NEAR(secondsOf(device, function.getBody()), sum, 1e-12);
  EXPECT_NEAR(secondsOf(device, function), sum, 1e-12);
}

// A run takes what its fragment's ops take, each at its own rate; a collective is
// the links' affair.
TEST(Time, OfARunIsItsFragments) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"mlir(
shard.grid @mesh(shape = 2) {dist.axes = ["data"]}
dist.fragment @f(%a: tensor<8x2xf32>, %b: tensor<2x4xf32>) -> tensor<8x4xf32> {
  %y = nn.matmul %a, %b : (tensor<8x2xf32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  %r = nn.relu %y : tensor<8x4xf32>
  dist.return %r : tensor<8x4xf32>
}
dist.timeline @train(%a: tensor<8x2xf32>, %b: tensor<2x4xf32>) -> tensor<8x4xf32>
    attributes {phase = "train", role = "all"} {
  %y = dist.run @f(%a, %b) : (tensor<8x2xf32>, tensor<2x4xf32>) -> tensor<8x4xf32>
  %p = dist.all_reduce_start sum %y over "data" bucket "bucket0" ["y"]
     : tensor<8x4xf32> -> <tensor<8x4xf32>>
  %s = dist.wait %p : <tensor<8x4xf32>> -> tensor<8x4xf32>
  dist.return %s : tensor<8x4xf32>
})mlir", &context);
  ASSERT_TRUE(module);
  Device device = slowDevice({{OpFamily::Matmul, {64, 1e30, 0}}});
  // 2·8·4·2 FLOP at 64 FLOP/s; then 128 bytes read and 128 written at 10 byte/s.
  double matmul = 128. / 64, relu = 1 + 256. / 10;
  auto timeline = module->lookupSymbol<dist::TimelineOp>("train");
  EXPECT_DOUBLE_EQ(secondsOf(device, timeline), matmul + relu);
}

} // namespace
