// The main of a measuring program: made-up data, steps, medians, a file.
#include "dtcrt/measure.h"

#include "comm/Gather.h"
#include "comm/Placement.h"
#include "core/Probe.h"
#include "core/Random.h"
#include "dtcrt/world.h"
#include "io/File.h"
#include "measure/Median.h"
#include "measure/Messages.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace dtcrt {

namespace {

using json = nlohmann::json;

struct MeasureOptions {
  f64 seconds = 1;
  std::string out;
};

MeasureOptions parse(int argc, char **argv) {
  MeasureOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    if (text.rfind("--out=", 0) == 0) {
      options.out = text.substr(6);
    } else if (text.rfind("--seconds=", 0) == 0) {
      char *end = nullptr;
      options.seconds = std::strtod(text.c_str() + 10, &end);
      if (*end || !(options.seconds > 0) || !std::isfinite(options.seconds))
        throw Error(text + ": expected seconds above 0");
    } else {
      throw Error("unknown option '" + text + "': a measuring program takes --seconds=S and --out=FILE.json");
    }
  }
  if (options.out.empty())
    throw Error("no place for the result: name a file with --out");
  return options;
}

constexpr int warm_up_steps = 3, least_steps = 5;
constexpr std::size_t most_runs = 20'000; ///< of a fragment that are kept

class Measurement {
public:
  Measurement(World &world, const Plan &plan, const std::vector<Role> &roles, const MeasureOptions &options)
      : world_(world), plan_(plan), roles_(roles), options_(options), probe_(world, true, std::nullopt) {}

  void run();

private:
  void run_role(const Role &role, Arena &arena, bool counts);
  void fill(const Binding &binding) const;
  f64 span_overhead(Context &ctx);

  World &world_;
  const Plan &plan_;
  const std::vector<Role> &roles_;
  const MeasureOptions &options_;
  Probe probe_;
  json fragments_ = json::array();
};

/// Small values of both signs: they stay finite whatever the model, and no unit is slower on them. Ids are below their bound.
void Measurement::fill(const Binding &binding) const {
  const RandomStream stream(0, "measure");
  const auto random = [&](const Tensor<f32> &tensor, f64 scale) {
    for (index i = 0; i < tensor.size(); ++i)
      tensor.data()[i] = static_cast<f32>(scale * (2 * stream.uniform(static_cast<std::uint64_t>(i)) - 1));
  };
  const auto fill_data = [&](const DataTensor &data, index ids) {
    std::visit(
        [&]<class T>(const Tensor<T> &tensor) {
          if constexpr (std::is_same_v<T, f32>) {
            if (tensor)
              random(tensor, 1);
          } else if (tensor) {
            // Spread over the table, as ids are: neighbours are rarely neighbours there.
            for (index i = 0; i < tensor.size(); ++i)
              tensor.data()[i] = static_cast<T>(ids > 0 ? stream.below(static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(ids)) : 0);
          }
        },
        data);
  };
  for (const InputBinding &input : binding.inputs)
    fill_data(input.tensor, input.rows > 0 ? input.rows : 2);
  fill_data(binding.label, plan_.classes);
  if (binding.weight)
    std::fill_n(binding.weight.data(), binding.weight.size(), 1.0f / static_cast<f32>(std::max<index>(plan_.batch, 1)));
  if (binding.step)
    *binding.step.data() = 1;
  if (binding.learning_rate)
    *binding.learning_rate.data() = plan_.learning_rate;
  for (const ParameterBinding &parameter : binding.parameters)
    random(parameter.tensor, 0.05);
  for (const StateBinding &state : binding.state)
    std::fill_n(state.tensor.data(), state.tensor.size(), static_cast<f32>(state.init));
}

/// What a span around nothing takes: it is in every time.
f64 Measurement::span_overhead(Context &ctx) {
  for (int i = 0; i < 2000; ++i)
    Span span(ctx, "nothing");
  std::vector<i64> times;
  for (const TraceEvent &event : probe_.take_events())
    times.push_back(event.end - event.start);
  return static_cast<f64>(median(times));
}

void Measurement::run_role(const Role &role, Arena &arena, bool counts) {
  using Clock = std::chrono::steady_clock;
  const Binding binding = role.program->bind(arena);
  Context ctx(world_);
  ctx.set_probe(&probe_);
  const f64 overhead = span_overhead(ctx);
  fill(binding);
  for (const ParameterBinding &parameter : binding.parameters)
    ctx.declare_parameter(parameter.tensor.data());
  // In the order in which they first ran.
  std::map<std::string, std::size_t> numbers;
  std::vector<std::pair<std::string, std::vector<i64>>> times;
  world_.barrier();
  const auto end = Clock::now() + std::chrono::duration<f64>(options_.seconds);
  for (int step = 1; step <= warm_up_steps + least_steps || Clock::now() < end; ++step) {
    if (binding.step)
      *binding.step.data() = step;
    role.program->step(ctx);
    const std::vector<TraceEvent> events = probe_.take_events();
    if (step <= warm_up_steps)
      continue;
    for (const TraceEvent &event : events) {
      const auto [entry, is_new] = numbers.try_emplace(event.name, times.size());
      if (is_new)
        times.push_back({event.name, {}});
      std::vector<i64> &runs = times[entry->second].second;
      if (runs.size() < most_runs)
        runs.push_back(event.end - event.start);
    }
  }
  world_.barrier();
  if (!counts)
    return;
  for (const auto &[name, runs] : times)
    fragments_.push_back({{"role", role.name},
                          {"name", name},
                          {"seconds", std::max(static_cast<f64>(median(runs)) - overhead, 0.0) * 1e-9},
                          {"runs", runs.size()}});
}

void Measurement::run() {
  std::size_t bytes = message_arena_bytes(), shared = bytes;
  for (const Role &role : roles_) {
    bytes = std::max(bytes, role.arena_bytes);
    shared = std::max(shared, std::min(role.arena_bytes, role.shared_bytes));
  }
  Arena arena = world_.allocate(bytes, shared);
  const std::size_t ranks = static_cast<std::size_t>(world_.ranks()), rank = static_cast<std::size_t>(world_.rank());
  // A rank without a role of its own keeps its core busy with another's.
  for (std::size_t first = 0; first < roles_.size(); first += ranks)
    run_role(roles_[(first + rank) % roles_.size()], arena, first + rank < roles_.size());

  std::vector<TimedMessage> messages;
  if (ranks > 1) {
    Context ctx(world_);
    messages = time_messages(world_, ctx, arena.base());
  }
  const std::vector<std::string> all = all_gather(world_, fragments_.dump());
  if (rank != 0)
    return;
  json result = {{"format", "dtc-measurement"},
                 {"version", 1},
                 {"cores", cores_of_host()},
                 {"memory", static_cast<i64>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE)},
                 {"ranks", world_.ranks()},
                 {"threads", world_.threads()},
                 {"fragments", json::array()},
                 {"messages", json::array()}};
  for (const std::string &text : all)
    for (const json &fragment : json::parse(text))
      result["fragments"].push_back(fragment);
  for (const TimedMessage &message : messages)
    result["messages"].push_back({{"bytes", message.bytes}, {"seconds", message.seconds}});
  const std::string text = result.dump(1) + "\n";
  write_whole(options_.out, [&](const auto &put) { put(text.data(), text.size()); });
}

} // namespace

namespace {
template <class T> void make_up(const Tensor<T> &tensor) {
  // Too long for a branch predictor to learn, short enough to be there.
  static const std::vector<T> values = [] {
    const RandomStream stream(0, "received");
    std::vector<T> made(std::size_t(1) << 16);
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = T(static_cast<f32>(2 * stream.uniform(i) - 1));
    return made;
  }();
  const auto size = static_cast<std::size_t>(tensor.size());
  for (std::size_t at = 0; at < size; at += values.size())
    std::copy_n(values.data(), std::min(values.size(), size - at), tensor.data() + at);
}
} // namespace

void receive_made_up(Context &, const Tensor<f32> &tensor) { make_up(tensor); }
void receive_made_up(Context &, const Tensor<bf16> &tensor) { make_up(tensor); }

int measure(int argc, char **argv, const Plan &plan, const std::vector<Role> &roles) {
  constexpr int failed = 2;
  World world(&argc, &argv);
  try {
    Measurement(world, plan, roles, parse(argc, argv)).run();
    return 0;
  } catch (const std::exception &failure) {
    world.fail([&] { std::fprintf(stderr, "measure: %s\n", failure.what()); });
    world.abandon();
    world.leave(failed);
    return failed;
  }
}

} // namespace dtcrt
