// Faults and records on request: what goes wrong in which process, and what has run. cuda_emulation.h describes the variables.
#pragma once

#include <string>

namespace cuda_emulation {

/// A kernel has run: this process may have to die here.
void kernel_ended();

/// What becomes of the next communication of this process, and of its next communicator.
enum class Fate { well, dies, fails };
Fate next_communication();
Fate next_connection();
/// This process ends as if killed.
[[noreturn]] void die();

/// A line in the record, if there is one.
bool is_recorded();
void record(const std::string &line);

} // namespace cuda_emulation
