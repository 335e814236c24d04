// Every rank describes its binding as JSON; all merge the descriptions in the same way.
#include "core/Manifest.h"
#include "comm/Agreement.h"
#include "comm/Gather.h"
#include "core/Portion.h"
#include "core/Roles.h"

#include <nlohmann/json.hpp>

#include <algorithm>
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

json json_of(const std::vector<Share> &shares) {
  json all = json::array();
  for (const Share &share : shares)
    all.push_back({{"axis", share.axis}, {"whole", json_of(share.whole)}, {"as", {share.outer, share.size, share.inner}}});
  return all;
}

std::vector<Share> shares_of(const json &value) {
  std::vector<Share> shares;
  for (const json &share : value)
    shares.push_back({share["axis"], dims_of(share["whole"]), share["as"][0], share["as"][1], share["as"][2]});
  return shares;
}

json describe(const Wishes &wishes, const Binding &binding) {
  json own = {{"inputs", json::object()}, {"label", nullptr}, {"parameters", json::object()}, {"state", json::object()}};
  for (const Wanted &input : wishes.inputs)
    own["inputs"][input.name] = {{"shape", json_of(input.shape)}, {"integer", input.is_integer}, {"range", {input.low, input.high}}};
  if (wishes.label)
    own["label"] = {{"shape", json_of(wishes.label->shape)}, {"integer", wishes.label->is_integer}};
  for (const ParameterBinding &parameter : binding.parameters)
    own["parameters"][parameter.name] = {{"shape", json_of(parameter.tensor.shape())},
                                         {"init", {static_cast<int>(parameter.init.kind), parameter.init.a, parameter.init.b}},
                                         {"shares", json_of(parameter.shares)}};
  for (const StateBinding &state : binding.state)
    own["state"][state.name] = {{"shape", json_of(state.tensor.shape())}, {"init", state.init}, {"shares", json_of(state.shares)}};
  own["loss"] = bool(binding.loss);
  own["correct"] = bool(binding.correct);
  return own;
}

/// The entries of one kind over all ranks, by name. Those that several ranks bind are the same on all.
struct Merged {
  json description;
  std::vector<int> ranks;
};
std::map<std::string, Merged> merge(const std::vector<json> &ranks, const char *kind) {
  std::map<std::string, Merged> all;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank)
    for (const auto &[name, description] : ranks[rank][kind].items()) {
      Merged &entry = all.emplace(name, Merged{description, {}}).first->second;
      if (entry.description != description)
        throw std::logic_error("'" + name + "' is bound as " + entry.description.dump() + " on rank " + std::to_string(entry.ranks.front()) +
                               ", as " + description.dump() + " on rank " + std::to_string(rank));
      entry.ranks.push_back(static_cast<int>(rank));
    }
  return all;
}

/// Of the ranks that bind the same part the first each. Throws logic_error where nobody has a part.
std::vector<int> owners_of(const Plan &plan, const std::string &name, const std::vector<int> &ranks, const std::vector<Share> &shares, const Dims &part) {
  std::map<std::vector<int>, int> first;
  for (int rank : ranks)
    first.emplace(Portion(plan, rank, shares, part).coordinates(), rank);
  std::size_t parts = 1;
  for (const Share &share : shares)
    parts *= static_cast<std::size_t>(ranks_along(plan, share.axis));
  if (first.size() != parts)
    throw std::logic_error("of the " + std::to_string(parts) + " parts of '" + name + "' ranks bind " + std::to_string(first.size()));
  std::vector<int> owners;
  for (const auto &[coordinates, rank] : first)
    owners.push_back(rank);
  std::sort(owners.begin(), owners.end());
  return owners;
}

std::vector<StoredEntry> stored(const Plan &plan, const std::vector<json> &ranks, const char *kind) {
  std::vector<StoredEntry> entries;
  for (const auto &[name, merged] : merge(ranks, kind)) {
    const Dims part = dims_of(merged.description["shape"]);
    const std::vector<Share> shares = shares_of(merged.description["shares"]);
    const Dims whole = shares.empty() ? part : shares.front().whole;
    entries.push_back({name, whole, owners_of(plan, name, merged.ranks, shares, part), part, shares});
  }
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

  manifest.parameters = stored(plan, ranks, "parameters");
  manifest.state = stored(plan, ranks, "state");
  manifest.wishes.inputs.clear();
  for (const auto &[name, merged] : merge(ranks, "inputs"))
    manifest.wishes.inputs.push_back(
        {name, merged.description["integer"].get<bool>(), dims_of(merged.description["shape"]), own["inputs"].contains(name),
         merged.description["range"][0].get<i64>(), merged.description["range"][1].get<i64>()});
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
