// Every rank describes its binding as JSON; all merge the descriptions in the same way.
#include "core/Manifest.h"
#include "comm/Agreement.h"
#include "comm/Gather.h"

#include <nlohmann/json.hpp>

#include <map>

namespace dtcrt {

namespace {

using json = nlohmann::json;

json json_of(const Dims &shape) { return std::vector<index>(shape.begin(), shape.end()); }

Dims dims_of(const json &value) {
  Dims shape;
  for (const json &size : value)
    shape.push_back(size.get<index>());
  return shape;
}

json describe(const Wishes &wishes, const Binding &binding) {
  json own = {{"inputs", json::object()}, {"label", nullptr}, {"parameters", json::object()}, {"state", json::object()}};
  for (const Wanted &input : wishes.inputs)
    own["inputs"][input.name] = {{"shape", json_of(input.shape)}, {"integer", input.is_integer}};
  if (wishes.label)
    own["label"] = {{"shape", json_of(wishes.label->shape)}, {"integer", wishes.label->is_integer}};
  for (const ParameterBinding &parameter : binding.parameters)
    own["parameters"][parameter.name] = {{"shape", json_of(parameter.tensor.shape())},
                                         {"init", {static_cast<int>(parameter.init.kind), parameter.init.a, parameter.init.b}}};
  for (const StateBinding &state : binding.state)
    own["state"][state.name] = {{"shape", json_of(state.tensor.shape())}, {"init", state.init}};
  own["loss"] = bool(binding.loss);
  own["correct"] = bool(binding.correct);
  return own;
}

/// The entries of one kind over all ranks, by name. Those that several ranks bind are the same on all.
struct Merged {
  json description;
  int owner;
};
std::map<std::string, Merged> merge(const std::vector<json> &ranks, const char *kind) {
  std::map<std::string, Merged> all;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    for (const auto &[name, description] : ranks[rank][kind].items()) {
      const auto [entry, is_new] = all.emplace(name, Merged{description, static_cast<int>(rank)});
      if (!is_new && entry->second.description != description)
        throw std::logic_error("'" + name + "' is bound as " + entry->second.description.dump() + " on rank " +
                               std::to_string(entry->second.owner) + ", as " + description.dump() + " on rank " + std::to_string(rank));
    }
  return all;
}

std::vector<StoredEntry> stored(const std::vector<json> &ranks, const char *kind) {
  std::vector<StoredEntry> entries;
  for (const auto &[name, merged] : merge(ranks, kind))
    entries.push_back({name, dims_of(merged.description["shape"]), merged.owner});
  return entries;
}

} // namespace

Manifest make_manifest(World &world, const Plan &plan, const Binding &binding) {
  Manifest manifest;
  json own;
  std::string text;
  together(world, [&] {
    manifest.wishes = wishes_of(plan, binding);
    own = describe(manifest.wishes, binding);
    text = own.dump(-1, ' ', false, json::error_handler_t::replace);
  });
  std::vector<json> ranks;
  for (const std::string &theirs : all_gather(world, text))
    ranks.push_back(json::parse(theirs));

  manifest.parameters = stored(ranks, "parameters");
  manifest.state = stored(ranks, "state");
  manifest.wishes.inputs.clear();
  for (const auto &[name, merged] : merge(ranks, "inputs"))
    manifest.wishes.inputs.push_back(
        {name, merged.description["integer"].get<bool>(), dims_of(merged.description["shape"]), own["inputs"].contains(name)});
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    for (const char *result : {"loss", "correct"})
      if (ranks[rank][result] != ranks[0][result])
        throw std::logic_error("some ranks bind the " + std::string(result) + ", others do not");
    const json &label = ranks[rank]["label"];
    if (label.is_null())
      continue;
    const Wanted wanted{"label", label["integer"].get<bool>(), dims_of(label["shape"]), !own["label"].is_null()};
    if (manifest.wishes.label && (manifest.wishes.label->shape != wanted.shape || manifest.wishes.label->is_integer != wanted.is_integer))
      throw std::logic_error("the label is bound as different things on different ranks");
    manifest.wishes.label = wanted;
  }
  return manifest;
}

} // namespace dtcrt
