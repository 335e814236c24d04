// Initial values by Philox; checkpoints as safetensors.
#include "core/Parameters.h"
#include "comm/Agreement.h"
#include "comm/Gather.h"
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

/// Calls `set(logical position)` for every element of a dense tensor: the position does not depend on the layout.
template <class Value> void fill_logical(const Tensor<f32> &tensor, Value value) {
  const index size = tensor.size();
  for (index i = 0; i < size; ++i) {
    index rest = i, offset = 0;
    for (int d = tensor.rank() - 1; d >= 0; --d) {
      offset += rest % tensor.dim(d) * tensor.strides()[d];
      rest /= tensor.dim(d);
    }
    tensor.data()[offset] = static_cast<f32>(value(static_cast<std::uint64_t>(i)));
  }
}

/// Reads a tensor, and notes what it holds.
void read(const SafetensorsReader &file, const std::string &name, const Tensor<f32> &values, std::vector<Fact> &facts) {
  file.read(name, values);
  facts.push_back({name, "values with the hash " + hash_text(hash_of({reinterpret_cast<const char *>(values.data()), values.bytes()}))});
}

} // namespace

std::string parameters_path(const Plan &plan) { return beside_executable(plan.parameters_file); }

std::vector<Fact> initialise(Context &ctx, Device &device, const Plan &plan, const Binding &binding, std::uint64_t seed, bool values_follow) {
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
    device.write(parameter.tensor, [&](const Tensor<f32> &values) {
      switch (init.kind) {
      case Init::Kind::uniform:
        return fill_logical(values, [&](std::uint64_t i) { return init.a + (init.b - init.a) * random.uniform(i); });
      case Init::Kind::normal:
        return fill_logical(values, [&](std::uint64_t i) {
          const auto [even, odd] = random.normals(i / 2);
          return init.a + init.b * (i % 2 ? odd : even);
        });
      case Init::Kind::constant:
        return fill_logical(values, [&](std::uint64_t) { return init.a; });
      case Init::Kind::stored:
        return read(*stored, parameter.name, values, facts);
      }
    });
  }
  for (const StateBinding &state : binding.state)
    device.write(state.tensor, [&](const Tensor<f32> &values) { fill_logical(values, [&](std::uint64_t) { return state.init; }); });
  ctx.parameter_changed(nullptr);
  return facts;
}

i64 load_checkpoint(Context &ctx, Device &device, const std::string &path, const Manifest &manifest, const Binding &binding,
                    std::vector<Fact> &facts) {
  const SafetensorsReader file(path);
  for (const ParameterBinding &parameter : binding.parameters)
    device.write(parameter.tensor, [&](const Tensor<f32> &values) { read(file, parameter.name, values, facts); });
  ctx.parameter_changed(nullptr);
  const bool any_state = std::any_of(manifest.state.begin(), manifest.state.end(), [&](const StoredEntry &state) { return file.has(state.name); });
  facts.push_back({"the step of --load", file.metadata("step")});
  // Parameters alone (another tool's, or another optimizer's file) begin a new training.
  if (!any_state && !manifest.state.empty())
    return 0;
  for (const StateBinding &state : binding.state)
    device.write(state.tensor, [&](const Tensor<f32> &values) { read(file, state.name, values, facts); });
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

  std::vector<f32> values; // of the ranks that do not write
  const auto bring = [&](const StoredEntry &entry, f32 *place) {
    const auto size = static_cast<std::size_t>(entry.shape.product());
    bring_to_first(world, entry.owner, size * sizeof(f32), [&]() -> void * {
      if (world.rank() == entry.owner && !place) {
        values.resize(size);
        place = values.data();
      }
      if (world.rank() == entry.owner)
        device.read(own.at(entry.name), [&](const Tensor<f32> &tensor) { copy_row_major(tensor, place); });
      return place;
    });
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
