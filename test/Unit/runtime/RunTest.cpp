// Whole programs: the same losses on any number of ranks, files that come and go, and one line for every mistake.
#include "Command.h"

#include "core/Diverged.h"
#include "core/Report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

using namespace dtcrt::test;

namespace {

std::string program(int ranks) { return PROGRAMS "/runtime_mnist_" + std::to_string(ranks); }

Result run_on(int ranks, const std::string &arguments) {
  return ranks == 1 ? run_command(program(1) + " " + arguments) : run_ranks(ranks, program(ranks) + " " + arguments);
}

/// All values of `"name":value` in a metrics file.
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

// 600 samples in batches of 256: the third batch has 88 samples, which leaves whole ranks with nothing but padding.
const std::string few = "--data=synthetic:600 --seed=3 ";

TEST(Run, LossesDoNotDependOnTheNumberOfRanks) {
  Folder folder;
  std::vector<double> losses, evaluations, accuracies;
  for (const int ranks : {1, 2, 4}) {
    const std::string metrics = folder / "metrics.jsonl";
    const Result result = run_on(ranks, few + "--steps=7 --validation=100 --metrics=" + metrics);
    ASSERT_EQ(result.status, 0) << result.errors;
    const std::string text = contents(metrics);
    if (ranks == 1) {
      losses = values(text, "loss");
      evaluations = values(text, "eval_loss");
      accuracies = values(text, "eval_accuracy");
      EXPECT_EQ(losses.size(), 7u);
      EXPECT_EQ(evaluations.size(), 5u); // validation after 2, 4, 6 and 7 steps, and the test
      EXPECT_LT(losses.back(), losses.front());
      EXPECT_NEAR(losses.front(), std::log(10.0), 0.2);
    }
    expect_close(values(text, "loss"), losses, 1e-5);
    expect_close(values(text, "eval_loss"), evaluations, 1e-5);
    expect_close(values(text, "eval_accuracy"), accuracies, 0.02);
  }
}

TEST(Run, GoesOnFromACheckpointAsIfItHadNotStopped) {
  Folder folder;
  const std::string half = folder / "half.safetensors", all = folder / "all.jsonl", second = folder / "second.jsonl";
  ASSERT_EQ(run_on(1, few + "--steps=6 --metrics=" + all).status, 0);
  ASSERT_EQ(run_on(1, few + "--steps=3 --save=" + half).status, 0);
  const Result result = run_on(2, few + "--steps=3 --load=" + half + " --metrics=" + second);
  ASSERT_EQ(result.status, 0) << result.errors;
  auto losses = values(contents(all), "loss");
  losses.erase(losses.begin(), losses.begin() + 3);
  expect_close(values(contents(second), "loss"), losses, 1e-5);
  EXPECT_EQ(values(contents(second), "step").front(), 4);
}

TEST(Run, WritesTheInitialParametersWithoutData) {
  Folder folder;
  const std::string one = folder / "one", four = folder / "four", other = folder / "other";
  ASSERT_EQ(run_on(1, "--steps=0 --seed=7 --save=" + one).status, 0);
  ASSERT_EQ(run_on(4, "--steps=0 --seed=7 --save=" + four).status, 0);
  ASSERT_EQ(run_on(1, "--steps=0 --seed=8 --save=" + other).status, 0);
  EXPECT_EQ(contents(one), contents(four));
  EXPECT_NE(contents(one), contents(other));
  EXPECT_GT(contents(one).size(), 1000000u);
}

TEST(Run, SaysOneLineAtTheEndOfAPipe) {
  const Result result = run_on(2, few + "--steps=2");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  EXPECT_NE(result.output.find("2 steps in "), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("test accuracy 0."), std::string::npos) << result.output;
  EXPECT_EQ(result.output.find('\r'), std::string::npos);
}

/// One line on stderr, from one rank, exit status 2.
void expect_refused(const Result &result, const std::string &part) {
  EXPECT_EQ(result.status, 2);
  const auto lines = lines_of_program(result.errors);
  ASSERT_EQ(lines.size(), 1u) << result.errors;
  EXPECT_NE(lines[0].find(part), std::string::npos) << lines[0];
}

TEST(RunErrors, OneLineForEveryMistake) {
  const std::pair<const char *, const char *> cases[] = {
      {"", "no data: --data="},
      {"--dta=synthetic", "unknown option '--dta=synthetic'"},
      {"train", "unknown option 'train'"},
      {"--data", "--data needs a value"},
      {"--data=synthetic --steps=many", "--steps=many: not a whole number"},
      {"--data=synthetic --steps=-1", "--steps=-1: not a whole number"},
      {"--data=synthetic --steps=99999999999999999999", "not a whole number"},
      {"--data=synthetic --steps=1 --epochs=1", "contradict"},
      {"--data=synthetic --shuffle=maybe", "on or off"},
      {"--data=synthetic:256 --validation=256", "leaves nothing of 256 training samples"},
      {"--data=idx:/nowhere", "no folder /nowhere"},
      {"--data=synthetic --load=/nowhere/x", "/nowhere/x: cannot open it"},
      {"--data=synthetic --save=/nowhere/x", "cannot write /nowhere/x"},
      {"--data=synthetic --metrics=/nowhere/x", "cannot write /nowhere/x"},
      {"--data=parquet:x", "unknown source"},
      {"--data=tokens:x", "tokens are one input of whole numbers"},
  };
  for (const auto &[arguments, part] : cases) {
    SCOPED_TRACE(arguments);
    expect_refused(run_on(1, arguments), part);
  }
  for (const std::size_t i : {0u, 1u, 10u, 11u}) {
    SCOPED_TRACE(std::string("on two ranks: ") + cases[i].first);
    expect_refused(run_on(2, cases[i].first), cases[i].second);
  }
  expect_refused(run_command("env DTCRT_THREADS=two " + program(1) + " --data=synthetic"), "DTCRT_THREADS is 'two'");
}

/// An MNIST-shaped data set of few samples.
std::string idx_folder(const Folder &folder) {
  const auto write = [&](const std::string &name, std::string header, std::size_t values) {
    header[0] = header[1] = 0;
    std::ofstream(folder / name, std::ios::binary) << header << std::string(values, 1);
  };
  for (const char *split : {"train", "t10k"}) {
    write(std::string(split) + "-images-idx3-ubyte", {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28}, 4 * 28 * 28);
    write(std::string(split) + "-labels-idx1-ubyte", {0, 0, 8, 1, 0, 0, 0, 4}, 4);
  }
  return "--data=idx:" + folder.path() + " ";
}

TEST(RunErrors, AnOutputIsNoInputAndNoOtherOutput) {
  Folder folder;
  const std::string data = idx_folder(folder), loaded = folder / "loaded", images = folder / "train-images-idx3-ubyte";
  ASSERT_EQ(run_on(1, "--steps=0 --save=" + loaded).status, 0);
  std::filesystem::create_hard_link(loaded, folder / "hard");
  std::filesystem::create_symlink(images, folder / "soft");
  const std::string before = contents(loaded), pixels = contents(images);
  const std::pair<std::string, std::string> cases[] = {
      {"--save=" + (folder / "hard"), ": that is the file of --load; name another file"},
      {"--metrics=" + (folder / "./loaded"), ": that is the file of --load"},
      {"--trace=" + images, ": that is data of this run"},
      {"--metrics=" + (folder / "soft"), ": that is data of this run"},
      {"--save=" + (folder / "t10k-labels-idx1-ubyte"), ": that is data of this run"},
      {"--save=" + program(1), ": that is this program"},
      {"--save=" + (folder / "new") + " --trace=" + (folder / "./new"), " are the same file"},
      {"--save=/dev/null", "cannot write /dev/null: it is no ordinary file"},
      {"--trace=/dev/full", "cannot write /dev/full: it is no ordinary file"},
      {"--save=" + folder.path(), "it is a folder"},
      {"--predict=" + (folder / "new"), "the program makes no output of the samples"},
  };
  for (const auto &[outputs, part] : cases) {
    SCOPED_TRACE(outputs);
    expect_refused(run_on(1, data + "--load=" + loaded + " " + outputs), part);
  }
  expect_refused(run_on(2, data + "--load=" + loaded + " " + cases[0].first), cases[0].second);
  EXPECT_EQ(contents(loaded), before);
  EXPECT_EQ(contents(images), pixels);
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Run, MetricsMayGoToAPipe) {
  const Result result = run_on(1, few + "--steps=2 --metrics=/dev/stdout");
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(values(result.output, "loss").size(), 2u);
  EXPECT_NE(result.output.find("2 steps in "), std::string::npos);
  // What others wrote to the file that is standard output stays.
  ASSERT_EQ(run_command("sh -c 'echo before; " + program(1) + " " + few + "--steps=1 --metrics=/dev/stdout'").output.find("before\n"), 0u);
  Folder folder;
  const std::string metrics = folder / "fifo";
  const Result piped = run_command("sh -c 'mkfifo " + metrics + "; cat " + metrics + " & " + program(1) + " " + few + "--steps=2 --metrics=" + metrics + "; wait'");
  EXPECT_EQ(values(piped.output, "loss").size(), 2u) << piped.errors;
  // Whoever reads it may have had enough.
  expect_refused(run_command("sh -c 'rm -f " + metrics + "; mkfifo " + metrics + "; head -n 1 " + metrics + " >/dev/null & " + program(1) + " " + few +
                             "--steps=200 --metrics=" + metrics + "'"),
                 "cannot write " + metrics + ": Broken pipe");
}

TEST(RunErrors, NothingIsWrittenWhenTheDataIsWrong) {
  Folder folder;
  expect_refused(run_on(1, "--data=idx:/nowhere --metrics=" + (folder / "m") + " --save=" + (folder / "s")), "no folder");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(RunErrors, TheWrongNumberOfRanks) {
  expect_refused(run_command(program(4) + " --data=synthetic"), "compiled for 4 ranks, started with 1: run it with mpirun -n 4");
  expect_refused(run_ranks(3, program(4) + " --data=synthetic"), "compiled for 4 ranks, started with 3: run it with mpirun -n 4");
  expect_refused(run_ranks(2, program(1) + " --data=synthetic"), "compiled for 1 rank, started with 2: run it with mpirun -n 1");
}

/// A copy of a checkpoint whose tensor begins with `value`.
void spoil(const std::string &from, const std::string &to, const std::string &tensor, float value) {
  std::string bytes = contents(from);
  std::uint64_t header = 0;
  bytes.copy(reinterpret_cast<char *>(&header), 8);
  const auto entries = nlohmann::json::parse(bytes.substr(8, header));
  bytes.replace(8 + header + entries.at(tensor).at("data_offsets").at(0).get<std::size_t>(), 4, reinterpret_cast<const char *>(&value), 4);
  std::ofstream(to, std::ios::binary) << bytes;
}

/// The lines of a metrics file, each of which must be JSON.
std::vector<nlohmann::json> metrics_of(const std::string &path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(contents(path));
  for (std::string line; std::getline(text, line);)
    lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(RunErrors, ALossThatIsNoNumberStopsTheTrainingByTheTensorsName) {
  Folder folder;
  const std::string good = folder / "good", bad = folder / "bad", metrics = folder / "metrics", saved = folder / "saved";
  ASSERT_EQ(run_on(1, "--steps=0 --save=" + good).status, 0);
  // A bias behind which a relu and a pool stand, and one that the logits get as it is.
  for (const char *tensor : {"conv1.bias", "fc2.bias"}) {
    spoil(good, bad, tensor, NAN);
    for (const int ranks : {1, 2}) {
      expect_refused(run_on(ranks, few + "--steps=3 --load=" + bad + " --metrics=" + metrics + " --save=" + saved),
                     "the loss is nan at step 1: '" + std::string(tensor) + "' held values that are not finite before the first step");
      const auto lines = metrics_of(metrics);
      ASSERT_EQ(lines.size(), 1u);
      EXPECT_TRUE(lines[0].at("loss").is_null());
      EXPECT_EQ(lines[0].at("loss_is"), "nan");
      EXPECT_FALSE(std::filesystem::exists(saved));
    }
  }
}

TEST(RunErrors, WhatTrainingHasSpoiltIsNotSaved) {
  Folder folder;
  const std::string good = folder / "good", bad = folder / "bad", saved = folder / "saved";
  ASSERT_EQ(run_on(1, few + "--steps=1 --save=" + good).status, 0);
  // A moment of a parameter: this step's loss is finite, its update is not.
  spoil(good, bad, "adam.m/fc2.bias", NAN);
  for (const int ranks : {1, 2})
    expect_refused(run_on(ranks, "--data=synthetic:600 --steps=1 --validation=10 --load=" + bad + " --save=" + saved),
                   "'fc2.bias' holds values that are not finite after step 2: nothing is saved");
  EXPECT_FALSE(std::filesystem::exists(saved));
}

TEST(RunErrors, AnEvaluationThatIsNoNumberIsToldAndHasAStatus) {
  Folder folder;
  const std::string good = folder / "good", bad = folder / "bad", metrics = folder / "metrics";
  ASSERT_EQ(run_on(1, "--steps=0 --save=" + good).status, 0);
  spoil(good, bad, "fc1.bias", NAN);
  for (const int ranks : {1, 2}) {
    expect_refused(run_on(ranks, few + "--steps=0 --load=" + bad + " --metrics=" + metrics), "the test loss is nan after step 0");
    const auto lines = metrics_of(metrics);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines[0].at("eval_loss").is_null());
    EXPECT_EQ(lines[0].at("eval_loss_is"), "nan");
    EXPECT_EQ(lines[0].at("split"), "test");
  }
}

TEST(Metrics, AreJsonWhateverTheNumber) {
  using dtcrt::json_member;
  EXPECT_EQ(json_member("loss", 0.1f), "\"loss\":0.1");
  EXPECT_EQ(json_member("loss", NAN), "\"loss\":null,\"loss_is\":\"nan\"");
  EXPECT_EQ(json_member("loss", -NAN), "\"loss\":null,\"loss_is\":\"nan\"");
  EXPECT_EQ(json_member("rate", std::numeric_limits<double>::infinity()), "\"rate\":null,\"rate_is\":\"inf\"");
  EXPECT_EQ(json_member("rate", -std::numeric_limits<double>::infinity()), "\"rate\":null,\"rate_is\":\"-inf\"");
  // A step that takes no time by the clock.
  Folder folder;
  const std::string file = folder / "metrics";
  {
    dtcrt::Report report(true, file);
    report.step(1, 2, 1e300, 1e-3, std::numeric_limits<double>::infinity());
    report.step(2, 2, 0.5, 1e-3, std::numeric_limits<double>::quiet_NaN());
    report.evaluation(2, "validation", {.loss = 0.5, .accuracy = NAN, .has_accuracy = true});
    EXPECT_EQ(report.not_finite(), "");
    report.evaluation(2, "test", {.loss = INFINITY});
    EXPECT_EQ(report.not_finite(), "the test loss is inf after step 2");
  }
  const auto lines = metrics_of(file);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].at("loss_is"), "inf"); // of an f32
  EXPECT_EQ(lines[0].at("samples_per_second_is"), "inf");
  EXPECT_EQ(lines[1].at("samples_per_second_is"), "nan");
  EXPECT_EQ(lines[2].at("eval_accuracy_is"), "nan");
  EXPECT_EQ(lines[3].at("eval_loss_is"), "inf");
}

TEST(Diverged, NamesTheInputAndItsSample) {
  std::vector<float> image(12, 1.0f), label(4, 0.0f);
  dtcrt::Binding batch;
  batch.inputs.push_back({"image", dtcrt::Tensor<float>(image.data(), {4, 3, 1}, dtcrt::channels_last)});
  batch.label = dtcrt::Tensor<float>(label.data(), {4});
  const dtcrt::BatchRows rows{.ids = {7, 5, 9, 7}, .valid = 3, .global_valid = 3};
  EXPECT_EQ(dtcrt::input_not_finite(batch, rows), "");
  image[9] = label[3] = NAN; // of a row that pads
  EXPECT_EQ(dtcrt::input_not_finite(batch, rows), "");
  label[1] = INFINITY;
  EXPECT_EQ(dtcrt::input_not_finite(batch, rows), "the label of sample 5");
  image[8] = NAN;
  EXPECT_EQ(dtcrt::input_not_finite(batch, rows), "input 'image' of sample 9");
}

TEST(RunErrors, ATruncatedCheckpoint) {
  Folder folder;
  const std::string good = folder / "good", bad = folder / "bad";
  ASSERT_EQ(run_on(1, "--steps=0 --save=" + good).status, 0);
  std::ofstream(bad, std::ios::binary) << contents(good).substr(0, 5000);
  expect_refused(run_on(2, few + "--load=" + bad), "lies outside the file");
}

TEST(RunHelp, ComesFromOneRank) {
  const Result result = run_on(2, "--help");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.output.find("mpirun -n 2 "), std::string::npos);
  EXPECT_EQ(result.output.find("--data=SOURCE", result.output.find("--data=SOURCE") + 1), std::string::npos);
}

} // namespace
