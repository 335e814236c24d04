// Traces written by hand, as runtime/include/dtcrt/trace.h describes them.
#include "dtc/Explain/TraceReader.h"

#include "gtest/gtest.h"

using namespace dtc;
using explain::MeasuredStep;
using explain::parseTrace;

namespace {

std::string trace(const std::string &events) {
  return R"({"displayTimeUnit":"ms","otherData":{"format":"dtc-trace","version":1,"model":"mlp","ranks":[]},"traceEvents":[
{"ph":"M","name":"process_name","pid":0,"args":{"name":"rank 0: stage0"}})" +
         events + "]}";
}

/// Microseconds.
std::string event(const char *category, const char *name, int rank, double begin, double duration,
                  const std::string &arguments) {
  return std::string(",\n{\"ph\":\"X\",\"cat\":\"") + category + "\",\"name\":\"" + name +
         "\",\"pid\":" + std::to_string(rank) + ",\"tid\":0,\"ts\":" + std::to_string(begin) +
         ",\"dur\":" + std::to_string(duration) + ",\"args\":{" + arguments + "}}";
}

/// A step of two ranks that begins at `begin`.
std::string step(int number, double begin) {
  std::string in = "\"step\":" + std::to_string(number);
  return event("step", "step", 0, begin, 100, in + ",\"busy_us\":40") +
         event("fragment", "stage0_forward", 0, begin, 40, in + ",\"microbatch\":1,\"kind\":\"forward\",\"stage\":0") +
         event("send", "send act", 0, begin + 40, 30, in + ",\"microbatch\":1,\"message\":\"act\"") +
         event("wait", "wait act", 0, begin + 60, 10, in + ",\"microbatch\":1,\"blocked_us\":10") +
         event("step", "step", 1, begin + 10, 95, in) +
         event("receive", "receive act", 1, begin + 12, 60, in + ",\"message\":\"act\"") +
         event("wait", "wait act", 1, begin + 12, 60, in + ",\"microbatch\":1,\"blocked_us\":50") +
         event("fragment", "anything", 1, begin + 72, 20, in + ",\"kind\":\"update\",\"stage\":1");
}

MeasuredStep read(const std::string &text, std::optional<int64_t> number = std::nullopt) {
  auto result = parseTrace(text, "t.json", number);
  if (!result) {
    ADD_FAILURE() << llvm::toString(result.takeError());
    return {};
  }
  return *result;
}

std::string errorOf(const std::string &text, std::optional<int64_t> number = std::nullopt) {
  auto result = parseTrace(text, "t.json", number);
  return result ? "" : llvm::toString(result.takeError());
}

void expectSpan(const Span &span, SpanKind kind, const char *name, int64_t stage,
                int64_t microbatch, double begin, double end, bool overlapped = false) {
  EXPECT_EQ(span.kind, kind);
  EXPECT_EQ(span.name, name);
  EXPECT_EQ(span.stage, stage);
  EXPECT_EQ(span.microbatch, microbatch);
  EXPECT_NEAR(span.begin, begin * 1e-6, 1e-12);
  EXPECT_NEAR(span.end, end * 1e-6, 1e-12);
  EXPECT_EQ(span.overlapped, overlapped);
}

TEST(TraceReader, TakesTheLastCompleteStep) {
  // Rank 1 has not ended step 3.
  MeasuredStep measured =
      read(trace(step(1, 0) + step(2, 1000) + event("step", "step 3", 0, 2000, 9, "\"step\":3")));
  EXPECT_EQ(measured.step, 2);
  EXPECT_EQ(measured.model, "mlp");
  const Timetable &table = measured.timetable;
  ASSERT_EQ(table.ranks.size(), 2u);
  EXPECT_NEAR(table.stepSeconds, 100e-6, 1e-12);
  ASSERT_EQ(table.ranks[0].size(), 3u);
  expectSpan(table.ranks[0][0], SpanKind::Forward, "stage0_forward", 0, 1, 0, 40);
  expectSpan(table.ranks[0][1], SpanKind::Communication, "act", -1, 1, 40, 70, true);
  expectSpan(table.ranks[0][2], SpanKind::Wait, "act", -1, 1, 60, 70);
  // Of the wait, 50 µs blocked; then it copied.
  ASSERT_EQ(table.ranks[1].size(), 3u);
  expectSpan(table.ranks[1][0], SpanKind::Wait, "act", -1, 1, 12, 62);
  expectSpan(table.ranks[1][1], SpanKind::Communication, "act", -1, 1, 62, 72);
  expectSpan(table.ranks[1][2], SpanKind::Update, "anything", 1, -1, 72, 92);
  EXPECT_NEAR(table.bubble(), 1 - 60.0 / 200, 1e-9);
}

TEST(TraceReader, TakesTheStepAskedFor) {
  EXPECT_EQ(read(trace(step(1, 0) + step(2, 1000)), 1).step, 1);
  EXPECT_EQ(errorOf(trace(step(1, 0)), 7),
            "t.json: has no step 7 that all of its 2 ranks have completed");
}

TEST(TraceReader, WaitsInsideAFragmentAreNotItsWork) {
  MeasuredStep measured = read(trace(
      event("step", "step 1", 0, 0, 100, "\"step\":1") +
      event("fragment", "forward", 0, 0, 100, "\"step\":1") +
      event("wait", "wait all-reduce", 0, 30, 40, "\"step\":1,\"blocked_us\":40")));
  EXPECT_NEAR(measured.timetable.busySeconds(0), 60e-6, 1e-12);
}

TEST(TraceReader, LeavesEvaluationsOut) {
  MeasuredStep measured = read(
      trace(step(1, 0) + event("fragment", "evaluate_forward", 0, 500, 10, "") ));
  EXPECT_EQ(measured.timetable.ranks[0].size(), 3u);
}

TEST(TraceReader, RefusesWhatIsNoTrace) {
  EXPECT_NE(errorOf("{").find("t.json: is no JSON: "), std::string::npos);
  EXPECT_NE(errorOf("[]").find("t.json: is no trace of dtc"), std::string::npos);
  EXPECT_NE(errorOf("{\"traceEvents\":[]}").find("is no trace of dtc"), std::string::npos);
  EXPECT_EQ(errorOf(trace("")), "t.json: holds no events");
  EXPECT_EQ(errorOf(trace(event("data", "data", 0, 0, 1, "\"step\":1"))),
            "t.json: has no step that all of its 1 ranks have completed");
  EXPECT_NE(errorOf(trace(",{\"ph\":\"X\"}")).find("needs pid, ts, dur"), std::string::npos);
  EXPECT_NE(errorOf(trace(",7")).find("an event without"), std::string::npos);
  EXPECT_NE(errorOf(trace(event("step", "s", -1, 0, 1, "\"step\":1"))).find("names rank -1"),
            std::string::npos);
  EXPECT_NE(errorOf(trace(event("step", "s", 1 << 30, 0, 1, "\"step\":1"))).find("but ranks are"),
            std::string::npos);
  EXPECT_NE(errorOf(trace(event("step", "s", 0, 0, -1, "\"step\":1"))).find("ends before"),
            std::string::npos);
}

TEST(TraceReader, SurvivesDeepNesting) {
  EXPECT_EQ(errorOf(std::string(10'000'000, '[')), "t.json: is no trace: nested more than 64 deep");
  // Brackets in a string are none.
  EXPECT_EQ(errorOf(trace(event("data", std::string(1000, '[').c_str(), 0, 0, 1, "\"step\":1"))),
            "t.json: has no step that all of its 1 ranks have completed");
}

} // namespace
