// Random sleeps.
#include "core/Jitter.h"
#include "dtcrt/context.h"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace dtcrt {

namespace {

constexpr std::uint64_t most_microseconds = 10'000'000;

std::optional<std::uint64_t> number(const char *name, const char *unit, std::uint64_t most) {
  const char *text = std::getenv(name);
  if (!text)
    return std::nullopt;
  std::uint64_t value = 0;
  const char *end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, value);
  if (error != std::errc() || at != end || value > most)
    throw Error(std::string(name) + " is '" + text + "', not " + unit);
  return value;
}

} // namespace

std::optional<Jitter> Jitter::from_environment(int rank) {
  const auto microseconds = number("DTCRT_JITTER_US", "a number of microseconds up to 10 seconds", most_microseconds);
  const auto seed = number("DTCRT_JITTER_SEED", "a whole number", UINT64_MAX);
  if (microseconds.value_or(0) == 0)
    return std::nullopt;
  const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return Jitter(*microseconds, seed.value_or(now), rank);
}

Jitter::Jitter(std::uint64_t microseconds, std::uint64_t seed, int rank)
    : microseconds_(microseconds), random_(seed, "jitter." + std::to_string(rank)) {}

void Jitter::sleep() {
  std::this_thread::sleep_for(std::chrono::microseconds(random_.below(next_++, microseconds_ + 1)));
}

} // namespace dtcrt
