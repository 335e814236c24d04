// The variables that name a rank, and the record.
#include "Faults.h"
#include "Settings.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace cuda_emulation {

namespace {

/// What the launcher calls this process; 0 for one that was started alone.
int launched_rank() {
  for (const char *name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (const char *rank = std::getenv(name))
      return std::atoi(rank);
  return 0;
}

/// Of which rank, and the how manieth thing of its kind there.
struct Moment {
  int rank = -1;
  unsigned long number = 0, counted = 0;

  /// Another thing of the kind happens in this process: whether it is the one.
  bool has_come() { return ++counted == number && rank == launched_rank(); }
};

/// The variable's value, behind `prefix`; one that never comes where it has another.
Moment read(const char *name, const std::string &prefix) {
  Moment moment;
  const char *text = std::getenv(name);
  if (!text || std::string(text).rfind(prefix, 0) != 0)
    return moment;
  const char *at = text + prefix.size();
  int end = 0;
  if (std::sscanf(at, "%d:%lu%n", &moment.rank, &moment.number, &end) != 2 || at[end] || moment.number == 0)
    refuse(name, text, (prefix + "RANK:N with N from 1 on").c_str());
  return moment;
}

struct Faults {
  Moment kernel = read("CUDA_EMULATION_KILL", "");
  Moment dies = read(nccl, "kill:"), fails = read(nccl, "error:"), connects = read(nccl, "connect:");

  static constexpr const char *nccl = "CUDA_EMULATION_NCCL";
  Faults() {
    if (const char *text = std::getenv(nccl); text && dies.number + fails.number + connects.number == 0)
      refuse(nccl, text, "kill:RANK:N, error:RANK:N or connect:RANK:N");
  }
};

Faults &faults() {
  static Faults read;
  return read;
}

} // namespace

void die() {
  raise(SIGKILL);
  std::abort();
}

void kernel_ended() {
  if (faults().kernel.has_come())
    die();
}

Fate next_communication() {
  const bool dies = faults().dies.has_come(), fails = faults().fails.has_come();
  return dies ? Fate::dies : fails ? Fate::fails : Fate::well;
}

Fate next_connection() { return faults().connects.has_come() ? Fate::fails : Fate::well; }

bool is_recorded() {
  static const bool is = std::getenv("CUDA_EMULATION_RECORD");
  return is;
}

void record(const std::string &line) {
  if (!is_recorded())
    return;
  static const std::string path = std::string(std::getenv("CUDA_EMULATION_RECORD")) + "." + std::to_string(launched_rank());
  static std::FILE *file = std::fopen(path.c_str(), "w");
  if (!file)
    refuse("CUDA_EMULATION_RECORD", path.c_str(), "a file that can be written");
  std::fprintf(file, "%s\n", line.c_str());
  std::fflush(file);
}

} // namespace cuda_emulation
