// --trace and DTCRT_JITTER_US on programs of several roles.
#include "Command.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>

using namespace dtcrt::test;
using json = nlohmann::json;

namespace {

Result run_pipeline(int replicas, const std::string &arguments, const std::string &environment = "") {
  return run_ranks(2 * replicas, PROGRAMS "/runtime_pipeline_2_" + std::to_string(replicas) + " --data=synthetic:168 --seed=3 " + arguments,
                   environment);
}

json trace_of(int replicas, const std::string &arguments, const std::string &environment = "") {
  Folder folder;
  const Result result = run_pipeline(replicas, arguments + " --trace=" + (folder / "trace.json"), environment);
  EXPECT_EQ(result.status, 0) << result.errors;
  const json trace = json::parse(contents(folder / "trace.json"), nullptr, false);
  EXPECT_TRUE(trace.is_object());
  return trace;
}

double end_of(const json &event) { return event["ts"].get<double>() + event["dur"].get<double>(); }

/// The complete events of one category on one rank, by start.
std::vector<json> events_of(const json &trace, const std::string &category, int rank = -1) {
  std::vector<json> events;
  for (const json &event : trace["traceEvents"])
    if (event["ph"] == "X" && event["cat"] == category && (rank < 0 || event["pid"] == rank))
      events.push_back(event);
  std::sort(events.begin(), events.end(), [](const json &a, const json &b) { return a["ts"] < b["ts"]; });
  return events;
}

std::string row_name(const json &trace, const std::string &what, int pid, int tid = -1) {
  for (const json &event : trace["traceEvents"])
    if (event["ph"] == "M" && event["name"] == what && event["pid"] == pid && (tid < 0 || event["tid"] == tid))
      return event["args"]["name"];
  return "";
}

TEST(Trace, HasARowForEveryRankAndStream) {
  const json trace = trace_of(2, "--steps=3");
  for (int rank = 0; rank < 4; ++rank) {
    SCOPED_TRACE(rank);
    const std::string stage = rank % 2 ? "stage1" : "stage0";
    EXPECT_EQ(row_name(trace, "process_name", rank), "rank " + std::to_string(rank) + ": " + stage);
    EXPECT_EQ(row_name(trace, "thread_name", rank, 0), "compute");
    EXPECT_EQ(row_name(trace, "thread_name", rank, 1), "communication");
    // A step of four microbatches.
    std::map<std::string, int> fragments;
    for (const json &event : events_of(trace, "fragment", rank)) {
      EXPECT_EQ(event["name"], stage + "_" + event["args"]["kind"].get<std::string>());
      EXPECT_EQ(event["args"]["stage"], rank % 2);
      if (event["args"].value("step", 0) == 2)
        ++fragments[event["name"].get<std::string>() + (event["args"].contains("microbatch") ? event["args"]["microbatch"].dump() : "")];
    }
    EXPECT_EQ(fragments.size(), 9u);
    for (const std::string name : {"_forward0", "_forward3", "_backward0", "_backward3", "_update"})
      EXPECT_EQ(fragments[stage + name], 1) << stage + name;
    EXPECT_EQ(events_of(trace, "step", rank).size(), 3u);
    EXPECT_EQ(events_of(trace, "data", rank).size(), 4u);       // and one for the test
    EXPECT_EQ(events_of(trace, "evaluation", rank).size(), 1u); // of 42 samples
    for (const json &event : events_of(trace, "wait", rank))
      EXPECT_EQ(event["tid"], 0);
    const json &summary = trace["otherData"]["ranks"][static_cast<std::size_t>(rank)];
    EXPECT_EQ(summary["role"], stage);
    EXPECT_EQ(summary["at"], json({{"data", rank / 2}, {"pipe", rank % 2}}));
    EXPECT_EQ(summary["steps"], 3);
    EXPECT_EQ(summary["dropped_events"], 0);
  }
}

TEST(Trace, RowsHoldNestedEventsAlone) {
  const json trace = trace_of(1, "--steps=4");
  std::map<std::pair<int, int>, std::vector<json>> rows;
  for (const json &event : trace["traceEvents"])
    if (event["ph"] == "X")
      rows[{event["pid"], event["tid"]}].push_back(event);
  for (auto &[row, events] : rows) {
    std::sort(events.begin(), events.end(), [](const json &a, const json &b) {
      return a["ts"] != b["ts"] ? a["ts"] < b["ts"] : a["dur"] > b["dur"];
    });
    std::vector<json> open;
    for (const json &event : events) {
      while (!open.empty() && end_of(open.back()) <= event["ts"].get<double>() + 1e-3)
        open.pop_back();
      if (!open.empty()) {
        EXPECT_LE(end_of(event), end_of(open.back()) + 2e-3) << event << " in " << open.back();
        EXPECT_EQ(row.second, 0) << "two messages in one row: " << event << " and " << open.back();
      }
      open.push_back(event);
    }
  }
}

/// `one_host`: a send ends when it has been received; MPI may keep its bytes.
void expect_messages_match(const json &trace, bool one_host) {
  using Key = std::tuple<int, int, std::string, int, int>;
  const auto by_key = [&](const std::string &category) {
    std::map<Key, json> events;
    for (const json &event : events_of(trace, category)) {
      const int rank = event["pid"], peer = event["args"]["peer_rank"], step = event["args"].value("step", 0);
      const bool is_send = category == "send";
      events[{is_send ? rank : peer, is_send ? peer : rank, event["args"]["message"], event["args"]["microbatch"], step}] = event;
    }
    return events;
  };
  const auto sends = by_key("send"), receives = by_key("receive");
  EXPECT_EQ(sends.size(), receives.size());
  EXPECT_GE(sends.size(), 24u);
  for (const auto &[key, send] : sends) {
    const auto receive = receives.find(key);
    ASSERT_NE(receive, receives.end()) << send;
    EXPECT_EQ(send["args"]["bytes"], receive->second["args"]["bytes"]);
    EXPECT_EQ(send["args"]["axis"], "pipe");
    EXPECT_EQ(send["args"]["peer"], send["args"]["peer_rank"].get<int>() % 2);
    EXPECT_GE(end_of(receive->second), send["ts"].get<double>()) << "received before it was sent";
    if (one_host) {
      EXPECT_GE(end_of(send), receive->second["ts"].get<double>()) << "its end was known before it was wanted";
    }
  }
}

TEST(Trace, ShowsEveryMessageAtBothEnds) { expect_messages_match(trace_of(2, "--steps=3"), true); }
TEST(Trace, HasOneClockForSeveralHosts) { expect_messages_match(trace_of(1, "--steps=3", "DTCRT_SPLIT_HOST=2"), false); }

TEST(Trace, TellsBusyFromBlockedTime) {
  // 4 + 4 + 1 fragments a step, each of which sleeps: the stages wait for each other.
  const json trace = trace_of(1, "--steps=3", "DTCRT_JITTER_US=3000 DTCRT_JITTER_SEED=5");
  for (int rank = 0; rank < 2; ++rank) {
    double busy = 0, blocked = 0, duration = 0;
    for (const json &step : events_of(trace, "step", rank)) {
      double in_fragments = 0, in_waits = 0;
      for (const json &event : events_of(trace, "fragment", rank))
        if (event["args"].value("step", 0) == step["args"]["step"])
          in_fragments += event["dur"].get<double>();
      for (const json &event : events_of(trace, "wait", rank))
        if (event["args"].value("step", 0) == step["args"]["step"]) {
          in_waits += event["args"]["blocked_us"].get<double>();
          EXPECT_LE(event["args"]["blocked_us"].get<double>(), event["dur"].get<double>() + 1);
        }
      EXPECT_NEAR(step["args"]["busy_us"].get<double>(), in_fragments, 0.02 * in_fragments + 20);
      EXPECT_NEAR(step["args"]["blocked_us"].get<double>(), in_waits, 1);
      EXPECT_LE(step["args"]["busy_us"].get<double>() + step["args"]["blocked_us"].get<double>(), step["dur"].get<double>() + 1);
      EXPECT_GT(in_waits, 0);
      busy += step["args"]["busy_us"].get<double>();
      blocked += step["args"]["blocked_us"].get<double>();
      duration += step["dur"].get<double>();
    }
    const json &summary = trace["otherData"]["ranks"][static_cast<std::size_t>(rank)];
    EXPECT_NEAR(summary["busy_us"].get<double>(), busy, 1);
    EXPECT_NEAR(summary["blocked_us"].get<double>(), blocked, 1);
    EXPECT_NEAR(summary["step_us"].get<double>(), duration, 1);
  }
}

TEST(Trace, OfOneRank) {
  Folder folder;
  const std::string path = folder / "trace.json";
  const Result result = run_command(PROGRAMS "/runtime_pipeline_1_1 --data=synthetic:168 --steps=2 --trace=" + path);
  ASSERT_EQ(result.status, 0) << result.errors;
  const json trace = json::parse(contents(path), nullptr, false);
  EXPECT_EQ(row_name(trace, "process_name", 0), "rank 0");
  EXPECT_EQ(events_of(trace, "step").size(), 2u);
  EXPECT_EQ(trace["otherData"]["model"], "tied");
}

void expect_refused(const Result &result, const std::string &part) {
  EXPECT_EQ(result.status, 2);
  const auto lines = lines_of_program(result.errors);
  ASSERT_EQ(lines.size(), 1u) << result.errors;
  EXPECT_NE(lines[0].find(part), std::string::npos) << lines[0];
}

TEST(Trace, IsRefusedWhereItCannotBeWritten) { expect_refused(run_pipeline(1, "--steps=1 --trace=/nowhere/t.json"), "cannot write /nowhere/t.json"); }

TEST(Jitter, ChangesNoLoss) {
  Folder folder;
  const std::string metrics = folder / "metrics", save = folder / "save";
  const auto losses = [&](const std::string &environment) {
    const Result result = run_pipeline(2, "--steps=8 --metrics=" + metrics + " --save=" + save, environment);
    EXPECT_EQ(result.status, 0) << result.errors;
    std::string text;
    std::istringstream lines(contents(metrics));
    for (std::string line; std::getline(lines, line);)
      text += line.substr(0, line.find(",\"lr\"")) + "\n";
    return text;
  };
  const std::string without = losses(""), saved = contents(save);
  EXPECT_GT(saved.size(), 200'000u);
  for (const char *seed : {"1", "2", "3"}) {
    EXPECT_EQ(losses(std::string("DTCRT_JITTER_US=800 DTCRT_JITTER_SEED=") + seed), without);
    EXPECT_EQ(contents(save), saved);
  }
}

TEST(Jitter, IsANumber) {
  expect_refused(run_pipeline(1, "--steps=1", "DTCRT_JITTER_US=much"), "DTCRT_JITTER_US is 'much', not a number of microseconds");
  expect_refused(run_pipeline(1, "--steps=1", "DTCRT_JITTER_US=-1"), "DTCRT_JITTER_US is '-1'");
  expect_refused(run_pipeline(1, "--steps=1", "DTCRT_JITTER_US=1 DTCRT_JITTER_SEED=x"), "DTCRT_JITTER_SEED is 'x', not a whole number");
}

} // namespace
