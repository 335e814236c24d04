// Device memory between guard zones, which only kernels and copies may touch.
#pragma once

#include <cstddef>
#include <string>

namespace cuda_emulation {

/// While one lives, device memory can be touched (with CUDA_EMULATION_PROTECT=1 the host cannot otherwise).
class DeviceAccess {
public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess &) = delete;
};

/// Says which block's guard zone has been written to; empty if none.
std::string damaged_guard();
bool is_pinned(const void *address, std::size_t bytes);

} // namespace cuda_emulation
