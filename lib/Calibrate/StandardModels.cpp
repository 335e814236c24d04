// What a machine is measured with when no model is given.
//
// Rates are fitted to the ops of these steps, so each family occurs in sizes that lie
// apart by an order of magnitude or more, among them calls that are mostly overhead.
#include "dtc/Calibrate/Measurement.h"

using namespace dtc;

static constexpr llvm::StringLiteral models[] = {
    R"(model small_convolutions(image: f32[N, 3, 32, 32]) -> logits {
  x = image |> conv2d(8, kernel: 5) as conv1 |> relu |> max_pool2d(2)
  x = x |> conv2d(16, kernel: 3) as conv2 |> tanh |> avg_pool2d(2)
  logits = x |> flatten |> linear(10) as fc
}
train small_convolutions { loss: cross_entropy   optimizer: adam(lr: 1e-3)   batch: 16 }
)",
    R"(model large_convolutions(image: f32[N, 16, 40, 40]) -> logits {
  x = image |> conv2d(32, kernel: 3) as conv1 |> relu |> max_pool2d(2)
  x = x |> conv2d(64, kernel: 3) as conv2 |> sigmoid |> avg_pool2d(2)
  logits = x |> flatten |> linear(100) as fc
}
train large_convolutions { loss: cross_entropy   optimizer: adam(lr: 1e-3)   batch: 64 }
)",
    R"(model products(x: f32[N, 1024]) -> logits {
  h = x |> linear(1024) as fc1 |> relu |> linear(512) as fc2 |> sigmoid
  a = h |> softmax(axis: 1)
  b = h |> linear(512) as fc3 |> tanh
  h = concat(a, b, axis: 1)
  logits = h |> linear(200) as fc4 |> relu |> linear(100) as fc5
}
train products { loss: cross_entropy   optimizer: sgd(lr: 0.1, momentum: 0.9)   batch: 256 }
)",
    R"(model small_products(x: f32[N, 64]) -> logits {
  h = x |> linear(64) as fc1 |> relu
  a = h |> softmax(axis: 1)
  b = h |> linear(32) as fc2 |> tanh
  logits = concat(a, b, axis: 1) |> linear(10) as fc3
}
train small_products { loss: cross_entropy   optimizer: sgd(lr: 0.1, momentum: 0.9)   batch: 16 }
)",
};

llvm::ArrayRef<llvm::StringLiteral> dtc::standardModels() { return models; }
