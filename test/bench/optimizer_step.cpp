// Times updates of all parameters of a network by an optimizer's formula, as programs call them, beside a copy of as many bytes:
//   optimizer_step [THREADS]
// Prints a line a formula and size: microseconds (the least of many), and its share of the rate that the copy has. For people, not a test.
#include "../Unit/runtime/Formulas.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace dtcrt;

namespace {

using Size = std::int64_t;

template <class Call> double least(Call call) {
  double best = 1e9;
  for (int round = 0; round < 300; ++round) {
    const auto start = std::chrono::steady_clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best * 1e6;
}

struct Memory {
  std::vector<f32> values;
  Tensor<f32> tensor;
  explicit Memory(Size size) : values(static_cast<std::size_t>(size), 0.5f), tensor(values.data(), {size}) {}
};

/// `moved`: arrays that are read or written, each time counted.
template <class Formula> void measure(Context &ctx, const char *name, Size size, int moved) {
  // Two parameters: a large one and a bias.
  Memory p(size), g(size), m(size), v(size), small_p(77), small_g(77), small_m(77), small_v(77), from(size * moved / 2), to(size * moved / 2);
  f64 rate = 1e-3;
  i64 number = 2;
  const Tensor<f64> learning_rate(&rate, {});
  const Tensor<i64> step(&number, {});
  const auto tuple = [](Memory &a, Memory &b, Memory &c, Memory &d) {
    const Tensor<f32> all[] = {a.tensor, b.tensor, c.tensor, d.tensor};
    Moving<Formula> result{};
    std::copy_n(all, result.size(), result.begin());
    return result;
  };
  const auto large = tuple(p, g, m, v), small = tuple(small_p, small_g, small_m, small_v);
  const double update = least([&] { update_parameters<Formula>(ctx, {large, small}, learning_rate, step); });
  const double copy = least([&] {
#pragma omp parallel for num_threads(ctx.threads()) schedule(static)
    for (Size i = 0; i < from.tensor.size(); ++i)
      to.values[static_cast<std::size_t>(i)] = from.values[static_cast<std::size_t>(i)];
  });
  std::printf("%-10s %12lld %14.1f %14.1f %8.2f\n", name, static_cast<long long>(size), update, copy, copy / update);
}

} // namespace

int main(int argc, char **argv) {
  Context ctx(argc > 1 ? std::atoi(argv[1]) : 1);
  std::printf("%d thread(s)\n%-10s %12s %14s %14s %8s\n", ctx.threads(), "formula", "elements", "update [us]", "copy [us]", "ratio");
  for (const Size size : {Size(5000), Size(200'000), Size(4'000'000)}) {
    measure<test::Sgd<1e-3>>(ctx, "sgd", size, 3);
    measure<test::Momentum<0.9>>(ctx, "momentum", size, 5);
    measure<test::Adam<>>(ctx, "adam", size, 7);
  }
}
