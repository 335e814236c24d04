// Reads what a measuring program wrote.
#include "dtc/Calibrate/Measurement.h"

#include "llvm/Support/JSON.h"

#include <cmath>

using namespace dtc;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static bool isTime(std::optional<double> seconds) {
  return seconds && std::isfinite(*seconds) && *seconds >= 0;
}

Expected<Measurement> dtc::parseMeasurement(StringRef text, StringRef name) {
  auto fail = [&](const Twine &what) {
    return llvm::createStringError(name + ": is no measurement: " + what);
  };
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return fail(llvm::toString(value.takeError()));
  const json::Object *root = value->getAsObject();
  if (!root || root->getString("format") != "dtc-measurement" || root->getInteger("version") != 1)
    return fail("\"format\" is not dtc-measurement, version 1");
  auto whole = [&](StringRef key) { return root->getInteger(key).value_or(0); };
  Measurement result;
  result.cores = whole("cores");
  result.memoryBytes = whole("memory");
  result.ranks = whole("ranks");
  const json::Array *fragments = root->getArray("fragments"), *messages = root->getArray("messages");
  if (result.cores < 1 || result.memoryBytes < 1 || result.ranks < 1 || !fragments || !messages)
    return fail("cores, memory, ranks, fragments or messages are missing");
  for (const json::Value &entry : *fragments) {
    const json::Object *fragment = entry.getAsObject();
    auto role = fragment ? fragment->getString("role") : std::nullopt;
    auto called = fragment ? fragment->getString("name") : std::nullopt;
    auto seconds = fragment ? fragment->getNumber("seconds") : std::nullopt;
    if (!role || !called || !isTime(seconds))
      return fail("a fragment needs role, name and seconds of at least 0");
    result.fragments.push_back({role->str(), called->str(), *seconds});
  }
  for (const json::Value &entry : *messages) {
    const json::Object *message = entry.getAsObject();
    auto bytes = message ? message->getNumber("bytes") : std::nullopt;
    auto seconds = message ? message->getNumber("seconds") : std::nullopt;
    if (!isTime(bytes) || !isTime(seconds))
      return fail("a message needs bytes and seconds of at least 0");
    result.messages.push_back({*bytes, *seconds});
  }
  return result;
}

Expected<std::map<std::string, double, std::less<>>>
dtc::secondsBySignature(const Measurement &measurement, llvm::ArrayRef<TimedFragment> fragments,
                        const std::map<std::string, OpWork, std::less<>> &ops) {
  // A program with one role does not name it.
  std::map<std::pair<StringRef, StringRef>, double> measured;
  bool alike = llvm::all_of(fragments, [&](const TimedFragment &fragment) {
    return fragment.role == fragments.front().role;
  });
  for (const Measurement::Fragment &fragment : measurement.fragments)
    measured[{alike ? "" : StringRef(fragment.role), fragment.name}] = fragment.seconds;
  std::map<std::string, std::pair<double, int64_t>, std::less<>> sums;
  for (const TimedFragment &fragment : fragments) {
    auto found = measured.find({alike ? "" : StringRef(fragment.role), fragment.name});
    if (found == measured.end())
      return llvm::createStringError("the measuring program did not time '" + fragment.name + "' of " +
                                     fragment.role);
    auto &[sum, count] = sums[fragment.signature];
    sum += found->second;
    ++count;
  }
  std::map<std::string, double, std::less<>> result;
  for (const auto &[signature, sum] : sums)
    result[signature] = sum.first / sum.second;
  for (const auto &[signature, work] : ops)
    result.try_emplace(signature, 0);
  return result;
}
