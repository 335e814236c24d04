// What the program's own symbol table knows: the names of kernels, and where shared memory lies.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace cuda_emulation {

/// "kernel add<float>", for messages.
std::string kernel_name(const void *address);

/// The variables that are declared __shared__ anywhere in the program.
const std::vector<std::span<std::byte>> &shared_variables();

} // namespace cuda_emulation
