// x [784] -> in [32], ReLU -> tied [32], ReLU | -> tied [32], ReLU -> out [10] -> cross-entropy; SGD with momentum.
// With STAGES=1 the whole on one rank; with STAGES=2 cut at the bar, with microbatches, the middle weight on both stages, and
// DATA replicas of the pipeline. What the compiler emits for roles looks like this.
#include "../Formulas.h"
#include "Offset.h"
#include <dtcrt/program.h>

#include <vector>
using namespace dtcrt;

#ifndef STAGES
#define STAGES 1
#endif
#ifndef DATA
#define DATA 1
#endif

namespace {

constexpr index batch = 64, local = batch / DATA, microbatches = 4, rows = local / microbatches;

// d_out = out > 0 ? d_out : 0
struct relu_gradient {
  const f32 *out;
  f32 *d_out;
  DTC_HOST_DEVICE void operator()(index i) const { d_out[i] = out[i] > 0 ? d_out[i] : 0; }
};

// to += from
struct add {
  const f32 *from;
  f32 *to;
  DTC_HOST_DEVICE void operator()(index i) const { to[i] += from[i]; }
};

void accumulate(Context &ctx, const Tensor<f32> &from, const Tensor<f32> &to) { launch(ctx, grid(from.size()), add{from.data(), to.data()}); }
void mask(Context &ctx, const Tensor<f32> &out, const Tensor<f32> &d_out) {
  launch(ctx, grid(out.size()), relu_gradient{out.data(), d_out.data()});
}

using sgd = test::Momentum<0.9>;
const Init in_init = Init::uniform(0.05), tied_init = Init::normal(0, 0.2), out_init = Init::uniform(0.2);

#if STAGES == 1
namespace whole {
struct Buffers {
  Arena &arena;
  Offset o{};
  Tensor<f32> image = next<f32>(arena, o, {batch, 784});
  Tensor<i64> label = next<i64>(arena, o, {batch});
  Tensor<f32> weight = next<f32>(arena, o, {batch});
  Tensor<i64> count = next<i64>(arena, o, {});
  Tensor<f64> rate = next<f64>(arena, o, {});
  Tensor<f32> loss = next<f32>(arena, o, {}), correct = next<f32>(arena, o, {});
  Tensor<f32> in = next<f32>(arena, o, {32, 784}), tied = next<f32>(arena, o, {32, 32}), out = next<f32>(arena, o, {10, 32});
  Tensor<f32> in_m = next<f32>(arena, o, {32, 784}), tied_m = next<f32>(arena, o, {32, 32}), out_m = next<f32>(arena, o, {10, 32});
  Tensor<f32> d_in = next<f32>(arena, o, {32, 784}), d_tied = next<f32>(arena, o, {32, 32}), d_out = next<f32>(arena, o, {10, 32});
  Tensor<f32> d_tied2 = next<f32>(arena, o, {32, 32});
  Tensor<f32> a = next<f32>(arena, o, {batch, 32}), h = next<f32>(arena, o, {batch, 32}), b = next<f32>(arena, o, {batch, 32});
  Tensor<f32> logits = next<f32>(arena, o, {batch, 10});
  Tensor<f32> d_a = next<f32>(arena, o, {batch, 32}), d_h = next<f32>(arena, o, {batch, 32}), d_b = next<f32>(arena, o, {batch, 32});
};

void forward(Context &ctx, Buffers &b) {
  Span span(ctx, "forward");
  matmul(ctx, b.image, b.in, b.a, {.transpose_b = true, .activation = relu});
  matmul(ctx, b.a, b.tied, b.h, {.transpose_b = true, .activation = relu});
  matmul(ctx, b.h, b.tied, b.b, {.transpose_b = true, .activation = relu});
  matmul(ctx, b.b, b.out, b.logits, {.transpose_b = true});
}

void step(Context &ctx, Buffers &b) {
  forward(ctx, b);
  softmax_cross_entropy(ctx, b.logits, b.label, b.weight, b.loss, b.logits);
  matmul(ctx, b.logits, b.b, b.d_out, {.transpose_a = true});
  matmul(ctx, b.logits, b.out, b.d_b);
  mask(ctx, b.b, b.d_b);
  matmul(ctx, b.d_b, b.h, b.d_tied2, {.transpose_a = true});
  matmul(ctx, b.d_b, b.tied, b.d_h);
  mask(ctx, b.h, b.d_h);
  matmul(ctx, b.d_h, b.a, b.d_tied, {.transpose_a = true});
  matmul(ctx, b.d_h, b.tied, b.d_a);
  mask(ctx, b.a, b.d_a);
  matmul(ctx, b.d_a, b.image, b.d_in, {.transpose_a = true});
  accumulate(ctx, b.d_tied2, b.d_tied);
  update_parameters<sgd>(ctx, {{b.in, b.d_in, b.in_m}, {b.tied, b.d_tied, b.tied_m}, {b.out, b.d_out, b.out_m}}, b.rate, b.count);
}

void evaluate(Context &ctx, Buffers &b) {
  forward(ctx, b);
  softmax_cross_entropy(ctx, b.logits, b.label, b.weight, b.loss);
  count_correct(ctx, b.logits, b.label, b.weight, b.correct);
}

Binding bind(Buffers &b) {
  return {.inputs = {{"image", b.image}},
          .label = b.label,
          .weight = b.weight,
          .step = b.count,
          .learning_rate = b.rate,
          .parameters = {{"in.weight", b.in, in_init}, {"tied.weight", b.tied, tied_init}, {"out.weight", b.out, out_init}},
          .state = {{"sgd.m/in.weight", b.in_m}, {"sgd.m/tied.weight", b.tied_m}, {"sgd.m/out.weight", b.out_m}},
          .loss = b.loss,
          .correct = b.correct};
}
} // namespace whole
#else
struct zero {
  f32 *to;
  DTC_HOST_DEVICE void operator()(index i) const { to[i] = 0; }
};

void clear(Context &ctx, const Tensor<f32> &to) { launch(ctx, grid(to.size()), zero{to.data()}); }

namespace stage0 {
struct Buffers {
  Arena &arena;
  Offset o{};
  Tensor<f32> image = next<f32>(arena, o, {local, 784});
  Slots<f32> image_rows = parts(arena, image, microbatches);
  Tensor<f32> in = next<f32>(arena, o, {32, 784}), tied = next<f32>(arena, o, {32, 32});
  Tensor<f32> in_m = next<f32>(arena, o, {32, 784}), tied_m = next<f32>(arena, o, {32, 32});
  Tensor<f32> d_in = next<f32>(arena, o, {32, 784}), d_in_part = next<f32>(arena, o, {32, 784});
  Tensor<f32> d_tied = next<f32>(arena, o, {32, 32}), d_tied_part = next<f32>(arena, o, {32, 32});
  Slots<f32> a = slots<f32>(arena, o, microbatches, {rows, 32}), h = slots<f32>(arena, o, microbatches, {rows, 32});
  Slots<f32> d_h = slots<f32>(arena, o, microbatches, {rows, 32});
  Tensor<f32> d_a = next<f32>(arena, o, {rows, 32});
  Tensor<i64> count = next<i64>(arena, o, {});
  Tensor<f64> rate = next<f64>(arena, o, {});
  Tensor<f32> loss = next<f32>(arena, o, {}), correct = next<f32>(arena, o, {});
};

// Layers in and tied.
void forward(Context &ctx, Buffers &b, index m) {
  Span span(ctx, {"stage0_forward", "forward", 0}, m);
  matmul(ctx, b.image_rows[m], b.in, b.a[m], {.transpose_b = true, .activation = relu});
  matmul(ctx, b.a[m], b.tied, b.h[m], {.transpose_b = true, .activation = relu});
}

void backward(Context &ctx, Buffers &b, index m) {
  Span span(ctx, {"stage0_backward", "backward", 0}, m);
  mask(ctx, b.h[m], b.d_h[m]);
  matmul(ctx, b.d_h[m], b.a[m], b.d_tied_part, {.transpose_a = true});
  accumulate(ctx, b.d_tied_part, b.d_tied);
  matmul(ctx, b.d_h[m], b.tied, b.d_a);
  mask(ctx, b.a[m], b.d_a);
  matmul(ctx, b.d_a, b.image_rows[m], b.d_in_part, {.transpose_a = true});
  accumulate(ctx, b.d_in_part, b.d_in);
}

void update(Context &ctx, Buffers &b) {
  Span span(ctx, {"stage0_update", "update", 0});
  update_parameters<sgd>(ctx, {{b.in, b.d_in, b.in_m}, {b.tied, b.d_tied, b.tied_m}}, b.rate, b.count);
}

void step(Context &ctx, Buffers &b) {
  clear(ctx, b.d_in);
  clear(ctx, b.d_tied);
  clear(ctx, b.loss);
  std::vector<Pending> sent(microbatches), received(microbatches);
  for (index m = 0; m < microbatches; ++m) {
    forward(ctx, b, m);
    sent[m] = send_start(ctx, b.h[m], {.axis = "pipe", .peer = 1, .name = "h", .microbatch = m});
    received[m] = recv_start(ctx, b.d_h[m], {.axis = "pipe", .peer = 1, .name = "d_h", .microbatch = m});
  }
  for (index m = 0; m < microbatches; ++m) {
    sent[m].wait();
    received[m].wait();
    backward(ctx, b, m);
  }
  all_reduce(ctx, b.d_tied, {.axis = "", .name = "d_tied"});
  all_reduce(ctx, b.d_in, {.axis = "data", .name = "d_in"});
  all_reduce(ctx, b.loss, {.axis = "", .name = "loss"});
  update(ctx, b);
}

void evaluate(Context &ctx, Buffers &b) {
  clear(ctx, b.loss);
  clear(ctx, b.correct);
  std::vector<Pending> sent(microbatches);
  for (index m = 0; m < microbatches; ++m) {
    forward(ctx, b, m);
    sent[m] = send_start(ctx, b.h[m], {.axis = "pipe", .peer = 1, .name = "h", .microbatch = m});
  }
  all_reduce(ctx, b.loss, {.axis = "", .name = "loss"});
  all_reduce(ctx, b.correct, {.axis = "", .name = "correct"});
}

Binding bind(Buffers &b) {
  return {.inputs = {{"image", b.image}},
          .step = b.count,
          .learning_rate = b.rate,
          .parameters = {{"in.weight", b.in, in_init}, {"tied.weight", b.tied, tied_init}},
          .state = {{"sgd.m/in.weight", b.in_m}, {"sgd.m/tied.weight", b.tied_m}},
          .loss = b.loss,
          .correct = b.correct};
}
} // namespace stage0

namespace stage1 {
struct Buffers {
  Arena &arena;
  Offset o{};
  Tensor<i64> count = next<i64>(arena, o, {});
  Tensor<f64> rate = next<f64>(arena, o, {});
  Tensor<f32> loss = next<f32>(arena, o, {}), correct = next<f32>(arena, o, {}), part = next<f32>(arena, o, {});
  Tensor<i64> label = next<i64>(arena, o, {local});
  Tensor<f32> weight = next<f32>(arena, o, {local});
  Slots<i64> label_rows = parts(arena, label, microbatches);
  Slots<f32> weight_rows = parts(arena, weight, microbatches);
  Tensor<f32> tied = next<f32>(arena, o, {32, 32}), out = next<f32>(arena, o, {10, 32});
  Tensor<f32> tied_m = next<f32>(arena, o, {32, 32}), out_m = next<f32>(arena, o, {10, 32});
  Tensor<f32> d_tied = next<f32>(arena, o, {32, 32}), d_tied_part = next<f32>(arena, o, {32, 32});
  Tensor<f32> d_out = next<f32>(arena, o, {10, 32}), d_out_part = next<f32>(arena, o, {10, 32});
  Slots<f32> h = slots<f32>(arena, o, 2, {rows, 32}), d_h = slots<f32>(arena, o, 2, {rows, 32}); // two in flight
  Tensor<f32> b = next<f32>(arena, o, {rows, 32}), d_b = next<f32>(arena, o, {rows, 32}), logits = next<f32>(arena, o, {rows, 10});
};

// Layers tied and out.
void forward(Context &ctx, Buffers &b, index m) {
  Span span(ctx, {"stage1_forward", "forward", 1}, m);
  matmul(ctx, b.h[m], b.tied, b.b, {.transpose_b = true, .activation = relu});
  matmul(ctx, b.b, b.out, b.logits, {.transpose_b = true});
}

void backward(Context &ctx, Buffers &b, index m) {
  Span span(ctx, {"stage1_backward", "backward", 1}, m);
  softmax_cross_entropy(ctx, b.logits, b.label_rows[m], b.weight_rows[m], b.part, b.logits);
  accumulate(ctx, b.part, b.loss);
  matmul(ctx, b.logits, b.b, b.d_out_part, {.transpose_a = true});
  accumulate(ctx, b.d_out_part, b.d_out);
  matmul(ctx, b.logits, b.out, b.d_b);
  mask(ctx, b.b, b.d_b);
  matmul(ctx, b.d_b, b.h[m], b.d_tied_part, {.transpose_a = true});
  accumulate(ctx, b.d_tied_part, b.d_tied);
  matmul(ctx, b.d_b, b.tied, b.d_h[m]);
}

void update(Context &ctx, Buffers &b) {
  Span span(ctx, {"stage1_update", "update", 1});
  update_parameters<sgd>(ctx, {{b.tied, b.d_tied, b.tied_m}, {b.out, b.d_out, b.out_m}}, b.rate, b.count);
}

void step(Context &ctx, Buffers &b) {
  clear(ctx, b.d_tied);
  clear(ctx, b.d_out);
  clear(ctx, b.loss);
  std::vector<Pending> received(microbatches), sent(microbatches);
  received[0] = recv_start(ctx, b.h[0], {.axis = "pipe", .peer = 0, .name = "h", .microbatch = 0});
  for (index m = 0; m < microbatches; ++m) {
    if (m + 1 < microbatches)
      received[m + 1] = recv_start(ctx, b.h[m + 1], {.axis = "pipe", .peer = 0, .name = "h", .microbatch = m + 1});
    received[m].wait();
    forward(ctx, b, m);
    if (m >= 2)
      sent[m - 2].wait();
    backward(ctx, b, m);
    sent[m] = send_start(ctx, b.d_h[m], {.axis = "pipe", .peer = 0, .name = "d_h", .microbatch = m});
  }
  all_reduce(ctx, b.d_tied, {.axis = "", .name = "d_tied"});
  all_reduce(ctx, b.d_out, {.axis = "data", .name = "d_out"});
  all_reduce(ctx, b.loss, {.axis = "", .name = "loss"});
  update(ctx, b);
}

void evaluate(Context &ctx, Buffers &b) {
  clear(ctx, b.loss);
  clear(ctx, b.correct);
  for (index m = 0; m < microbatches; ++m) {
    recv_start(ctx, b.h[m], {.axis = "pipe", .peer = 0, .name = "h", .microbatch = m}).wait();
    forward(ctx, b, m);
    softmax_cross_entropy(ctx, b.logits, b.label_rows[m], b.weight_rows[m], b.part);
    accumulate(ctx, b.part, b.loss);
    count_correct(ctx, b.logits, b.label_rows[m], b.weight_rows[m], b.part);
    accumulate(ctx, b.part, b.correct);
  }
  all_reduce(ctx, b.loss, {.axis = "", .name = "loss"});
  all_reduce(ctx, b.correct, {.axis = "", .name = "correct"});
}

Binding bind(Buffers &b) {
  return {.label = b.label,
          .weight = b.weight,
          .step = b.count,
          .learning_rate = b.rate,
          .parameters = {{"tied.weight", b.tied, tied_init}, {"out.weight", b.out, out_init}},
          .state = {{"sgd.m/tied.weight", b.tied_m}, {"sgd.m/out.weight", b.out_m}},
          .loss = b.loss,
          .correct = b.correct};
}
} // namespace stage1
#endif

Plan plan() {
  return {.model = "tied",
          .devices = STAGES * DATA,
          .mesh = {{"data", DATA}, {"pipe", STAGES}},
          .batch = batch,
          .local_batch = local,
          .arena_bytes = std::size_t(4) << 20,
          .learning_rate = 0.1,
          .classes = 10,
          .has_accuracy = true};
}

} // namespace

int main(int argc, char **argv) {
#if STAGES == 1
  return run<whole::Buffers>(argc, argv, plan(), whole::bind, whole::step, whole::evaluate);
#else
  return run(argc, argv, plan(),
             {role<stage0::Buffers>({.name = "stage0", .at = {{"pipe", 0}}, .arena_bytes = 2'000'000}, stage0::bind, stage0::step, stage0::evaluate),
              role<stage1::Buffers>({.name = "stage1", .at = {{"pipe", 1}}, .arena_bytes = 100'000}, stage1::bind, stage1::step,
                                    stage1::evaluate)});
#endif
}
