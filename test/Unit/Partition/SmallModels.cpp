// The models' text, and what the front of the compiler makes of it.
#include "test/Unit/Partition/SmallModels.h"

#include "dtc/Import/DSL.h"
#include "dtc/Pipelines/Pipelines.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include <random>

using namespace mlir;
using namespace dtc;
using llvm::formatv;

static constexpr const char *chain = R"dt(
model chain(x: f32[N, 5]) -> logits {
  x = x |> linear(6) |> relu |> linear(4) |> tanh |> linear(6) |> relu |> linear(5) |> tanh |> linear(4) |> sigmoid
  logits = x |> linear(3)
}
train chain { loss: cross_entropy  optimizer: adamw(lr: 0.01, weight_decay: 0.1)  batch: 16 }
)dt";

static constexpr const char *residual = R"dt(
block unit(x) -> y {
  h = x |> linear(5) as a |> relu |> linear(5) as b
  y = relu(x + h)
}
model residual(x: f32[N, 5]) -> logits {
  s = x |> linear(5) as stem
  x = s |> unit as unit1 |> unit as unit2
  x = x + s |> unit as unit3
  logits = x * s |> linear(3) as head
}
train residual { loss: cross_entropy  optimizer: sgd(lr: 0.1, momentum: 0.9, weight_decay: 0.01)  batch: 16 }
)dt";

static constexpr const char *unet = R"dt(
model unet(x: f32[N, 1, 4, 4]) -> y {
  a = x |> conv2d(2, kernel: 3, padding: 1) as in1 |> relu
  b = a |> max_pool2d(2) |> conv2d(2, kernel: 3, padding: 1) as in2 |> relu
  c = b |> max_pool2d(2) |> conv2d(3, kernel: 1) as bottom |> relu
  x = concat(c |> upsample(2), b) |> conv2d(2, kernel: 3, padding: 1) as out2 |> relu
  x = concat(x |> upsample(2), a) |> conv2d(1, kernel: 3, padding: 1) as out1
  y = x + a |> conv2d(1, kernel: 1) as head
}
train unet { loss: mse  optimizer: sgd(lr: 0.1)  batch: 16 }
)dt";

static constexpr const char *tied = R"dt(
model tied(x: f32[N, 5]) -> y {
  h = x |> linear(4) as encode |> tanh |> linear(4) as inner |> tanh |> linear(4) as middle |> relu
  h = h |> linear(4, weight: inner.weight) as again |> tanh |> linear(4, weight: inner.weight, bias: inner.bias) as third
  y = matmul(h |> tanh, encode.weight) as decode
}
train tied { loss: mse  optimizer: adam(lr: 0.01)  batch: 16 }
)dt";

static constexpr const char *convolutions = R"dt(
model convolutions(x: f32[N, 2, 7, 7]) -> logits {
  x = (x - 0.5) / 2.0
  x = x |> conv2d(3, kernel: 3, stride: 2, padding: 1) as conv1 |> relu |> max_pool2d(2)
  x = x |> conv2d(4, kernel: 2, groups: 1) as conv2 |> leaky_relu(0.1) |> flatten |> linear(4) as fc1 |> relu
  logits = x |> linear(3) as fc2
}
train convolutions { loss: cross_entropy  optimizer: adam(lr: 0.01)  batch: 16 }
)dt";

// All blocks' values are read by the last: several of one name cross a cut, and
// the second input and a parameter reach far.
static constexpr const char *fan = R"dt(
model fan(x: f32[N, 4], z: f32[N, 4]) -> y {
  param scale: f32[4] = normal(stddev: 1.0)
  a = x |> linear(4) as first |> tanh
  b = (a * scale) |> linear(4) as second |> tanh
  c = softmax(b + a) as mix
  d = linear(c, 4) as third
  y = sigmoid((a * b + c * d) * scale + z |> linear(3) as last) as out
}
train fan { loss: bce  optimizer: sgd(lr: 0.1, momentum: 0.9, nesterov: true)  batch: 16 }
)dt";

// Masks of rows, of what comes from a convolution, and of rows that are positions.
static constexpr const char *dropouts = R"dt(
model dropouts(x: f32[N, 2, 6]) -> logits {
  x = x |> dropout(0.2) |> conv1d(3, kernel: 3) as conv1 |> dropout(0.3)
  h = x |> transpose(2, 0, 1) |> dropout(0.4) |> transpose(1, 2, 0) |> flatten |> linear(5) as fc1 |> tanh |> dropout
  logits = h |> linear(4) as fc2 |> dropout(0.1) |> linear(3) as fc3
}
train dropouts { loss: cross_entropy  optimizer: adam(lr: 0.01)  batch: 16 }
)dt";

// Equal parts of one weight, whose gradients have one name and one type.
static constexpr const char *parts = R"dt(
model parts(x: f32[N, 6]) -> logits {
  param mixed: f32[12, 4] = normal(stddev: 0.5)
  h = x |> linear(4) as encode |> tanh
  q = matmul(h, slice(mixed, axis: 0, begin: 0, end: 4))
  k = matmul(h, slice(mixed, axis: 0, begin: 4, end: 8))
  v = matmul(h, slice(mixed, axis: 0, begin: 8, end: 12))
  logits = tanh(q * k + v) |> linear(4) as head
}
train parts { loss: cross_entropy  optimizer: sgd(lr: 0.1)  batch: 16 }
)dt";

llvm::ArrayRef<test::SmallModel> test::smallModels() {
  static const SmallModel models[] = {{"chain", chain}, {"residual", residual},
                                      {"unet", unet},   {"tied", tied},
                                      {"convolutions", convolutions}, {"fan", fan},
                                      {"dropouts", dropouts}, {"parts", parts}};
  return models;
}

std::string test::randomModel(unsigned seed, int layers) {
  std::mt19937 random(seed);
  auto pick = [&](int choices) { return std::uniform_int_distribution<int>(0, choices - 1)(random); };
  std::string text = "model random(x: f32[N, 3]) -> y {\n  v0 = x |> linear(3) as l0\n";
  std::vector<std::string> weights = {"l0.weight"};
  // Every value is read, so that the graph has one end.
  std::vector<int> unread;
  auto value = [&](int made) {
    int number = pick(2) && !unread.empty() ? unread[pick(unread.size())] : pick(made);
    llvm::erase(unread, number);
    return formatv("v{0}", number).str();
  };
  for (int i = 1; i < layers; ++i) {
    std::string a = value(i), b = value(i), made;
    switch (pick(6)) {
    case 0:
    case 1:
      made = formatv("linear({0}, 3) as l{1}", a, i);
      weights.push_back(formatv("l{0}.weight", i));
      break;
    case 2: made = formatv("linear({0}, 3, weight: {1}, bias: false) as l{2}", a,
                           weights[pick(weights.size())], i); break;
    case 3: made = formatv("tanh({0})", a); break;
    case 4: made = formatv("{0} * 0.7 + {1}", a, b); break;
    default: made = formatv("{0} * sigmoid({1})", a, b); break;
    }
    text += formatv("  v{0} = {1}\n", i, made);
    unread.push_back(i);
  }
  std::string end = formatv("v{0}", layers - 1);
  for (int number : unread)
    if (number != layers - 1)
      end += formatv(" + v{0}", number);
  return text + "  y = " + end + "\n}\ntrain random { loss: mse  optimizer: sgd(lr: 0.1, momentum: 0.9)  batch: 16 }\n";
}

OwningOpRef<ModuleOp> test::makeSteps(MLIRContext &context, StringRef model, int64_t batch) {
  OwningOpRef<ModuleOp> module = importDSLText(model, "test.dt", {batch}, context);
  if (!module)
    return nullptr;
  PassManager differentiate(&context);
  buildPipelineTo(Level::Grad, differentiate, PipelineOptions());
  return succeeded(differentiate.run(*module)) ? std::move(module) : nullptr;
}
