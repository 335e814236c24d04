// Safetensors: what is written is read back; what is hostile is refused.
#include "Command.h"
#include "Reference.h"

#include "core/Parameters.h"
#include "core/Portion.h"
#include "dtcrt/context.h"
#include "io/File.h"
#include "io/Safetensors.h"

using namespace dtcrt;
using namespace dtcrt::test;

namespace {

TEST(Safetensors, ReadsBackWhatItWroteInAnyLayout) {
  Folder folder;
  const std::string path = folder / "a.safetensors";
  Owned<f32> w({4, 3, 2, 2}, channels_last), b({5}), scalar({}), none({0, 3});
  randomise(w.tensor, 1);
  randomise(b.tensor, 2);
  scalar.memory[0] = 3;
  const std::string odd = "name \"with\" \\ quotes\nand /slashes/../é";
  write_safetensors(path, {{"conv.weight", w.tensor}, {odd, b.tensor}, {"scalar", scalar.tensor}, {"none", none.tensor}}, {{"step", "12"}});
  const SafetensorsReader reader(path);
  Owned<f32> w2({4, 3, 2, 2}), b2({5}), scalar2({}), none2({0, 3});
  reader.read("conv.weight", w2.tensor);
  reader.read(odd, b2.tensor);
  reader.read("scalar", scalar2.tensor);
  reader.read("none", none2.tensor);
  expect_near(w2.tensor, logical(w.tensor), 0);
  EXPECT_EQ(b2.memory, b.memory);
  EXPECT_EQ(scalar2.memory, scalar.memory);
  EXPECT_EQ(reader.metadata("step"), "12");
  EXPECT_EQ(reader.metadata("nothing"), "");
  EXPECT_TRUE(reader.has("conv.weight"));
  EXPECT_FALSE(reader.has("conv"));
}

TEST(Safetensors, WritingLeavesTheWholeFileOrNone) {
  Folder folder;
  const std::string path = folder / "a.safetensors";
  EXPECT_THROW(write_whole(path, [](const auto &put) {
    put("half", 4);
    throw Error("interrupted");
  }), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THROW(write_safetensors(folder / "no/such/folder/a", {}, {}), Error);
}

TEST(Checkpoint, SaysTheSameStepToRolesWithAndWithoutState) {
  Folder folder;
  const std::string whole = folder / "whole", parameters = folder / "parameters";
  Owned<f32> w({2}), m({2});
  write_safetensors(whole, {{"w", w.tensor}, {"m", m.tensor}}, {{"step", "12"}});
  write_safetensors(parameters, {{"w", w.tensor}}, {{"step", "12"}});
  Context ctx(1);
  const Plan plan;
  const std::unique_ptr<Device> device = make_device(ctx, plan, {});
  const Manifest manifest{.parameters = {{"w", {2}}}, .state = {{"m", {2}}}};
  std::vector<Fact> facts;
  for (const Binding &binding : {Binding{.parameters = {{"w", w.tensor, {}}}, .state = {{"m", m.tensor}}}, Binding{}}) {
    EXPECT_EQ(load_checkpoint(ctx, *device, plan, 0, whole, manifest, binding, facts), 12);
    EXPECT_EQ(load_checkpoint(ctx, *device, plan, 0, parameters, manifest, binding, facts), 0);
  }
  EXPECT_EQ(load_checkpoint(ctx, *device, plan, 0, parameters, {.parameters = {{"w", {2}}}}, {.parameters = {{"w", w.tensor, {}}}}, facts), 12);
}

TEST(Portion, CountsInTheWhole) {
  const Plan plan{.devices = 6, .mesh = {{"data", 2}, {"tensor", 3}}};
  const auto positions = [&](int rank, const std::vector<Share> &shares, const Dims &local) {
    const Portion portion(plan, rank, shares, local);
    std::vector<index> all;
    for (index i = 0; i < local.product(); ++i)
      all.push_back(portion.position(i).value_or(-1));
    return all;
  };
  using Positions = std::vector<index>;
  EXPECT_EQ(positions(4, {}, {3}), (Positions{0, 1, 2}));
  // [2, 5] by columns among three ranks: two each, the last has one and a column of padding.
  const Share columns{"tensor", {2, 5}, 2, 5, 1};
  EXPECT_EQ(positions(3, {columns}, {2, 2}), (Positions{0, 1, 5, 6}));
  EXPECT_EQ(positions(5, {columns}, {2, 2}), (Positions{4, -1, 9, -1}));
  // [2, 3] in pieces: three elements for each of two ranks; and of such a piece among three, one each.
  const Share pieces{"data", {2, 3}, 1, 6, 1};
  EXPECT_EQ(positions(0, {pieces}, {3}), (Positions{0, 1, 2}));
  EXPECT_EQ(positions(4, {pieces}, {3}), (Positions{3, 4, 5}));
  EXPECT_EQ(positions(4, {pieces, {"tensor", {3}, 1, 3, 1}}, {1}), (Positions{4}));
  EXPECT_EQ(Portion(plan, 4, {pieces, {"tensor", {3}, 1, 3, 1}}, {1}).coordinates(), (std::vector<int>{1, 1}));
  // Rows of an inner dimension: [4, 2] by rows.
  EXPECT_EQ(positions(2, {{"tensor", {4, 2}, 1, 4, 2}}, {2, 2}), (Positions{-1, -1, -1, -1}));
  EXPECT_EQ(positions(1, {{"tensor", {4, 2}, 1, 4, 2}}, {2, 2}), (Positions{4, 5, 6, 7}));
  EXPECT_THROW(positions(0, {columns}, {2, 3}), std::logic_error);
  EXPECT_THROW(positions(0, {{"expert", {4}, 1, 4, 1}}, {4}), std::logic_error);
  EXPECT_THROW(positions(0, {{"data", {4}, 1, 5, 1}}, {3}), std::logic_error);
}

TEST(Checkpoint, GivesEachRankItsPart) {
  Folder folder;
  const std::string path = folder / "whole";
  Owned<f32> whole({2, 3}), part({3});
  randomise(whole.tensor, 5);
  write_safetensors(path, {{"w", whole.tensor}}, {});
  Context ctx(1);
  const Plan plan{.devices = 4, .mesh = {{"data", 2}, {"pipe", 2}}};
  const std::unique_ptr<Device> device = make_device(ctx, plan, {});
  const Binding binding{.parameters = {{"w", part.tensor, Init::uniform(1), {{"data", {2, 3}, 1, 6, 1}}}}};
  std::vector<Fact> facts;
  load_checkpoint(ctx, *device, plan, 3, path, {.parameters = {{"w", {2, 3}}}}, binding, facts);
  EXPECT_EQ(part.memory, std::vector<f32>(whole.memory.begin() + 3, whole.memory.end()));
  // Initial values are those of the whole, whatever a rank holds of it.
  const Binding all{.parameters = {{"w", whole.tensor, Init::uniform(1)}}};
  initialise(ctx, *device, plan, 0, all, 7, false);
  initialise(ctx, *device, plan, 2, binding, 7, false);
  EXPECT_EQ(part.memory, std::vector<f32>(whole.memory.begin() + 3, whole.memory.end()));
}

std::string file_of(const std::string &header, const std::string &data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char *>(&length), 8) + header + data;
}

std::string failure(const std::string &bytes) {
  Folder folder;
  const std::string path = folder / "hostile";
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    const SafetensorsReader reader(path);
    Owned<f32> t({2});
    reader.read("t", t.tensor);
    return "";
  } catch (const Error &error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return std::string(error.what()).substr(path.size() + 2);
  }
}

TEST(Safetensors, RefusesWhatCannotBeTrue) {
  const std::string eight(8, 'x');
  const auto entry = [](const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return "{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  EXPECT_EQ(failure(file_of(entry("F32", "[2]", "[0,8]"), eight)), "");
  const std::pair<std::string, const char *> cases[] = {
      {"", "shorter than its header length"},
      {"1234", "shorter than its header length"},
      {std::string(8, '\xff'), "a header of 18446744073709551615 bytes in a file of 8"},
      {file_of("{}", "").replace(0, 1, "\x05"), "a header of 5 bytes in a file of 10"},
      {file_of("not json", ""), "not a JSON object"},
      {file_of("[1,2]", ""), "not a JSON object"},
      {file_of(std::string(100000, '['), ""), "not a JSON object"},
      {file_of("{\"t\":3}", ""), "lacks a dtype"},
      {file_of("{\"__metadata__\":3}", ""), "__metadata__ is not an object"},
      {file_of(entry("F32", "[2]", "[0,-8]"), eight), "lacks a dtype, a shape or its offsets"},
      {file_of(entry("F32", "[2]", "[0,8,8]"), eight), "lacks a dtype, a shape or its offsets"},
      {file_of(entry("F33", "[2]", "[0,8]"), eight), "unknown dtype \"F33\""},
      {file_of(entry("F32", "[-2]", "[0,8]"), eight), "not made of sizes"},
      {file_of(entry("F32", "[2.5]", "[0,8]"), eight), "not made of sizes"},
      {file_of(entry("F32", "[4294967296,4294967296]", "[0,8]"), eight), "too large for any file"},
      {file_of(entry("F32", "[2]", "[0,80]"), eight), "lies outside the file"},
      {file_of(entry("F32", "[2]", "[8,0]"), eight), "lies outside the file"},
      {file_of(entry("F32", "[3]", "[0,8]"), eight), "takes 12 bytes, not 8"},
      {file_of(entry("F32", "[2]", "[0,8]"), eight + "more"), "longer than its tensors"},
      {file_of(entry("F32", "[2]", "[4,12]"), eight + "more"), "a hole between its tensors"},
      {file_of("{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"u\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
               eight + "more"),
       "two of its tensors overlap"},
      {file_of(entry("F16", "[4]", "[0,8]"), eight), "tensor 't' is F16, the program wants F32"},
      {file_of(entry("F32", "[1,2]", "[0,8]"), eight), "tensor 't' has the shape [1, 2], the program wants [2]"},
      {file_of("{}", ""), "no tensor 't'"},
  };
  for (const auto &[bytes, part] : cases) {
    const std::string said = failure(bytes);
    EXPECT_NE(said.find(part), std::string::npos) << "wanted: " << part << "\nsaid: " << said;
  }
}

} // namespace
