// Initial values by Philox; checkpoints as safetensors.
#include "core/Parameters.h"
#include "comm/Agreement.h"
#include "comm/Gather.h"
#include "core/Portion.h"
#include "core/Random.h"
#include "io/Hash.h"
#include "io/Safetensors.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <memory>

namespace dtcrt {

namespace {

/// A relative path is looked for in the folder `PROGRAM.source`, where dtc leaves the source of a program, and else in the
/// folder of the program.
std::string beside_executable(const std::string &file) {
  const std::filesystem::path path(file);
  if (path.is_absolute())
    return file;
  std::error_code error;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return file;
  const auto in_source = std::filesystem::path(executable.string() + ".source") / path;
  return std::filesystem::exists(in_source, error) ? in_source.string() : (executable.parent_path() / path).string();
}

/// Sets every element of a rank's dense tensor to the value of its position in the whole, whatever the layout; padding to 0.
template <class Value> void fill(const Tensor<f32> &tensor, const Portion &portion, Value value) {
  const index size = tensor.size();
  for (index i = 0; i < size; ++i) {
    index rest = i, offset = 0;
    for (int d = tensor.rank() - 1; d >= 0; --d) {
      offset += rest % tensor.dim(d) * tensor.strides()[d];
      rest /= tensor.dim(d);
    }
    const std::optional<index> position = portion.position(i);
    tensor.data()[offset] = position ? static_cast<f32>(value(static_cast<std::uint64_t>(*position))) : 0;
  }
}

/// Reads a rank's part of a tensor, and notes what the whole holds.
void read(const SafetensorsReader &file, const std::string &name, const Tensor<f32> &values, const Portion &portion, std::vector<Fact> &facts) {
  const auto note = [&](const Tensor<f32> &whole) {
    facts.push_back({name, "values with the hash " + hash_text(hash_of({reinterpret_cast<const char *>(whole.data()), whole.bytes()}))});
  };
  if (portion.is_all()) {
    file.read(name, values);
    note(values);
    return;
  }
  std::vector<f32> memory(static_cast<std::size_t>(portion.whole().product()));
  const Tensor<f32> whole(memory.data(), portion.whole());
  file.read(name, whole);
  note(whole);
  fill(values, portion, [&](std::uint64_t i) { return memory[i]; });
}

} // namespace

std::string parameters_path(const Plan &plan) { return beside_executable(plan.parameters_file); }

std::vector<Fact> initialise(Context &ctx, Device &device, const Plan &plan, int rank, const Binding &binding, std::uint64_t seed,
                             bool values_follow) {
  std::vector<Fact> facts;
  std::unique_ptr<SafetensorsReader> stored;
  for (const ParameterBinding &parameter : binding.parameters) {
    ctx.declare_parameter(parameter.tensor.data());
    const RandomStream random(seed, parameter.name);
    const Init &init = parameter.init;
    if (init.kind == Init::Kind::stored && values_follow)
      continue;
    if (init.kind == Init::Kind::stored && !stored)
      stored = std::make_unique<SafetensorsReader>(parameters_path(plan));
    const Portion portion(plan, rank, parameter.shares, parameter.tensor.shape());
    device.write(parameter.tensor, [&](const Tensor<f32> &values) {
      switch (init.kind) {
      case Init::Kind::uniform:
        return fill(values, portion, [&](std::uint64_t i) { return init.a + (init.b - init.a) * random.uniform(i); });
      case Init::Kind::normal:
        return fill(values, portion, [&](std::uint64_t i) {
          const auto [even, odd] = random.normals(i / 2);
          return init.a + init.b * (i % 2 ? odd : even);
        });
      case Init::Kind::constant:
        return fill(values, portion, [&](std::uint64_t) { return init.a; });
      case Init::Kind::stored:
        return read(*stored, parameter.name, values, portion, facts);
      }
    });
  }
  for (const StateBinding &state : binding.state)
    device.write(state.tensor, [&](const Tensor<f32> &values) {
      fill(values, Portion(plan, rank, state.shares, state.tensor.shape()), [&](std::uint64_t) { return state.init; });
    });
  ctx.parameter_changed(nullptr);
  return facts;
}

i64 load_checkpoint(Context &ctx, Device &device, const Plan &plan, int rank, const std::string &path, const Manifest &manifest,
                    const Binding &binding, std::vector<Fact> &facts) {
  const SafetensorsReader file(path);
  for (const ParameterBinding &parameter : binding.parameters)
    device.write(parameter.tensor, [&](const Tensor<f32> &values) {
      read(file, parameter.name, values, Portion(plan, rank, parameter.shares, values.shape()), facts);
    });
  ctx.parameter_changed(nullptr);
  const bool any_state = std::any_of(manifest.state.begin(), manifest.state.end(), [&](const StoredEntry &state) { return file.has(state.name); });
  facts.push_back({"the step of --load", file.metadata("step")});
  // Parameters alone (another tool's, or another optimizer's file) begin a new training.
  if (!any_state && !manifest.state.empty())
    return 0;
  for (const StateBinding &state : binding.state)
    device.write(state.tensor, [&](const Tensor<f32> &values) {
      read(file, state.name, values, Portion(plan, rank, state.shares, values.shape()), facts);
    });
  const std::string text = file.metadata("step");
  i64 step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size() || step < 0))
    throw Error(path + ": its step is not a number");
  if (text.empty() && any_state)
    throw Error(path + ": it has optimizer state but does not say after which step");
  return step;
}

void save_checkpoint(World &world, Device &device, const std::string &path, const Plan &plan, const Manifest &manifest,
                     const Binding &binding, i64 step) {
  std::map<std::string, Tensor<f32>> own;
  for (const ParameterBinding &parameter : binding.parameters)
    own.emplace(parameter.name, parameter.tensor);
  for (const StateBinding &state : binding.state)
    own.emplace(state.name, state.tensor);
  std::vector<StoredEntry> entries = manifest.parameters;
  entries.insert(entries.end(), manifest.state.begin(), manifest.state.end());

  std::vector<f32> values; // of one part, where it does not lie in its place
  const auto bring = [&](const StoredEntry &entry, f32 *whole) {
    const bool parted = !entry.shares.empty();
    const auto size = static_cast<std::size_t>(entry.part.product());
    for (const int owner : entry.owners) {
      f32 *place = parted ? nullptr : whole;
      bring_to_first(world, owner, size * sizeof(f32), [&]() -> void * {
        if (!place && (world.rank() == owner || whole)) {
          values.resize(size);
          place = values.data();
        }
        if (world.rank() == owner)
          device.read(own.at(entry.name), [&](const Tensor<f32> &tensor) { copy_row_major(tensor, place); });
        return place;
      });
      if (!parted || !whole)
        continue;
      const Portion portion(plan, owner, entry.shares, entry.part);
      for (index i = 0; i < static_cast<index>(size); ++i)
        if (const std::optional<index> position = portion.position(i))
          whole[*position] = values[static_cast<std::size_t>(i)];
    }
  };
  together(world, [&] {
    if (world.rank() != 0) {
      for (const StoredEntry &entry : entries)
        bring(entry, nullptr);
      return;
    }
    std::vector<NamedTensor> tensors;
    for (const StoredEntry &entry : entries)
      tensors.emplace_back(entry.name, entry.shape, [&](f32 *place) { bring(entry, place); });
    write_safetensors(path, tensors, {{"format", "dtc"}, {"model", plan.model}, {"step", std::to_string(step)}});
  });
}

} // namespace dtcrt
