// Two stages, each on two ranks that share the batch, on GPUs: stage 0 sends its rows, stage 1 adds up their squares. The loss is the sum
// over all samples of weight * x².
#include "dtcrt/device.h"
#include "dtcrt/program.h"

using namespace dtcrt;

namespace {

constexpr index rows = 8;

struct Buffers {
  Arena &arena;
  Tensor<f32> x{arena, "x", 0, {rows, 1}};
  Tensor<f32> weight{arena, "weight", 64, {rows}};
  Tensor<f32> product{arena, "product", 128, {rows}};
  Tensor<f32> scale{arena, "scale", 192, {1}};
  Tensor<f32> loss{arena, "loss", 256, {}};
};

__global__ void weigh(const f32 *x, const f32 *weight, const f32 *scale, f32 *product) {
  const index i = threadIdx.x;
  product[i] = *scale * x[i] * x[i] * weight[i];
}
__global__ void add_up(const f32 *product, f32 *loss) {
  f32 sum = 0;
  for (index i = 0; i < rows; ++i)
    sum += product[i];
  *loss = sum;
}
__global__ void clear(f32 *loss) { *loss = 0; }

Binding bind0(Buffers &b) {
  return {.inputs = {{"x", b.x}}, .weight = b.weight, .parameters = {{"scale", b.scale, Init::constant(1)}}, .loss = b.loss};
}
Binding bind1(Buffers &b) { return {.loss = b.loss}; }

void step0(Context &ctx, Buffers &b) {
  Span span(ctx, "stage0");
  device::launch(ctx, weigh, 1, rows, b.x.data(), b.weight.data(), b.scale.data(), b.product.data());
  Pending product = send_start(ctx, b.product, {.axis = "pipe", .peer = 1, .name = "product"});
  device::launch(ctx, clear, 1, 1, b.loss.data());
  product.wait();
  all_reduce(ctx, b.loss, {.name = "loss"});
}

void step1(Context &ctx, Buffers &b) {
  Span span(ctx, "stage1");
  Pending product = recv_start(ctx, b.product, {.axis = "pipe", .peer = 0, .name = "product"});
  product.wait();
  device::launch(ctx, add_up, 1, 1, b.product.data(), b.loss.data());
  all_reduce(ctx, b.loss, {.name = "loss"});
}

} // namespace

int main(int argc, char **argv) {
  const Plan plan{.model = "gpu_ranks",
                  .devices = 4,
                  .mesh = {{"data", 2}, {"pipe", 2}},
                  .channels = {{"pipe", 0, 1}},
                  .batch = 2 * rows,
                  .local_batch = rows};
  return run(argc, argv, plan,
             {role<Buffers>({.name = "stage0", .at = {{"pipe", 0}}, .arena_bytes = 4096}, bind0, step0),
              role<Buffers>({.name = "stage1", .at = {{"pipe", 1}}, .arena_bytes = 4096}, bind1, step1)});
}
