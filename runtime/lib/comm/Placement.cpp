// Core counting and pinning on Linux.
#include "comm/Placement.h"
#include "dtcrt/context.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace dtcrt {

namespace {

/// The processing units of each core that `mask` holds, in order of package and core.
std::vector<std::vector<int>> cores_in(const cpu_set_t &mask) {
  const auto topology = [](int cpu, const char *what) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + what);
    int id = -1;
    file >> id;
    return id;
  };
  std::vector<std::pair<std::pair<int, int>, int>> units;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &mask)) {
      const int core = topology(cpu, "core_id");
      units.push_back({{topology(cpu, "physical_package_id"), core < 0 ? cpu : core}, cpu});
    }
  std::sort(units.begin(), units.end());
  std::vector<std::vector<int>> cores;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i == 0 || units[i].first != units[i - 1].first)
      cores.emplace_back();
    cores.back().push_back(units[i].second);
  }
  return cores;
}

cpu_set_t affinity_of(pid_t process) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(process, sizeof mask, &mask) != 0 && sched_getaffinity(0, sizeof mask, &mask) != 0)
    CPU_SET(0, &mask);
  return mask;
}

/// What the host lets this program use. Open MPI's launcher binds its children, not itself: its own mask is the user's.
cpu_set_t usable() { return affinity_of(std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE") ? getppid() : 0); }

int number(const char *name) {
  const char *text = std::getenv(name);
  return text ? std::atoi(text) : -1;
}

} // namespace

int threads_of_rank(int local_ranks) {
  if (const char *text = std::getenv("DTCRT_THREADS")) {
    char *end = nullptr;
    const long threads = std::strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || threads < 1 || threads > 4096)
      throw Error("DTCRT_THREADS is '" + std::string(text) + "', not a number of threads");
    return static_cast<int>(threads);
  }
  return std::max(1, cores_of_host() / local_ranks);
}

int cores_of_host() { return std::max(1, static_cast<int>(cores_in(usable()).size())); }

int ranks_of_host() { return std::max(1, number("OMPI_COMM_WORLD_LOCAL_SIZE")); }

void place_rank(char **argv) {
  const int ranks = number("OMPI_COMM_WORLD_LOCAL_SIZE"), rank = number("OMPI_COMM_WORLD_LOCAL_RANK");
  const char *pin = std::getenv("DTCRT_PIN");
  if (ranks < 1 || rank < 0 || rank >= ranks || (pin && std::string(pin) == "off"))
    return;
  const cpu_set_t all = usable(), before = affinity_of(0);
  const auto cores = cores_in(all);
  cpu_set_t share = all;
  if (ranks <= static_cast<int>(cores.size())) {
    CPU_ZERO(&share);
    const std::size_t begin = cores.size() * rank / ranks, end = cores.size() * (rank + 1) / ranks;
    for (std::size_t core = begin; core < end; ++core)
      for (int cpu : cores[core])
        CPU_SET(cpu, &share);
  }
  if (CPU_EQUAL(&share, &before) || sched_setaffinity(0, sizeof share, &share) != 0)
    return;
  // libgomp counted the processors when it was loaded; with more threads than it saw then, its threads sleep between loops
  // instead of spinning. So a rank with several threads loads it again.
  if (CPU_COUNT(&before) < CPU_COUNT(&share) && !std::getenv("DTCRT_PLACED")) {
    setenv("DTCRT_PLACED", "1", 1);
    execv("/proc/self/exe", argv);
  }
}

} // namespace dtcrt
