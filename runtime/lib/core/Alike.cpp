// Facts of a start and of a data set.
#include "core/Alike.h"
#include "comm/Agreement.h"
#include "comm/Compare.h"
#include "core/Require.h"
#include "data/NpyFiles.h"
#include "io/Hash.h"

#include <charconv>
#include <cstdlib>
#include <iterator>

namespace dtcrt {

namespace {

std::string variable(const char *name) {
  const char *const text = std::getenv(name);
  return text ? text : "";
}

std::string given(bool is) { return is ? "given" : ""; }

/// As many digits as tell it from all others.
std::string text_of(f64 number) {
  char text[64];
  return std::string(text, std::to_chars(text, std::end(text), number).ptr);
}

/// "f32 values of shape [3], 1a2b…".
std::string describe(const Column &column) {
  const char *const types[] = {"u8", "i32", "i64", "f32", "f64", "u16", "u32"};
  return std::visit(
      [&](const auto &values) {
        const std::string_view bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof values[0]);
        return std::string(types[column.values.index()]) + " values of shape " + to_string(column.shape) + " with the hash " +
               hash_text(hash_of(bytes));
      },
      column.values);
}

void describe(bool is_evaluation, const Split &split, const Wishes &wishes, std::vector<Fact> &facts) {
  for (std::size_t i = 0; i < split.inputs.size(); ++i)
    if (wishes.inputs[i].is_bound)
      facts.push_back({spelled({is_evaluation, wishes.inputs[i].name}), describe(split.inputs[i])});
  if (split.label)
    facts.push_back({spelled({is_evaluation, std::nullopt}), describe(*split.label)});
}

} // namespace

void require_alike(World &world, const Plan &plan, const Options &options) {
  std::vector<Fact> facts;
  together(world, [&] {
    // Builds of one program for different hosts differ in their bytes.
    const std::string builds = variable("DTCRT_BUILDS");
    if (!builds.empty() && builds != "any")
      throw Error("DTCRT_BUILDS is '" + builds + "', not 'any'");
    facts.push_back({"the program", plan.model + (plan.identity.empty() ? "" : " " + plan.identity)});
    if (builds.empty())
      facts.push_back({"the executable's hash", hash_of_file("/proc/self/exe")});
    facts.push_back({"DTCRT_BUILDS", builds});
    facts.push_back({"--help", given(options.help)});
    // Each host may have the samples and the checkpoint at a place of its own: what they hold is compared when it has been read.
    facts.push_back({"--data", given(!options.data.empty())});
    facts.push_back({"--load", given(!options.load.empty())});
    facts.push_back({"--epochs", std::to_string(options.epochs)});
    facts.push_back({"--steps", options.steps ? std::to_string(*options.steps) : ""});
    facts.push_back({"--lr", options.learning_rate ? text_of(*options.learning_rate) : ""});
    facts.push_back({"--seed", std::to_string(options.seed)});
    facts.push_back({"--shuffle", options.shuffle ? "on" : "off"});
    facts.push_back({"--validation", std::to_string(options.validation)});
    facts.push_back({"--metrics", options.metrics});
    facts.push_back({"--predict", options.predict});
    facts.push_back({"--save", options.save});
    facts.push_back({"--trace", options.trace});
    facts.push_back({"--no-graph", given(!options.device.graph)});
    facts.push_back({"--autotune", given(options.device.autotune)});
    facts.push_back({"--share-gpu", given(options.device.share)});
  });
  compare(world, "the ranks were started differently: ", facts);
}

void require_alike(World &world, const std::string &source, const Wishes &wishes, const Dataset &data) {
  std::vector<Fact> sizes, values;
  together(world, [&] {
    sizes.push_back({"--data", std::to_string(data.train.size) + " training and " + std::to_string(data.test ? data.test->size : 0) + " test samples"});
    // What is made from the seed may differ in a last bit where hosts have different processors.
    if (source.starts_with("synthetic"))
      return;
    describe(false, data.train, wishes, values);
    if (data.test)
      describe(true, *data.test, wishes, values);
  });
  compare(world, "the ranks find different data: ", sizes);
  compare(world, "the ranks find different data: ", values);
}

} // namespace dtcrt
