// The environment variables of cuda_emulation.h.
#include "Settings.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace cuda_emulation {

namespace {

template <class T> void read_number(const char *name, T &value) {
  const char *text = std::getenv(name);
  if (!text)
    return;
  char *end = nullptr;
  const unsigned long long number = std::strtoull(text, &end, 10);
  if (end == text || *end)
    refuse(name, text, "a number");
  value = static_cast<T>(number);
}

Settings from_environment() {
  Settings s;
  if (const char *order = std::getenv("CUDA_EMULATION_ORDER")) {
    if (!std::strcmp(order, "descending"))
      s.order = Order::descending;
    else if (!std::strncmp(order, "random", 6) && (order[6] == ':' || !order[6])) {
      s.order = Order::random;
      s.seed = order[6] ? static_cast<unsigned>(std::atoi(order + 7)) : 0;
    } else if (std::strcmp(order, "ascending"))
      refuse("CUDA_EMULATION_ORDER", order, "ascending, descending, random or random:SEED");
  }
  if (const char *streams = std::getenv("CUDA_EMULATION_STREAMS")) {
    if (!std::strcmp(streams, "lazy"))
      s.streams = Streams::lazy;
    else if (!std::strcmp(streams, "newest"))
      s.streams = Streams::newest;
    else if (std::strcmp(streams, "eager"))
      refuse("CUDA_EMULATION_STREAMS", streams, "eager, lazy or newest");
  }
  read_number("CUDA_EMULATION_DEVICES", s.devices);
  read_number("CUDA_EMULATION_DRIVER", s.driver);
  read_number("CUDA_EMULATION_MEMORY", s.memory);
  read_number("CUDA_EMULATION_MULTIPROCESSORS", s.multiprocessors);
  read_number("CUDA_EMULATION_PROTECT", s.protect);
  return s;
}

} // namespace

void refuse(const char *name, const char *value, const char *rule) {
  std::fprintf(stderr, "cuda emulation: %s is '%s', but must be %s\n", name, value, rule);
  std::exit(2);
}

Settings &settings() {
  static Settings s = from_environment();
  return s;
}

void set_streams(Streams streams) { settings().streams = streams; }

} // namespace cuda_emulation
