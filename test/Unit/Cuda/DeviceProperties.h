// GPUs that are not here, as cuDNN describes them: cuDNN then says which of its engines take a graph on such a GPU.
#pragma once

#include <string>

namespace dtcrt::test {

/// compute capability 80 or 90: an A100 or an H100, each with 80 GB.
inline std::string device_properties(int capability) {
  const bool hopper = capability == 90;
  return std::string(R"({"cudaDeviceId": 0, "deviceName": ")") + (hopper ? "NVIDIA H100 80GB HBM3" : "NVIDIA A100-SXM4-80GB") +
         R"(", "deviceVer": )" + (hopper ? "900" : "800") + R"(, "driverVer": 13000, "multiProcessorCount": )" + (hopper ? "132" : "108") +
         R"(, "totalGlobalMem": 85029158912, "smClockRateKHz": )" + (hopper ? "1980000" : "1410000") +
         R"(, "memClockRateKHz": )" + (hopper ? "2619000" : "1593000") + R"(, "l2CacheSize": )" + (hopper ? "52428800" : "41943040") +
         R"(, "maxSharedMemoryPerBlockOptin": )" + (hopper ? "232448" : "166912") + R"(, "maxSharedMemoryPerBlock": 49152,
    "reservedSharedMemoryPerBlock": 1024, "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "warpSize": 32, "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
    "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1})";
}

} // namespace dtcrt::test
