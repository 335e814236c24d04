// Reads one step out of a trace file.
#include "dtc/Explain/TraceReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <map>

using namespace dtc;
using namespace dtc::explain;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

/// More than any machine has.
static constexpr int64_t maxRanks = 1 << 20;
static constexpr unsigned maxNesting = 64;

namespace {

/// A complete event of one rank's step; seconds.
struct Event {
  StringRef category, name;
  double begin, end, blocked;
  int64_t microbatch;
  SpanKind work; ///< of a fragment
  int64_t stage;
};

class Reader {
public:
  Reader(StringRef file) : file(file) {}
  Expected<MeasuredStep> read(StringRef text, std::optional<int64_t> wanted);

private:
  Error fail(const llvm::Twine &what) const {
    return llvm::createStringError(file + ": " + what);
  }
  Error checkNesting(StringRef text) const;
  Error readEvent(const json::Value &value);
  Expected<int64_t> chooseStep(std::optional<int64_t> wanted) const;
  void addSpans(MeasuredStep &result, int64_t rank, const std::vector<Event> &events,
                double origin) const;

  StringRef file;
  /// Of each step and rank: the event of the step itself, and those in it.
  struct RankStep {
    std::optional<Event> whole;
    std::vector<Event> events;
  };
  std::map<int64_t, std::map<int64_t, RankStep>> steps;
  int64_t ranks = 0;
};

} // namespace

/// LLVM's parser calls itself for each level.
Error Reader::checkNesting(StringRef text) const {
  unsigned depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > maxNesting)
        return fail("is no trace: nested more than " + llvm::Twine(maxNesting) + " deep");
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return Error::success();
}

Error Reader::readEvent(const json::Value &value) {
  const json::Object *event = value.getAsObject();
  std::optional<StringRef> phase = event ? event->getString("ph") : std::nullopt;
  if (!phase)
    return fail("is no trace: an event without \"ph\"");
  if (*phase != "X")
    return Error::success();
  std::optional<int64_t> rank = event->getInteger("pid");
  std::optional<double> begin = event->getNumber("ts"), duration = event->getNumber("dur");
  std::optional<StringRef> category = event->getString("cat"), name = event->getString("name");
  const json::Object *arguments = event->getObject("args");
  if (!rank || !begin || !duration || !category || !name || !arguments)
    return fail("is no trace of dtc: a complete event needs pid, ts, dur, cat, name and args");
  if (*rank < 0 || *rank >= maxRanks)
    return fail("names rank " + llvm::Twine(*rank) + ", but ranks are 0 to " +
                llvm::Twine(maxRanks - 1));
  if (!std::isfinite(*begin) || !std::isfinite(*duration) || *duration < 0)
    return fail("has an event of rank " + llvm::Twine(*rank) + " that ends before it begins");
  ranks = std::max(ranks, *rank + 1);
  std::optional<int64_t> step = arguments->getInteger("step");
  if (!step) // of an evaluation
    return Error::success();
  Event read{*category,
             *name,
             *begin * 1e-6,
             (*begin + *duration) * 1e-6,
             arguments->getNumber("blocked_us").value_or(*duration) * 1e-6,
             arguments->getInteger("microbatch").value_or(-1),
             workNamed(arguments->getString("kind").value_or("")).value_or(SpanKind::Forward),
             arguments->getInteger("stage").value_or(-1)};
  if (std::optional<StringRef> message = arguments->getString("message"))
    read.name = *message;
  RankStep &rankStep = steps[*step][*rank];
  if (read.category == "step")
    rankStep.whole = read;
  else
    rankStep.events.push_back(read);
  return Error::success();
}

Expected<int64_t> Reader::chooseStep(std::optional<int64_t> wanted) const {
  auto complete = [&](const auto &entry) {
    return static_cast<int64_t>(entry.second.size()) == ranks &&
           llvm::all_of(entry.second, [](const auto &rank) { return rank.second.whole; });
  };
  if (wanted) {
    auto found = steps.find(*wanted);
    if (found == steps.end() || !complete(*found))
      return fail("has no step " + llvm::Twine(*wanted) + " that all of its " +
                  llvm::Twine(ranks) + " ranks have completed");
    return *wanted;
  }
  for (const auto &entry : llvm::reverse(steps))
    if (complete(entry))
      return entry.first;
  return fail("has no step that all of its " + llvm::Twine(ranks) + " ranks have completed");
}

void Reader::addSpans(MeasuredStep &result, int64_t rank, const std::vector<Event> &events,
                      double origin) const {
  std::vector<Span> &spans = result.timetable.ranks[rank];
  auto add = [&](SpanKind kind, const Event &event, double begin, double end, int64_t stage = -1) {
    if (end > begin)
      spans.push_back({kind, event.name.str(), stage, event.microbatch, begin - origin, end - origin});
  };
  for (const Event &event : events) {
    if (event.category == "wait") {
      Event named = event;
      named.name.consume_front("wait ");
      double freed = std::min(event.begin + event.blocked, event.end);
      add(SpanKind::Wait, named, event.begin, freed);
      add(SpanKind::Communication, named, freed, event.end);
    } else if (event.category == "send" || event.category == "all_reduce") {
      // A receive shows the same message, at the other end.
      add(SpanKind::Communication, event, event.begin, event.end);
      if (!spans.empty())
        spans.back().overlapped = true;
    } else if (event.category == "fragment") {
      // Waits inside of it are not its work.
      double begin = event.begin;
      for (const Event &inner : events)
        if (inner.category == "wait" && inner.begin >= begin && inner.end <= event.end) {
          add(event.work, event, begin, inner.begin, event.stage);
          begin = inner.end;
        }
      add(event.work, event, begin, event.end, event.stage);
    }
  }
  llvm::stable_sort(spans, [](const Span &a, const Span &b) { return a.begin < b.begin; });
}

Expected<MeasuredStep> Reader::read(StringRef text, std::optional<int64_t> wanted) {
  text.consume_front("\xEF\xBB\xBF"); // the byte order mark that some editors write
  if (Error error = checkNesting(text))
    return error;
  Expected<json::Value> file = json::parse(text);
  if (!file)
    return fail("is no JSON: " + llvm::toString(file.takeError()));
  const json::Object *root = file->getAsObject();
  const json::Array *events = root ? root->getArray("traceEvents") : nullptr;
  const json::Object *about = root ? root->getObject("otherData") : nullptr;
  if (!events || !about || about->getString("format") != "dtc-trace")
    return fail("is no trace of dtc: no \"traceEvents\", or \"otherData\" without the format "
                "\"dtc-trace\"");
  if (about->getInteger("version") != 1)
    return fail("is a trace of another version than 1");
  for (const json::Value &event : *events)
    if (Error error = readEvent(event))
      return error;
  if (ranks == 0)
    return fail("holds no events");
  Expected<int64_t> step = chooseStep(wanted);
  if (!step)
    return step.takeError();
  MeasuredStep result{{}, *step, about->getString("model").value_or("").str()};
  result.timetable.ranks.resize(ranks);
  double origin = HUGE_VAL;
  for (const auto &[rank, events] : steps[*step])
    origin = std::min(origin, events.whole->begin);
  for (auto &[rank, ofRank] : steps[*step]) {
    result.timetable.stepSeconds =
        std::max(result.timetable.stepSeconds, ofRank.whole->end - ofRank.whole->begin);
    llvm::stable_sort(ofRank.events,
                      [](const Event &a, const Event &b) { return a.begin < b.begin; });
    addSpans(result, rank, ofRank.events, origin);
  }
  return result;
}

Expected<MeasuredStep> dtc::explain::parseTrace(StringRef text, StringRef name,
                                                std::optional<int64_t> step) {
  return Reader(name).read(text, step);
}

Expected<MeasuredStep> dtc::explain::readTrace(StringRef path, std::optional<int64_t> step) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path + "': " + buffer.getError().message());
  return parseTrace((*buffer)->getBuffer(), path, step);
}
