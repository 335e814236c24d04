// The MNIST CNN as the compiler emits it, for RANKS ranks, data parallel: what the runtime's own tests train.
#include "../Formulas.h"
#include "Offset.h"
#include <dtcrt/program.h>
using namespace dtcrt;

#ifndef RANKS
#define RANKS 1
#endif

namespace {

constexpr index batch = 256, local = (batch + RANKS - 1) / RANKS;

struct Buffers {
  Arena &arena;
  Offset o{};
  Tensor<f32> image = next<f32>(arena, o, {local, 1, 28, 28}, channels_last);
  Tensor<i64> label = next<i64>(arena, o, {local});
  Tensor<f32> weight = next<f32>(arena, o, {local});
  Tensor<i64> count = next<i64>(arena, o, {});
  Tensor<f64> rate = next<f64>(arena, o, {});
  Tensor<f32> loss = next<f32>(arena, o, {}), correct = next<f32>(arena, o, {});

  Tensor<f32> conv1_w = next<f32>(arena, o, {32, 1, 3, 3}), conv1_b = next<f32>(arena, o, {32});
  Tensor<f32> conv2_w = next<f32>(arena, o, {64, 32, 3, 3}), conv2_b = next<f32>(arena, o, {64});
  Tensor<f32> fc1_w = next<f32>(arena, o, {128, 1600}), fc1_b = next<f32>(arena, o, {128});
  Tensor<f32> fc2_w = next<f32>(arena, o, {10, 128}), fc2_b = next<f32>(arena, o, {10});

  Tensor<f32> conv1_w_m = next<f32>(arena, o, {32, 1, 3, 3}), conv1_b_m = next<f32>(arena, o, {32});
  Tensor<f32> conv2_w_m = next<f32>(arena, o, {64, 32, 3, 3}), conv2_b_m = next<f32>(arena, o, {64});
  Tensor<f32> fc1_w_m = next<f32>(arena, o, {128, 1600}), fc1_b_m = next<f32>(arena, o, {128});
  Tensor<f32> fc2_w_m = next<f32>(arena, o, {10, 128}), fc2_b_m = next<f32>(arena, o, {10});
  Tensor<f32> conv1_w_v = next<f32>(arena, o, {32, 1, 3, 3}), conv1_b_v = next<f32>(arena, o, {32});
  Tensor<f32> conv2_w_v = next<f32>(arena, o, {64, 32, 3, 3}), conv2_b_v = next<f32>(arena, o, {64});
  Tensor<f32> fc1_w_v = next<f32>(arena, o, {128, 1600}), fc1_b_v = next<f32>(arena, o, {128});
  Tensor<f32> fc2_w_v = next<f32>(arena, o, {10, 128}), fc2_b_v = next<f32>(arena, o, {10});

  // Gradients, in two buckets: views of the same memory.
  std::size_t bucket0_at = o.at;
  Tensor<f32> d_fc2_w = next<f32>(arena, o, {10, 128}), d_fc2_b = next<f32>(arena, o, {10});
  Tensor<f32> d_fc1_w = next<f32>(arena, o, {128, 1600}), d_fc1_b = next<f32>(arena, o, {128});
  Tensor<f32> bucket0{arena, "bucket0", bucket0_at, {static_cast<index>((o.at - bucket0_at) / 4)}};
  std::size_t bucket1_at = o.at;
  Tensor<f32> d_conv2_w = next<f32>(arena, o, {64, 32, 3, 3}), d_conv2_b = next<f32>(arena, o, {64});
  Tensor<f32> d_conv1_w = next<f32>(arena, o, {32, 1, 3, 3}), d_conv1_b = next<f32>(arena, o, {32});
  Tensor<f32> bucket1{arena, "bucket1", bucket1_at, {static_cast<index>((o.at - bucket1_at) / 4)}};

  Tensor<f32> conv1 = next<f32>(arena, o, {local, 32, 26, 26}, channels_last);
  Tensor<f32> pool1 = next<f32>(arena, o, {local, 32, 13, 13}, channels_last);
  Tensor<u8> pool1_index = next<u8>(arena, o, {local, 32, 13, 13}, channels_last);
  Tensor<f32> conv2 = next<f32>(arena, o, {local, 64, 11, 11}, channels_last);
  Tensor<f32> pool2 = next<f32>(arena, o, {local, 64, 5, 5}, channels_last);
  Tensor<u8> pool2_index = next<u8>(arena, o, {local, 64, 5, 5}, channels_last);
  Tensor<f32> flat = next<f32>(arena, o, {local, 1600});
  Tensor<f32> fc1 = next<f32>(arena, o, {local, 128}), logits = next<f32>(arena, o, {local, 10});
  Tensor<f32> d_logits = next<f32>(arena, o, {local, 10}), d_fc1 = next<f32>(arena, o, {local, 128});
  Tensor<f32> d_flat = next<f32>(arena, o, {local, 1600});
  Tensor<f32> d_pool2 = next<f32>(arena, o, {local, 64, 5, 5}, channels_last);
  Tensor<f32> d_conv2 = next<f32>(arena, o, {local, 64, 11, 11}, channels_last);
  Tensor<f32> d_pool1 = next<f32>(arena, o, {local, 32, 13, 13}, channels_last);
  Tensor<f32> d_conv1 = next<f32>(arena, o, {local, 32, 26, 26}, channels_last);
};

// d_out = out > 0 ? d_out : 0
struct relu_gradient {
  const f32 *out;
  f32 *d_out;
  DTC_HOST_DEVICE void operator()(index i) const { d_out[i] = out[i] > 0 ? d_out[i] : 0; }
};

void forward(Context &ctx, Buffers &b) {
  conv(ctx, b.image, b.conv1_w, b.conv1, {.bias = b.conv1_b, .activation = relu});
  max_pool(ctx, b.conv1, b.pool1, b.pool1_index, {.kernel = {2, 2}, .strides = {2, 2}});
  conv(ctx, b.pool1, b.conv2_w, b.conv2, {.bias = b.conv2_b, .activation = relu});
  max_pool(ctx, b.conv2, b.pool2, b.pool2_index, {.kernel = {2, 2}, .strides = {2, 2}});
  copy(ctx, b.pool2, b.flat);
  matmul(ctx, b.flat, b.fc1_w, b.fc1, {.bias = b.fc1_b, .transpose_b = true, .activation = relu});
  matmul(ctx, b.fc1, b.fc2_w, b.logits, {.bias = b.fc2_b, .transpose_b = true});
}

// Forward, loss, backward of fc2 and fc1.
void head(Context &ctx, Buffers &b) {
  forward(ctx, b);
  softmax_cross_entropy(ctx, b.logits, b.label, b.weight, b.loss, b.d_logits);
  matmul(ctx, b.d_logits, b.fc1, b.d_fc2_w, {.transpose_a = true});
  reduce_sum(ctx, b.d_logits, b.d_fc2_b, {.axes = {0}});
  matmul(ctx, b.d_logits, b.fc2_w, b.d_fc1);
  launch(ctx, grid(local * 128), relu_gradient{b.fc1.data(), b.d_fc1.data()});
  matmul(ctx, b.d_fc1, b.flat, b.d_fc1_w, {.transpose_a = true});
  reduce_sum(ctx, b.d_fc1, b.d_fc1_b, {.axes = {0}});
}

// The rest of backward.
void tail(Context &ctx, Buffers &b) {
  matmul(ctx, b.d_fc1, b.fc1_w, b.d_flat);
  copy(ctx, b.d_flat, b.d_pool2);
  launch(ctx, grid(local * 1600), relu_gradient{b.pool2.data(), b.d_pool2.data()});
  max_pool_gradient(ctx, b.d_pool2, b.pool2_index, b.d_conv2, {.kernel = {2, 2}, .strides = {2, 2}});
  conv_weight_gradient(ctx, b.pool1, b.d_conv2, b.d_conv2_w, {.bias_gradient = b.d_conv2_b});
  conv_input_gradient(ctx, b.d_conv2, b.conv2_w, b.d_pool1);
  launch(ctx, grid(local * 32 * 169), relu_gradient{b.pool1.data(), b.d_pool1.data()});
  max_pool_gradient(ctx, b.d_pool1, b.pool1_index, b.d_conv1, {.kernel = {2, 2}, .strides = {2, 2}});
  conv_weight_gradient(ctx, b.image, b.d_conv1, b.d_conv1_w, {.bias_gradient = b.d_conv1_b});
}

void update(Context &ctx, Buffers &b) {
  update_parameters<test::Adam<>>(ctx,
                                  {{b.conv1_w, b.d_conv1_w, b.conv1_w_m, b.conv1_w_v},
                                   {b.conv1_b, b.d_conv1_b, b.conv1_b_m, b.conv1_b_v},
                                   {b.conv2_w, b.d_conv2_w, b.conv2_w_m, b.conv2_w_v},
                                   {b.conv2_b, b.d_conv2_b, b.conv2_b_m, b.conv2_b_v},
                                   {b.fc1_w, b.d_fc1_w, b.fc1_w_m, b.fc1_w_v},
                                   {b.fc1_b, b.d_fc1_b, b.fc1_b_m, b.fc1_b_v},
                                   {b.fc2_w, b.d_fc2_w, b.fc2_w_m, b.fc2_w_v},
                                   {b.fc2_b, b.d_fc2_b, b.fc2_b_m, b.fc2_b_v}},
                                  b.rate, b.count);
}

void step(Context &ctx, Buffers &b) {
  head(ctx, b);
  Pending bucket0 = all_reduce_start(ctx, b.bucket0, {.reduction = sum, .axis = "data", .name = "bucket0"});
  Pending loss = all_reduce_start(ctx, b.loss, {.reduction = sum, .axis = "data", .name = "loss"});
  tail(ctx, b);
  Pending bucket1 = all_reduce_start(ctx, b.bucket1, {.reduction = sum, .axis = "data", .name = "bucket1"});
  loss.wait();
  bucket0.wait();
  bucket1.wait();
  update(ctx, b);
}

void evaluate(Context &ctx, Buffers &b) {
  forward(ctx, b);
  softmax_cross_entropy(ctx, b.logits, b.label, b.weight, b.loss);
  count_correct(ctx, b.logits, b.label, b.weight, b.correct);
  all_reduce(ctx, b.loss, {.reduction = sum, .axis = "data", .name = "loss"});
  all_reduce(ctx, b.correct, {.reduction = sum, .axis = "data", .name = "correct"});
}

Plan plan() {
  return {.model = "mnist_cnn",
          .strategy = "data parallel on " + std::to_string(RANKS) + " ranks",
          .devices = RANKS,
          .batch = batch,
          .local_batch = local,
          .arena_bytes = static_cast<std::size_t>(local) * 480000 + (std::size_t(8) << 20),
          .learning_rate = 1e-3,
          .optimizer = "adam",
          .loss = "cross-entropy",
          .classes = 10,
          .has_accuracy = true};
}

Binding bind(Buffers &b) {
  return {.inputs = {{"image", b.image}},
          .label = b.label,
          .weight = b.weight,
          .step = b.count,
          .learning_rate = b.rate,
          .parameters = {{"conv1.weight", b.conv1_w, Init::uniform(1.0 / 3)},
                         {"conv1.bias", b.conv1_b, Init::uniform(1.0 / 3)},
                         {"conv2.weight", b.conv2_w, Init::uniform(0.0589256)},
                         {"conv2.bias", b.conv2_b, Init::uniform(0.0589256)},
                         {"fc1.weight", b.fc1_w, Init::uniform(0.025)},
                         {"fc1.bias", b.fc1_b, Init::uniform(0.025)},
                         {"fc2.weight", b.fc2_w, Init::uniform(0.0883883)},
                         {"fc2.bias", b.fc2_b, Init::uniform(0.0883883)}},
          .state = {{"adam.m/conv1.weight", b.conv1_w_m}, {"adam.m/conv1.bias", b.conv1_b_m}, {"adam.m/conv2.weight", b.conv2_w_m},
                    {"adam.m/conv2.bias", b.conv2_b_m},   {"adam.m/fc1.weight", b.fc1_w_m},   {"adam.m/fc1.bias", b.fc1_b_m},
                    {"adam.m/fc2.weight", b.fc2_w_m},     {"adam.m/fc2.bias", b.fc2_b_m},     {"adam.v/conv1.weight", b.conv1_w_v},
                    {"adam.v/conv1.bias", b.conv1_b_v},   {"adam.v/conv2.weight", b.conv2_w_v}, {"adam.v/conv2.bias", b.conv2_b_v},
                    {"adam.v/fc1.weight", b.fc1_w_v},     {"adam.v/fc1.bias", b.fc1_b_v},     {"adam.v/fc2.weight", b.fc2_w_v},
                    {"adam.v/fc2.bias", b.fc2_b_v}},
          .loss = b.loss,
          .correct = b.correct};
}

} // namespace

int main(int argc, char **argv) { return run<Buffers>(argc, argv, plan(), bind, step, evaluate); }
