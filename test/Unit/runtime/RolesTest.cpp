// Programs of several roles beside one of one rank: the same losses, the same files, whoever binds what.
#include "Command.h"

#include "core/Roles.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace dtcrt::test;

namespace {

std::string program(int stages, int data) { return PROGRAMS "/runtime_pipeline_" + std::to_string(stages) + "_" + std::to_string(data); }

Result run_on(int stages, int data, const std::string &arguments, const std::string &environment = "") {
  const int ranks = stages * data;
  return ranks == 1 ? run_command(program(1, 1) + " " + arguments) : run_ranks(ranks, program(stages, data) + " " + arguments, environment);
}

std::vector<double> values(const std::string &text, const std::string &name) {
  std::vector<double> result;
  const std::string key = "\"" + name + "\":";
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1))
    result.push_back(std::strtod(text.c_str() + at + key.size(), nullptr));
  return result;
}

void expect_close(const std::vector<double> &a, const std::vector<double> &b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_NEAR(a[i], b[i], tolerance * std::abs(b[i])) << "value " << i;
}

// A last batch of 40 samples; with two replicas the second has 8 rows and padding.
const std::string few = "--data=synthetic:168 --seed=3 ";

TEST(Roles, TrainAsOneRankDoes) {
  Folder folder;
  const std::string metrics = folder / "metrics.jsonl";
  ASSERT_EQ(run_on(1, 1, few + "--steps=9 --validation=30 --metrics=" + metrics).status, 0);
  const std::string alone = contents(metrics);
  EXPECT_EQ(values(alone, "loss").size(), 9u);
  EXPECT_LT(values(alone, "loss").back(), values(alone, "loss").front());
  for (const auto &[data, environment] : {std::pair{1, ""}, {2, ""}, {2, "DTCRT_SPLIT_HOST=2"}, {1, "DTCRT_SPLIT_HOST=2"}}) {
    SCOPED_TRACE(std::to_string(data) + " replicas " + environment);
    const Result result = run_on(2, data, few + "--steps=9 --validation=30 --metrics=" + metrics, environment);
    ASSERT_EQ(result.status, 0) << result.errors;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
    const std::string text = contents(metrics);
    expect_close(values(text, "loss"), values(alone, "loss"), 1e-5);
    expect_close(values(text, "eval_loss"), values(alone, "eval_loss"), 1e-5);
    expect_close(values(text, "eval_accuracy"), values(alone, "eval_accuracy"), 0.03);
  }
}

TEST(Roles, WriteTheFileThatOneRankWrites) {
  Folder folder;
  const std::string one = folder / "one", two = folder / "two", four = folder / "four";
  ASSERT_EQ(run_on(1, 1, "--steps=0 --seed=7 --save=" + one).status, 0);
  ASSERT_EQ(run_on(2, 1, "--steps=0 --seed=7 --save=" + two).status, 0);
  ASSERT_EQ(run_on(2, 2, "--steps=0 --seed=7 --save=" + four).status, 0);
  EXPECT_GT(contents(one).size(), 2u * 4 * (784 * 32 + 32 * 32 + 320));
  EXPECT_EQ(contents(two), contents(one));
  EXPECT_EQ(contents(four), contents(one));
}

TEST(Roles, GoOnWhereOneRankStoppedAndBack) {
  Folder folder;
  const std::string all = folder / "all.jsonl", first = folder / "first", second = folder / "second", rest = folder / "rest.jsonl";
  ASSERT_EQ(run_on(1, 1, few + "--steps=9 --metrics=" + all).status, 0);
  ASSERT_EQ(run_on(1, 1, few + "--steps=3 --save=" + first).status, 0);
  const auto expect_rest = [&](std::ptrdiff_t from, std::size_t count) {
    auto losses = values(contents(all), "loss");
    losses.erase(losses.begin(), losses.begin() + from);
    losses.resize(count);
    expect_close(values(contents(rest), "loss"), losses, 1e-5);
  };
  ASSERT_EQ(run_on(2, 2, few + "--steps=3 --load=" + first + " --save=" + second + " --metrics=" + rest).status, 0);
  expect_rest(3, 3);
  ASSERT_EQ(run_on(1, 1, few + "--steps=3 --load=" + second + " --metrics=" + rest).status, 0);
  expect_rest(6, 3);
  ASSERT_EQ(run_on(2, 1, few + "--steps=3 --load=" + second + " --metrics=" + rest).status, 0);
  expect_rest(6, 3);
}

/// One line on stderr, from one rank, exit status 2.
void expect_refused(const Result &result, const std::string &part) {
  EXPECT_EQ(result.status, 2);
  const auto lines = lines_of_program(result.errors);
  ASSERT_EQ(lines.size(), 1u) << result.errors;
  EXPECT_NE(lines[0].find(part), std::string::npos) << lines[0];
}

TEST(Roles, SayOneLineWhenAFileLacksWhatOneOfThemNeeds) {
  Folder folder;
  const std::string good = folder / "good", bad = folder / "bad";
  ASSERT_EQ(run_on(1, 1, "--steps=0 --save=" + good).status, 0);
  std::string bytes = contents(good);
  for (std::size_t at = 0; (at = bytes.find("\"out.weight\"", at)) != std::string::npos;)
    bytes.replace(at, 12, "\"other.name\"");
  std::ofstream(bad, std::ios::binary) << bytes;
  expect_refused(run_on(2, 1, few + "--load=" + bad), "no tensor 'out.weight'");
  expect_refused(run_on(2, 1, few + "--save=/dev/full/x"), "cannot write /dev/full/x");
}

TEST(Roles, ReadOneDataSetTogether) {
  Folder folder;
  const auto write_npy = [&](const std::string &name, const std::string &type, const std::string &shape, const std::string &values) {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
    header += std::string(63 - (10 + header.size()) % 64, ' ') + "\n";
    std::string text = std::string("\x93NUMPY\x01", 7) + '\0' + static_cast<char>(header.size() & 255) + static_cast<char>(header.size() >> 8);
    std::ofstream(folder / name, std::ios::binary) << text + header + values;
    return folder / name;
  };
  std::string images, labels, fewer;
  for (int i = 0; i < 100; ++i) {
    for (int pixel = 0; pixel < 784; ++pixel)
      images += static_cast<char>((i * pixel) % 3);
    labels += static_cast<char>(i % 10);
  }
  const std::string x = write_npy("x.npy", "|u1", "(100, 784)", images), y = write_npy("y.npy", "|u1", "(100,)", labels);
  const std::string metrics = folder / "m", source = "--steps=4 --metrics=" + metrics + " --data=npy:image=" + x + ",label=" + y;
  ASSERT_EQ(run_on(1, 1, source).status, 0);
  const auto alone = values(contents(metrics), "loss");
  const Result result = run_on(2, 2, source);
  ASSERT_EQ(result.status, 0) << result.errors;
  expect_close(values(contents(metrics), "loss"), alone, 1e-5);
  // Each is read in full by the ranks of one stage alone.
  labels[50] = 11;
  write_npy("y.npy", "|u1", "(100,)", labels);
  expect_refused(run_on(2, 1, source), "y.npy: label 11 of sample 50 is not a class id below 10");
  write_npy("y.npy", "|u1", "(90,)", labels.substr(0, 90));
  expect_refused(run_on(2, 1, source), "x.npy holds 100 samples, " + y + " 90");
  write_npy("y.npy", "|u1", "(100,)", labels.substr(0, 50));
  expect_refused(run_on(2, 1, source), "y.npy: the file ends too early");
  expect_refused(run_on(2, 1, "--data=npy:image=" + x), "no file for 'label'");
}

TEST(Roles, StopTogetherWhenTheLossIsNoNumber) {
  Folder folder;
  const std::string good = folder / "good", bad = folder / "bad";
  ASSERT_EQ(run_on(1, 1, "--steps=0 --save=" + good).status, 0);
  std::string bytes = contents(good);
  std::uint64_t header = 0;
  bytes.copy(reinterpret_cast<char *>(&header), 8);
  const float nothing = NAN; // in out.weight, behind in.weight
  bytes.replace(8 + header + 4 * 784 * 32, 4, reinterpret_cast<const char *>(&nothing), 4);
  std::ofstream(bad, std::ios::binary) << bytes;
  expect_refused(run_on(2, 2, few + "--steps=3 --load=" + bad), "at step 1: 'out.weight' held values that are not finite before the first step");
}

struct Nothing : dtcrt::Program {
  bool evaluates = false, predicts = false;
  dtcrt::Binding bind(dtcrt::Arena &) override { return {}; }
  void step(dtcrt::Context &) override {}
  void evaluate(dtcrt::Context &) override {}
  bool has_evaluate() const override { return evaluates; }
  void predict(dtcrt::Context &) override {}
  bool has_predict() const override { return predicts; }
};

TEST(Roles, FitCoordinates) {
  using dtcrt::Role;
  const dtcrt::Plan plan{.devices = 6, .mesh = {{"data", 3}, {"pipe", 2}}};
  const auto nothing = std::make_shared<Nothing>();
  const std::vector<Role> stages{{.name = "a", .at = {{"pipe", 0}}, .program = nothing}, {.name = "b", .at = {{"pipe", 1}}, .program = nothing}};
  for (int rank = 0; rank < 6; ++rank)
    EXPECT_EQ(dtcrt::role_of(plan, stages, rank).name, rank % 2 ? "b" : "a");
  const std::vector<Role> uneven{{.name = "a", .at = {{"data", 0}, {"pipe", 0}}, .program = nothing},
                                 {.name = "b", .at = {{"data", 0}, {"pipe", 1}}, .program = nothing},
                                 {.name = "c", .at = {{"data", 1}}, .program = nothing},
                                 {.name = "d", .at = {{"data", 2}}, .program = nothing}};
  std::string names;
  for (int rank = 0; rank < 6; ++rank)
    names += dtcrt::role_of(plan, uneven, rank).name;
  EXPECT_EQ(names, "abccdd");
  EXPECT_EQ(dtcrt::role_of(plan, {{.name = "all", .program = nothing}}, 5).name, "all");

  const auto refused = [&](const std::vector<Role> &roles, int rank) -> std::string {
    try {
      dtcrt::role_of(plan, roles, rank);
      return "";
    } catch (const std::logic_error &error) {
      return error.what();
    }
  };
  EXPECT_EQ(refused({stages[0]}, 1), "no role fits rank 1");
  EXPECT_EQ(refused({stages[0], {.name = "all", .program = nothing}}, 2), "the roles 'a' and 'all' both fit rank 2");
  EXPECT_EQ(refused({{.name = "t", .at = {{"tensor", 0}}, .program = nothing}}, 0),
            "the role 't' stands at the axis 'tensor', which the mesh does not have");
  const auto evaluating = std::make_shared<Nothing>();
  evaluating->evaluates = true;
  EXPECT_EQ(refused({stages[0], {.name = "b", .at = {{"pipe", 1}}, .program = evaluating}}, 0), "the roles 'b' and 'a' do not both evaluate");
  const auto predicting = std::make_shared<Nothing>();
  predicting->predicts = true;
  EXPECT_EQ(refused({stages[0], {.name = "b", .at = {{"pipe", 1}}, .program = predicting}}, 0), "the roles 'b' and 'a' do not both predict");
}

} // namespace
