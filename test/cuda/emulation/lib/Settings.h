// What the environment, or a test, says the machine is like.
#pragma once

#include "cuda_emulation.h"

#include <cstddef>
#include <string>

namespace cuda_emulation {

struct Settings {
  Order order = Order::ascending;
  unsigned seed = 0;
  Streams streams = Streams::eager;
  int devices = 1, driver = 13000, multiprocessors = 2;
  std::size_t memory = std::size_t(8) << 30;
  bool protect = false;
};

/// Read from the environment at the first call.
Settings &settings();

/// Ends the program: a variable makes no sense.
[[noreturn]] void refuse(const char *name, const char *value, const char *rule);

} // namespace cuda_emulation
